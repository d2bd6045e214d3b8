/*
 * What client and fetch helper say to each other: one JSON object a message (sys/msg.h), with descriptors where a struct
 * has one. Both sides read it as something that comes from outside.
 *
 *     client -> helper   first the options, then operations
 *     helper -> client   any number of progress messages and then one result or error for each operation
 */
#pragma once

#include "registry/operation.h"
#include "registry/registry.h"

/* The options as the helper holds them; owned. */
struct message_options {
	char *host, *ca, *client_cert, *client_key, *username, *password, *identity_token, *bearer;
	bool plain_http, skip_verify;
	uint64_t chunk;
};
void message_options_done(struct message_options *o);

int message_write_options(const struct registry_options *o, struct buf *out, struct err *err);
int message_read_options(const struct buf *in, struct message_options *ret, struct err *err);

/* The descriptor travels beside it. */
int message_write_operation(const struct operation *op, struct buf *out, struct err *err);
int message_read_operation(const struct buf *in, struct operation *ret, struct err *err);

struct message_reply {
	uint64_t id;
	bool ended; /* else: progress, and `bytes` says how far */
	uint64_t bytes;
	struct operation_result result;
	struct err err; /* code 0: success */
};
int message_write_reply(const struct message_reply *r, struct buf *out, struct err *err);
int message_read_reply(const struct buf *in, struct message_reply *ret, struct err *err);
