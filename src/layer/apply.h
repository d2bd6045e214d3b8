/* Archive -> tree: LAYER_APPLY. */
#pragma once

#include "base/err.h"
#include "layer/client.h"

struct apply;

/*
 * Begins to fill the tree of ROOT_FD (borrowed), below PREFIX (borrowed, cleaned; "" for none). FLAGS:
 * LAYER_PLAIN, LAYER_NO_OWNERS, LAYER_INTO. SINGLE: as in ID_MODE_SINGLE. The umask must be 0 and the
 * working folder is changed.
 */
int apply_new(int root_fd, const char *prefix, int flags, bool single, const struct layer_limits *limits,
	      struct apply **ret, struct err *err);
/* The next bytes of the uncompressed archive, any number. */
int apply_feed(struct apply *a, const void *data, size_t len, struct err *err);
/* The archive is at its end. STRICT: it must have its end mark. Sets the times of folders, and the counts of RESULT. */
int apply_finish(struct apply *a, bool strict, struct layer_result *result, struct err *err);
void apply_free(struct apply *a);
