/* `inspect` of an image that is somewhere else: docker://, oci: … (engine/move/place.h). */
#pragma once

#include "base/vec.h"
#include "cli/image/remote_options.h"

#include <stdbool.h>

struct inspect_place_words {
	struct remote_words remote;
	const char *platform;
	bool raw, config, no_tags;
};

/* Whether any of those options was given that only concern such images. */
bool inspect_place_is_asked(const struct inspect_place_words *w);
/* Prints what each of PLACES has; all of them begin with a transport. */
int inspect_places(const struct inspect_place_words *w, const char *format, const struct strv *places, struct err *err);
