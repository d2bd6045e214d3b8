/*
 * How client and helper write their messages: private to src/layer.
 *
 * One function visits each struct for both directions, so that writing and reading cannot differ. Reading
 * trusts nothing: all lengths are checked, and a message that is too short makes it `bad`.
 *
 * client -> helper: a request; for PACK, COPY, HASH and DIFF then messages of items, the last of them empty.
 * helper -> client: messages of entries or members, then one result or one error.
 */
#pragma once

#include "base/buf.h"
#include "layer/client.h"
#include "sys/msg.h"

enum wire_kind {
	WIRE_RESULT = 'R',
	WIRE_ERROR = 'E',
	WIRE_ENTRIES = 'L',
	WIRE_MEMBERS = 'M',
	WIRE_ITEMS = 'I',
	WIRE_LAZY = 'Z',
	WIRE_GIVE = 'G'
};

/* Room that a batch leaves for one more record with its longest strings. */
enum { WIRE_BATCH_MAX = MSG_MAX - 2 * (LAYER_PATH_MAX + 1) - 1024 };

struct wire {
	struct buf *out; /* writing; NULL when reading */
	const char *in;	 /* reading: what is left; strings read point into it */
	size_t in_len;
	int fds[MSG_FDS_MAX];
	size_t fds_len; /* writing: so many so far; reading: so many came. Not owned. */
	bool bad;
};

void wire_u64(struct wire *w, uint64_t *v);
void wire_request(struct wire *w, struct layer_request *q);
/* FD and strings as well; the fd's index may change from message to message. */
void wire_item(struct wire *w, struct layer_item *item);
void wire_entry(struct wire *w, struct layer_entry *e);
void wire_member(struct wire *w, struct layer_member *m);
void wire_lazy_event(struct wire *w, struct layer_lazy_event *e);
void wire_result(struct wire *w, struct layer_result *r);
/* The three parts of ERR. */
void wire_error(struct wire *w, struct err *e);
