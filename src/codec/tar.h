/*
 * The tar format, as bytes <-> structs without I/O: POSIX ustar and pax (pax(1), "ustar Interchange
 * Format", "pax Header Block"), GNU (long names, base-256 numbers, sparse files old and in pax) and v7.
 *
 * Why not a library: what we need is small, must be strict (an archive that two readers understand
 * differently is an attack), must give the same bytes on every machine, and is on the hot path, where a
 * general library costs twenty times as much.
 *
 * The reader is pushed. It owns no input: the caller feeds it any run of bytes, takes events until the
 * reader has used them up, and feeds the next. Nothing is copied but headers that straddle two feeds.
 *
 *     tar_reader_feed(r, bytes, len);
 *     while ((n = tar_reader_next(r, &event, err)) > 0)
 *             …event…;
 *     // n == 0: feed more, or call tar_reader_finish if there is no more
 *
 * Strictness: EBADMSG for a wrong checksum, a number that is none, negative or beyond 63 bits, a NUL in a
 * name from a pax record, sparse maps that don't add up, and types that aren't known. E2BIG over a limit below.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TAR_BLOCK_SIZE = 512,
	/* Behind the end mark: writers fill up the last record, of a MiB at most. An endless input must end here. */
	TAR_TRAILING_MAX = 64 << 20,
	/* All extended headers of one entry together. Holds the attributes that Linux allows (64 KiB each) some times over. */
	TAR_META_MAX = 1 << 20,
	/* XATTR_NAME_MAX and XATTR_SIZE_MAX of Linux. */
	TAR_XATTR_NAME_MAX = 255,
	TAR_XATTR_SIZE_MAX = 65536,
	TAR_XATTRS_MAX = 512,
	/* Pieces of one sparse file; 16 bytes of ours each. */
	TAR_EXTENTS_MAX = 1 << 18,
};

enum tar_type {
	TAR_FILE = 'f',
	TAR_HARDLINK = 'h',
	TAR_SYMLINK = 'l',
	TAR_FOLDER = 'd',
	TAR_CHAR = 'c',
	TAR_BLOCK = 'b',
	TAR_FIFO = 'p',
};

struct tar_xattr {
	const char *name; /* NUL-terminated */
	const void *value;
	size_t len;
};

struct tar_entry {
	enum tar_type type;
	const char *name; /* as it stands in the archive: any bytes but NUL; may be empty, absolute, or have ".." */
	const char *link; /* of TAR_HARDLINK and TAR_SYMLINK, likewise; else "" */
	uint32_t mode;	  /* 07777 */
	uint32_t uid, gid, dev_major, dev_minor;
	int64_t mtime;
	uint32_t mtime_nsec;
	uint64_t size; /* of a file, holes included; else 0 */
	const struct tar_xattr *xattrs;
	size_t xattrs_len;
};

enum tar_event_kind {
	TAR_EVENT_ENTRY, /* a header; the entry is valid until TAR_EVENT_END_OF_ENTRY is taken */
	TAR_EVENT_DATA,	 /* LEN bytes at OFFSET of the file; holes are not spoken of */
	TAR_EVENT_END_OF_ENTRY,
};

struct tar_event {
	enum tar_event_kind kind;
	const struct tar_entry *entry;
	const uint8_t *data; /* inside what was fed */
	size_t len;
	uint64_t offset;
};

struct tar_reader;

/* NULL without memory. */
struct tar_reader *tar_reader_new(void);
void tar_reader_free(struct tar_reader *r);

/* DATA is borrowed until tar_reader_next has returned 0. Only then may more be fed. */
void tar_reader_feed(struct tar_reader *r, const void *data, size_t len);
/* 1: RET is set. 0: all bytes are used up. Negative: an error, after which the reader is good for nothing. */
int tar_reader_next(struct tar_reader *r, struct tar_event *ret, struct err *err);
/*
 * The input is at its end: 1 if the archive had its end mark, 0 if it stopped between two entries without
 * one (some old writers do that; so does a cut at an unlucky place), -EBADMSG if it stopped in an entry.
 */
int tar_reader_finish(const struct tar_reader *r, struct err *err);
/* True behind the end mark: what follows is ignored. */
bool tar_reader_ended(const struct tar_reader *r);
/* Bytes used up since the start: after TAR_EVENT_ENTRY, where the entry's data begins. */
uint64_t tar_reader_position(const struct tar_reader *r);
/*
 * Right after TAR_EVENT_ENTRY, all fed bytes having been used up or not: the data of the entry is not
 * wanted. Returns how many bytes the caller is to leave out before it feeds again, counted from
 * tar_reader_position; what was fed is forgotten. The next event is TAR_EVENT_END_OF_ENTRY.
 */
uint64_t tar_reader_skip(struct tar_reader *r);

/*
 * Appends the header of E to OUT: ustar, preceded by a pax header for what ustar can't say. The bytes
 * depend on E alone. Attributes must be sorted by the caller for that. The caller then writes e->size
 * bytes and tar_padding(e->size) zeros. Returns 0; -EINVAL for an attribute name with "=", which pax
 * can't say; or what buf_add returned.
 */
int tar_write_header(struct buf *out, const struct tar_entry *e);
/*
 * The same entry in as few bytes other than zeros as readers need: nothing where a field is 0, numbers without zeros in
 * front, no magic where v7 has words for it. Nothing that E says is lost. What is written need not end with padding or an end mark.
 */
int tar_write_smallest(struct buf *out, const struct tar_entry *e);
/* Zeros that follow SIZE bytes of data. */
static inline size_t tar_padding(uint64_t size)
{
	return (size_t)(-size & (TAR_BLOCK_SIZE - 1));
}
/* The end mark. */
int tar_write_end(struct buf *out);

/* True if BLOCK (TAR_BLOCK_SIZE bytes) is a header with the right checksum. */
bool tar_is_header(const uint8_t *block);
