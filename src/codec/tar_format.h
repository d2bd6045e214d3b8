/* The header block as it lies in the archive; private to src/codec/tar_*.c. */
#pragma once

#include "codec/tar.h"

#include <stdint.h>

/* POSIX pax(1), "ustar Interchange Format"; fields are text, not always with a NUL behind. */
struct tar_header {
	char name[100];
	char mode[8];
	char uid[8];
	char gid[8];
	char size[12];
	char mtime[12];
	char checksum[8];
	char type;
	char link[100];
	char magic[6];
	char version[2];
	char uname[32];
	char gname[32];
	char dev_major[8];
	char dev_minor[8];
	char prefix[155];
	char pad[12];
};
_Static_assert(sizeof(struct tar_header) == TAR_BLOCK_SIZE, "a header fills a block");

/* GNU's old sparse format uses the place of PREFIX: offset and length of up to four pieces, in 12 digits each. */
struct tar_gnu_piece {
	char offset[12];
	char len[12];
};

enum { GNU_HEADER_PIECES = 4, GNU_BLOCK_PIECES = 21 };

struct tar_gnu_tail {
	char atime[12], ctime[12], multi_volume_offset[12], longnames[4], unused;
	struct tar_gnu_piece pieces[GNU_HEADER_PIECES];
	char is_extended;
	char real_size[12];
	char pad[17];
};
_Static_assert(sizeof(struct tar_gnu_tail) == 155 + 12, "it lies over prefix and pad");

struct tar_gnu_sparse_block {
	struct tar_gnu_piece pieces[GNU_BLOCK_PIECES];
	char is_extended;
	char pad[7];
};
_Static_assert(sizeof(struct tar_gnu_sparse_block) == TAR_BLOCK_SIZE, "a map fills blocks");

/* Sum of the bytes of the header, the checksum counted as blanks, as unsigned and (some old writers) signed characters. */
void tar_checksum(const struct tar_header *h, uint32_t *ret_unsigned, int32_t *ret_signed);

bool tar_checksum_is_right(const struct tar_header *h);

/*
 * A number: octal digits, blanks before, NUL or blank behind, all blank or empty counting as 0; or GNU's
 * base-256. -EINVAL: neither; -ERANGE: beyond 63 bits.
 */
int tar_read_field(const char *field, size_t len, int64_t *ret);
/* As above, from 0 to MAX; else -EBADMSG, which calls it WHAT. */
int tar_read_bounded(const char *field, size_t len, const char *what, int64_t max, int64_t *ret, struct err *err);

#define READ_FIELD(h, name, ret) tar_read_field((h)->name, sizeof((h)->name), ret)
#define READ_BOUNDED(h, name, what, max, ret, err) tar_read_bounded((h)->name, sizeof((h)->name), what, max, ret, err)

/* --- tar_pax.c: what pax records say about an entry --- */

/* GNU's descriptions of sparse files in pax, versions 0.0, 0.1 and 1.0. */
struct tar_sparse {
	bool present;	/* any GNU.sparse record was there */
	uint64_t major; /* 1: the map is at the start of the data */
	uint64_t real_size;
	bool has_real_size, has_pending_offset;
	uint64_t pending_offset;
};

struct tar_extent {
	uint64_t offset, len;
};

/* What is being put together for one entry; strings point into the buffers of the reader. */
struct tar_draft {
	struct tar_entry entry;
	const char *sparse_name;
	bool has_path, has_link, has_size, has_uid, has_gid, has_mtime, has_dev_major, has_dev_minor;
	uint64_t stored_size;
	struct tar_sparse sparse;
	struct tar_xattr xattrs[TAR_XATTRS_MAX];
	struct tar_extent *extents; /* owned */
	size_t extents_len, extents_cap;
};

/* Appends a piece, checking order, overlap and number. */
int tar_add_extent(struct tar_draft *d, uint64_t offset, uint64_t len, struct err *err);
/* Reads all records of RECORDS (one or more pax payloads; written into: NULs end the names and values). GLOBAL: of a 'g' header. */
int tar_read_pax(struct tar_draft *d, struct buf *records, bool global, struct err *err);
