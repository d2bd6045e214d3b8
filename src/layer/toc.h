/*
 * A layer's table of contents, as eStargz (containerd's stargz-snapshotter, docs/estargz.md) and zstd:chunked
 * (containers/storage, pkg/chunked) have it: the archive's entries once more as JSON, and where in the compressed layer
 * each file's content lies. Both cut files into chunks, each a gzip member or zstd frame of its own with a digest.
 *
 * Bytes in, structs out. What is refused: a file whose chunks don't cover it one behind the other, or have no digest: then
 * nobody could tell right content from wrong.
 */
#pragma once

#include "base/err.h"
#include "codec/digest.h"
#include "codec/tar.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 60,000 entries. What is parsed takes about ten times as much. */
enum { TOC_SIZE_MAX = 16 << 20 };
/* Small files share a gzip member, and what lies before one in there is thrown away: writers use up to a chunk's size, 4 MiB. */
enum { TOC_SKIP_MAX = 64 << 20 };

struct toc_chunk {
	uint64_t size; /* uncompressed; above 0 */
	struct digest digest;
};

struct toc_entry {
	struct tar_entry e;
	/*
	 * Of a file with content: where its compressed bytes are in the layer, and how many uncompressed bytes come out before
	 * the first of its own. What follows the last chunk is not the file's.
	 */
	uint64_t from, end, skip;
	bool says_end;			/* while it is read */
	size_t chunks_from, chunks_len; /* in chunks */
};

struct toc {
	struct toc_entry *entries;
	size_t len;
	struct toc_chunk *chunks;
	size_t chunks_len;
	size_t files; /* entries with content */
	void *owned;  /* what the strings are in */
};

/*
 * DATA_END: where in the compressed layer no file's content lies any more. -EBADMSG; -E2BIG; -EOPNOTSUPP for a table that is
 * right as far as it goes, but of no use.
 */
int toc_parse(const char *data, size_t len, uint64_t data_end, struct toc *ret, struct err *err);
void toc_done(struct toc *t);
