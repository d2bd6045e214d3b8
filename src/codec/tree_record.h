/*
 * What a tree was like when it was unpacked, so that one can later tell what has changed: a text, a line for each file, in the
 * order of a walk (folders before what is in them, names bytewise). In spirit mtree(5), and as umoci keeps one, but with what
 * the kernel changes by itself (inode, ctime) as well: where these are the same, no content has to be read.
 *
 *     cloche-tree 1 <seconds>.<nanoseconds of its making>
 *     <type> <mode> <uid>:<gid> <size> <mtime> <ctime> <inode> <links> <content> <attributes> <path> [<link>]
 *
 * type: as find(1) names it: f d l c b p, and h for a further name of the file <link>. mode: octal. size: of devices major:minor.
 * content, attributes: CRC-64 (ECMA-182) in hex. In paths, bytes that aren't printable, blanks and backslashes are \ooo, as vis(3)
 * has it. The root is ".".
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TREE_RECORD_PATH_MAX = 4095,
	/* Two paths with each byte as four, and the numbers. */
	TREE_RECORD_LINE_MAX = 2 * 4 * TREE_RECORD_PATH_MAX + 512,
	TREE_RECORD_LINES_MAX = 1000002, /* the entries that a layer may have, the root and the first line */
};

struct tree_record_time {
	int64_t sec;
	uint32_t nsec;
};

struct tree_record_entry {
	char type;
	uint32_t mode, uid, gid, major, minor;
	uint64_t size, inode, links, content, attributes;
	struct tree_record_time mtime, ctime;
	const char *path, *link; /* relative, "" for the root; link: "" if there is none */
};

/* Appends the first line. */
int tree_record_begin(struct buf *out, const struct tree_record_time *made);
/* Appends a line; 0 or what buf_add returned. */
int tree_record_write(struct buf *out, const struct tree_record_entry *e);

/* LINE without its newline, which is changed. -EBADMSG. */
int tree_record_parse_first(char *line, struct tree_record_time *ret, struct err *err);
/* Strings of RET point into LINE. */
int tree_record_parse(char *line, struct tree_record_entry *ret, struct err *err);

/* The order of a walk: less than, equal to, or greater than 0. */
int tree_record_order(const char *a, const char *b);
/* Whether PATH is something in FOLDER ("" is the root), at any depth. */
bool tree_record_is_below(const char *path, const char *folder);
