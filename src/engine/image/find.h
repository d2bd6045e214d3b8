/* The image that a command means: of the store, or of a registry where the store lacks it. */
#pragma once

#include "engine/open.h"
#include "store/image.h"

enum pull_policy { PULL_MISSING, PULL_NEVER, PULL_ALWAYS };
/* "missing", "never", "always"; NULL and "": UNSAID. */
int pull_policy_parse(const char *word, enum pull_policy unsaid, enum pull_policy *ret, struct err *err);

/* Whether a registry may have what TEXT names: not what was named here only, nor the beginning of an ID. */
bool image_may_be_elsewhere(const char *text);

/*
 * Opens the image TEXT as store_image_open does, and brings it first where POLICY says so. ON_NOTICE (may be NULL) is told
 * what takes long. By name and in the store, it costs what store_image_open costs.
 */
int image_find(struct engine *e, const char *text, enum pull_policy policy,
	       void (*on_notice)(const char *text, void *arg), void *arg, struct store_image *ret, struct err *err);
