/*
 * The index of containers: containers/index, what lists show of each (summary.h) and how its last life ended, so that `ps` looks
 * once at each folder instead of opening and parsing the files in it.
 *
 * It is a cache, never the truth. An entry counts only while the container's folder has the inode and the times that it had before
 * its files were read: files in there are made, renamed and removed, but none is changed once it can be parsed as a whole. A
 * folder that was changed in the last seconds gets no entry, since on some file systems two changes soon after one another leave the
 * same time. Who lives is not in it: that is asked of locks (live.h).
 *
 * Whoever lists containers and found it stale replaces it: unlinked, and a complete file linked in its place. So there is nothing to
 * clean up after kill -9, nobody waits, and of two who do it at once one wins. Older versions of this program don't know it, and
 * what they change shows in the folders.
 *
 *     struct index_head   magic, hash and size of the rest, number of entries
 *     entries             in the order of their IDs, each padded to 8 bytes; numbers as this machine writes them
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"
#include "engine/container/container.h"
#include "engine/container/summary.h"

#include <sys/stat.h>

enum { INDEX_MAX = 64 << 20 };

/* What a container's folder looked like. */
struct index_stamp {
	uint64_t inode;
	struct timespec changed, modified;
};
void index_stamp_set(struct index_stamp *stamp, const struct stat *st);
bool index_stamp_equal(const struct index_stamp *a, const struct index_stamp *b);
/* Was it left alone for so long before NOW that its next change has another time? */
bool index_stamp_is_settled(const struct index_stamp *stamp, const struct timespec *now);

/* An entry as it is read. What SUMMARY points to lies in the bytes that it was read from. */
struct index_entry {
	size_t size; /* in bytes */
	struct index_stamp stamp;
	struct container_summary summary;
	struct container_status
		status; /* CREATED or EXITED; LOST: its folder doesn't say, look again unless it lives */
};
/* Where entries begin, in the order of their IDs. */
DEFINE_VEC(index_entries, const char *)

/*
 * Appends the entry of a container. A STATUS that is alive is written as LOST. -EINVAL: it can't be put into one.
 */
int index_entry_format(struct buf *out, const struct index_stamp *stamp, const struct container_record *record,
		       const struct container_status *status);
/* The entry at RAW, of at most MAX bytes. -EBADMSG: there is none. */
int index_entry_parse(const char *raw, size_t max, struct index_entry *ret);
/* One that was parsed before. */
struct index_entry index_entry_at(const char *raw);

/* The whole file, of entries that were parsed. Sticky errors are OUT's. */
void index_format(struct buf *out, const struct index_entries *entries);
/* All entries of the file DATA, which RET borrows. -EBADMSG: it isn't one, or damaged. */
int index_parse(const char *data, size_t len, struct index_entries *ret);
/* The entry of ID; NULL: there is none. */
const char *index_find(const struct index_entries *entries, const char *id);

/* Reads the file into DATA. A missing or damaged one has no entries. */
void index_read(struct store *s, struct buf *data, struct index_entries *ret);
/* Replaces the file. Where it can't be written there is none. */
void index_write(struct store *s, const struct buf *data);
