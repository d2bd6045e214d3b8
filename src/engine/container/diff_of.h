/* `cloche diff`: what a container changed, or each layer of an image. */
#pragma once

#include "engine/container/diff.h"
#include "engine/open.h"

struct diff_layer_info {
	size_t number, count;	/* from 1, the base, on; number 0: a container's own */
	const char *diff_id;	/* "sha256:…"; NULL for a container */
	const char *created_by; /* the instruction that made it; NULL: not known */
};

struct diff_callbacks {
	int (*on_layer)(const struct diff_layer_info *info, void *arg, struct err *err); /* before a layer's entries */
	diff_fn on_entry;
	void *arg;
};

/* WHAT is a container, else an image. -ENOENT. */
int engine_diff(struct engine *e, const char *what, const struct diff_callbacks *callbacks, struct err *err);
