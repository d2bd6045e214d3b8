#include "registry/message.h"

#include "base/cleanup.h"
#include "oci/json.h"
#include "sys/msg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int write_object(json_t *object, int r, struct buf *out, struct err *err)
{
	if (!object || r < 0)
		r = err_oom(err);
	else
		r = json_write(object, out, err);
	json_decref(object);
	return r;
}

static int read_object(const struct buf *in, const char *what, json_t **root, struct json_at *top, struct err *err)
{
	int r = json_parse(buf_str(in), in->len, what, root, err);

	if (r < 0)
		return r;
	*top = json_top(*root, what);
	return json_check(top, JSON_WANT_OBJECT, err);
}

/* --- options --- */

void message_options_done(struct message_options *o)
{
	free(o->host);
	free(o->ca);
	free(o->client_cert);
	free(o->client_key);
	free(o->username);
	free(o->password);
	free(o->identity_token);
	free(o->bearer);
}

int message_write_options(const struct registry_options *o, struct buf *out, struct err *err)
{
	json_t *j = json_object();
	int r = json_add_string(j, "host", o->host);

	r |= json_add_string(j, "ca", o->ca) | json_add_string(j, "client_cert", o->client_cert);
	r |= json_add_string(j, "client_key", o->client_key) | json_add_string(j, "username", o->login.username);
	r |= json_add_string(j, "password", o->login.password) | json_add_string(j, "bearer", o->login.bearer);
	r |= json_add_string(j, "identity_token", o->login.identity_token);
	r |= json_add_bool(j, "plain_http", o->plain_http) | json_add_bool(j, "skip_verify", o->skip_verify);
	r |= json_add_int(j, "chunk", (int64_t)o->chunk);
	return write_object(j, r, out, err);
}

static int read_strings(const struct json_at *top, struct message_options *o, struct err *err)
{
	int r = json_need_string(top, "host", &o->host, err);

	if (r >= 0)
		r = json_get_string(top, "ca", &o->ca, err);
	if (r >= 0)
		r = json_get_string(top, "client_cert", &o->client_cert, err);
	if (r >= 0)
		r = json_get_string(top, "client_key", &o->client_key, err);
	if (r >= 0)
		r = json_get_string(top, "username", &o->username, err);
	if (r >= 0)
		r = json_get_string(top, "password", &o->password, err);
	if (r >= 0)
		r = json_get_string(top, "identity_token", &o->identity_token, err);
	if (r >= 0)
		r = json_get_string(top, "bearer", &o->bearer, err);
	return r;
}

int message_read_options(const struct buf *in, struct message_options *ret, struct err *err)
{
	autojson json_t *root = NULL;
	struct message_options o = { 0 };
	struct json_at top;
	int64_t chunk = 0;
	int r = read_object(in, "options", &root, &top, err);

	if (r >= 0)
		r = read_strings(&top, &o, err);
	if (r >= 0)
		r = json_get_bool(&top, "plain_http", &o.plain_http, err);
	if (r >= 0)
		r = json_get_bool(&top, "skip_verify", &o.skip_verify, err);
	if (r >= 0)
		r = json_get_int(&top, "chunk", 0, INT64_MAX, &chunk, err);
	if (r < 0) {
		message_options_done(&o);
		return r;
	}
	o.chunk = (uint64_t)chunk;
	*ret = o;
	return 0;
}

/* --- operations --- */

int message_write_operation(const struct operation *op, struct buf *out, struct err *err)
{
	json_t *j = json_object();
	int r = json_add_int(j, "id", (int64_t)op->id);

	r |= json_add_int(j, "kind", op->kind) | json_add_int(j, "size", (int64_t)op->size);
	r |= json_add_int(j, "offset", (int64_t)op->offset);
	r |= json_add_string(j, "repo", op->repo) | json_add_string(j, "from", op->from);
	r |= json_add_string(j, "ref", op->ref) | json_add_string(j, "digest", op->digest);
	r |= json_add_string(j, "media_type", op->media_type) | json_add_string(j, "term", op->term);
	return write_object(j, r, out, err);
}

static int read_words(const struct json_at *top, struct operation *op, struct err *err)
{
	int r = json_get_string(top, "repo", &op->repo, err);

	if (r >= 0)
		r = json_get_string(top, "from", &op->from, err);
	if (r >= 0)
		r = json_get_string(top, "ref", &op->ref, err);
	if (r >= 0)
		r = json_get_string(top, "digest", &op->digest, err);
	if (r >= 0)
		r = json_get_string(top, "media_type", &op->media_type, err);
	if (r >= 0)
		r = json_get_string(top, "term", &op->term, err);
	return r;
}

int message_read_operation(const struct buf *in, struct operation *ret, struct err *err)
{
	autojson json_t *root = NULL;
	struct operation op = { .fd = -1 };
	struct json_at top;
	int64_t id = 0, kind = -1, size = 0, offset = 0;
	int r = read_object(in, "operation", &root, &top, err);

	if (r >= 0)
		r = json_get_int(&top, "id", 0, INT64_MAX, &id, err);
	if (r >= 0)
		r = json_get_int(&top, "kind", 0, OPERATION_KINDS - 1, &kind, err);
	if (r >= 0)
		r = json_get_int(&top, "size", 0, INT64_MAX, &size, err);
	if (r >= 0)
		r = json_get_int(&top, "offset", 0, INT64_MAX, &offset, err);
	if (r >= 0)
		r = read_words(&top, &op, err);
	if (r >= 0 && kind < 0)
		r = err_set(err, EBADMSG, "an operation without a kind");
	if (r < 0) {
		operation_done(&op);
		return r;
	}
	op.id = (uint64_t)id;
	op.kind = (enum operation_kind)kind;
	op.size = (uint64_t)size;
	op.offset = (uint64_t)offset;
	*ret = op;
	return 0;
}

/* --- replies --- */

int message_write_reply(const struct message_reply *reply, struct buf *out, struct err *err)
{
	json_t *j = json_object();
	int r = json_add_int(j, "id", (int64_t)reply->id);

	if (!reply->ended) {
		r |= json_add_int(j, "bytes", (int64_t)reply->bytes);
		return write_object(j, r, out, err);
	}
	r |= json_add_int(j, "code", reply->err.code);
	if (reply->err.code) {
		r |= json_add(j, "message", json_text(reply->err.msg)) |
		     json_add(j, "hint", json_text(reply->err.hint));
		return write_object(j, r, out, err);
	}
	r |= json_add_int(j, "size", (int64_t)reply->result.size) | json_add_bool(j, "found", reply->result.found);
	r |= json_add(j, "media_type", json_text(reply->result.media_type));
	r |= json_add(j, "digest", json_text(reply->result.digest));
	return write_object(j, r, out, err);
}

/* A string of at most SIZE - 1 bytes; longer ones are cut. */
static int read_text(const struct json_at *top, const char *key, char *dst, size_t size, struct err *err)
{
	autofree char *text = NULL;
	int r = json_get_string(top, key, &text, err);

	if (r >= 0)
		snprintf(dst, size, "%s", text ? text : "");
	return r;
}

static int read_end(const struct json_at *top, struct message_reply *reply, struct err *err)
{
	int64_t size = 0;
	int r = read_text(top, "message", reply->err.msg, sizeof(reply->err.msg), err);

	if (r >= 0)
		r = read_text(top, "hint", reply->err.hint, sizeof(reply->err.hint), err);
	if (r >= 0)
		r = read_text(top, "media_type", reply->result.media_type, sizeof(reply->result.media_type), err);
	if (r >= 0)
		r = read_text(top, "digest", reply->result.digest, sizeof(reply->result.digest), err);
	if (r >= 0)
		r = json_get_bool(top, "found", &reply->result.found, err);
	if (r >= 0)
		r = json_get_int(top, "size", 0, INT64_MAX, &size, err);
	reply->result.size = (uint64_t)size;
	return r;
}

int message_read_reply(const struct buf *in, struct message_reply *ret, struct err *err)
{
	autojson json_t *root = NULL;
	struct message_reply reply = { 0 };
	struct json_at top, code;
	int64_t id = 0, bytes = 0, number = 0;
	int r = read_object(in, "reply", &root, &top, err);

	if (r >= 0)
		r = json_get_int(&top, "id", 0, INT64_MAX, &id, err);
	if (r >= 0)
		r = json_get_int(&top, "bytes", 0, INT64_MAX, &bytes, err);
	if (r >= 0)
		r = json_get_int(&top, "code", 0, 4095, &number, err);
	if (r >= 0)
		r = json_get(&top, "code", JSON_WANT_INTEGER, &code, err);
	if (r < 0)
		return r;
	reply.ended = r > 0;
	if (reply.ended)
		r = read_end(&top, &reply, err);
	if (r < 0)
		return r;
	reply.id = (uint64_t)id;
	reply.bytes = (uint64_t)bytes;
	reply.err.code = (int)number;
	*ret = reply;
	return 0;
}
