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
/*
 * Instead of bytes: the next entry by itself. A regular file with content is made with its size and holes only, and HOLD is
 * called with it open for writing, while it still belongs to us; whatever HOLD wants to keep, it duplicates.
 */
struct tar_entry;
int apply_entry(struct apply *a, const struct tar_entry *e, int (*hold)(void *arg, int fd, struct err *err), void *arg,
		struct err *err);
/* Ends a tree that was made so: sets the times of folders, and the counts of RESULT. */
int apply_finish_entries(struct apply *a, struct layer_result *result, struct err *err);
/* The archive is at its end. STRICT: it must have its end mark. Sets the times of folders, and the counts of RESULT. */
int apply_finish(struct apply *a, bool strict, struct layer_result *result, struct err *err);
void apply_free(struct apply *a);
