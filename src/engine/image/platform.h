/* `--platform`: which of the images that a list has. */
#pragma once

#include "base/err.h"
#include "oci/image.h"

struct wanted_platform {
	char architecture[64], variant[16];
};

/* "linux/ARCHITECTURE[/VARIANT]"; NULL: this machine's. Without a variant arm64 is v8 and arm v7. */
int platform_parse(const char *text, struct wanted_platform *ret, struct err *err);
/* The manifest, or the only index, that INDEX has for it; borrowed. NULL: ERR says what there is instead (-ENOENT). */
const struct descriptor *platform_choose(const struct wanted_platform *p, const struct image_index *index,
					 struct err *err);
