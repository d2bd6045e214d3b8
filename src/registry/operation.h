/* What the fetch helper can be asked to do: the endpoints of the distribution specification. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum operation_kind {
	OPERATION_GET_MANIFEST,
	OPERATION_HEAD_MANIFEST,
	OPERATION_PUT_MANIFEST,
	OPERATION_DELETE_MANIFEST,
	OPERATION_GET_BLOB,
	OPERATION_GET_PART, /* `size` bytes of a blob from `offset` on */
	OPERATION_HEAD_BLOB,
	OPERATION_PUT_BLOB,
	OPERATION_MOUNT_BLOB,
	OPERATION_LIST_TAGS,
	OPERATION_SEARCH,
	OPERATION_CHECK_LOGIN,
	OPERATION_KINDS,
};

/* Strings are owned by whoever holds the struct; NULL: not said. */
struct operation {
	uint64_t id;
	enum operation_kind kind;
	char *repo, *from, *ref, *digest, *media_type, *term;
	uint64_t size, offset;
	int fd; /* written to (GET_*, LIST_TAGS, SEARCH) or read from (PUT_*); -1: none. Owned. */

	/* Called from time to time with the bytes that have been moved. */
	void (*on_progress)(const struct operation *op, uint64_t bytes);
	void *arg;
};
void operation_done(struct operation *op);

struct operation_result {
	uint64_t size;
	bool found; /* HEAD_BLOB, MOUNT_BLOB */
	char media_type[256], digest[160];
};
