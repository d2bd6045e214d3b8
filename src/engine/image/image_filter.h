/* `images --filter`. */
#pragma once

#include "engine/image/images.h"

#include <time.h>

struct image_filter {
	struct strv references;		/* any of them */
	struct strv labels, not_labels; /* each of them; none of them */
	int dangling;			/* 0: not asked, 1: only untagged, -1: only named */
	bool has_before, has_since, has_until;
	struct timespec before, since, until;
};

/* -EINVAL: no such filter. FILTERS may be NULL. */
int image_filter_parse(struct engine *e, const struct strv *filters, struct image_filter *ret, struct err *err);
void image_filter_done(struct image_filter *f);
bool image_filter_accepts(const struct image_filter *f, const struct image_row *row);
