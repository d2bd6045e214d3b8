#include "registry/operations.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "oci/image.h"
#include "oci/json.h"
#include "registry/registry.h"
#include "sys/fs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ACCEPT_MANIFESTS MEDIA_OCI_MANIFEST ", " MEDIA_OCI_INDEX ", " MEDIA_DOCKER_MANIFEST ", " MEDIA_DOCKER_LIST

enum { PAGES_MAX = 1000, PROGRESS_STEP = 256 << 10 };

static struct session_request request_for(const struct operation *op, const char *method, const char *url)
{
	return (struct session_request){ .http = { .method = method, .url = url, .body_fd = -1 }, .repo = op->repo };
}

/* --- manifests --- */

static void describe(const struct http_response *r, struct operation_result *ret)
{
	snprintf(ret->media_type, sizeof(ret->media_type), "%s", r->content_type);
	snprintf(ret->digest, sizeof(ret->digest), "%s", r->docker_digest);
	ret->size = r->content_length == UINT64_MAX ? 0 : r->content_length;
}

static int get_manifest(struct session *s, struct operation *op, bool body, struct operation_result *ret,
			struct err *err)
{
	autofree char *url = str_format("/v2/%s/manifests/%s", op->repo, op->ref);
	struct session_request q = request_for(op, body ? "GET" : "HEAD", url);
	struct http_response r;
	int e;

	if (!url)
		return err_oom(err);
	q.http.accept = ACCEPT_MANIFESTS;
	e = session_exchange(s, &q, &r, NULL, err);
	if (e < 0)
		return e;
	describe(&r, ret);
	if (body) {
		ret->size = r.body.len;
		e = fs_write_all(op->fd, buf_str(&r.body), r.body.len, err);
	}
	http_response_done(&r);
	return e;
}

static int put_manifest(struct session *s, struct operation *op, struct operation_result *ret, struct err *err)
{
	struct buf autobuf body = BUF_INIT(REGISTRY_DOCUMENT_MAX + 1);
	autofree char *url = str_format("/v2/%s/manifests/%s", op->repo, op->ref);
	struct session_request q = request_for(op, "PUT", url);
	struct http_response r;
	int e = fs_read_fd(op->fd, REGISTRY_DOCUMENT_MAX, &body, err);

	if (e < 0)
		return e;
	if (!url)
		return err_oom(err);
	q.push = true;
	q.http.content_type = op->media_type;
	q.http.body = buf_str(&body);
	q.http.body_len = body.len;
	e = session_exchange(s, &q, &r, NULL, err);
	if (e < 0)
		return e;
	describe(&r, ret);
	http_response_done(&r);
	return 0;
}

static int delete_manifest(struct session *s, struct operation *op, struct err *err)
{
	autofree char *url = str_format("/v2/%s/manifests/%s", op->repo, op->ref);
	struct session_request q = request_for(op, "DELETE", url);
	struct http_response r;
	int e = url ? 0 : err_oom(err);

	q.remove = true;
	if (e >= 0)
		e = session_exchange(s, &q, &r, NULL, err);
	if (e >= 0)
		http_response_done(&r);
	return e;
}

/* --- blobs --- */

struct download {
	struct operation *op;
	uint64_t received, skip, told;
	bool begun; /* this try's first byte has come */
	struct err err;
};

/*
 * A server that knows no ranges sends a resumed blob from its first byte: what we have is skipped. More bytes than the
 * manifest promised end it at once: an endless answer must not fill the disk.
 */
static int take_bytes(const void *data, size_t len, const struct http_response *r, void *arg)
{
	struct download *d = arg;
	int e;

	if (!d->begun) {
		d->begun = true;
		d->skip = r->status == 206 ? 0 : d->received;
		if (r->status == 206 && r->range_from != UINT64_MAX && r->range_from != d->op->offset + d->received)
			return -EBADMSG;
		/* All of it for the sake of a part: whoever wants parts is better off with something else. */
		if (r->status != 206 && d->op->kind == OPERATION_GET_PART)
			return -EOPNOTSUPP;
	}
	if (d->skip > 0) {
		size_t n = len < d->skip ? len : (size_t)d->skip;

		d->skip -= n;
		data = (const char *)data + n;
		len -= n;
	}
	if (len > d->op->size - d->received)
		return -E2BIG;
	e = fs_write_all(d->op->fd, data, len, NULL);
	if (e < 0)
		return e;
	d->received += len;
	if (d->op->on_progress && d->received - d->told >= PROGRESS_STEP) {
		d->told = d->received;
		d->op->on_progress(d->op, d->received);
	}
	return 0;
}

/* Each try is told apart by its own call, so that take_bytes knows where the bytes of this one begin. */
static int get_blob(struct session *s, struct operation *op, struct operation_result *ret, struct err *err)
{
	autofree char *url = str_format("/v2/%s/blobs/%s", op->repo, op->digest);
	struct download d = { .op = op };
	struct session_request q = request_for(op, "GET", url);
	int e = url ? 0 : err_oom(err);

	if (op->kind == OPERATION_GET_PART) {
		q.http.range_from = op->offset;
		q.http.range_end = op->offset + op->size;
		if (op->size > INT64_MAX - op->offset)
			return err_set(err, EINVAL, "a part that ends nowhere");
	}
	q.http.on_body = take_bytes;
	q.http.arg = &d;
	q.received = &d.received;
	q.on_try = &d.begun;
	while (e >= 0 && d.received < op->size) {
		uint64_t before = d.received;
		struct http_response r;

		e = session_exchange(s, &q, &r, NULL, err);
		if (e < 0)
			break;
		http_response_done(&r);
		if (d.received == before)
			return err_set(err, EBADMSG, "the registry sends only %llu of %llu bytes",
				       (unsigned long long)d.received, (unsigned long long)op->size);
	}
	if (e == -E2BIG && d.received == op->size)
		err_set(err, EBADMSG, "the registry sends more than the %llu bytes that the manifest promises",
			(unsigned long long)op->size);
	ret->size = d.received;
	return e;
}

static int head_blob(struct session *s, struct operation *op, struct operation_result *ret, struct err *err)
{
	autofree char *url = str_format("/v2/%s/blobs/%s", op->repo, op->digest);
	struct session_request q = request_for(op, "HEAD", url);
	struct http_response r;
	int e = url ? 0 : err_oom(err);

	q.also[0] = 404;
	if (e >= 0)
		e = session_exchange(s, &q, &r, NULL, err);
	if (e < 0)
		return e;
	ret->found = r.status == 200;
	describe(&r, ret);
	http_response_done(&r);
	return 0;
}

/* --- lists --- */

/* The URL of '<…>; rel="next"'; NULL: this was the last page. Cuts LINK. */
static char *next_page(char *link)
{
	char *end = strchr(link, '>');

	if (link[0] != '<' || !end || !strstr(end, "rel=\"next\""))
		return NULL;
	*end = '\0';
	return link + 1;
}

static int write_tags(struct operation *op, const struct buf *body, uint64_t *total, struct err *err)
{
	autojson json_t *root = NULL;
	autostrv struct strv tags = { 0 };
	struct buf autobuf lines = BUF_INIT(REGISTRY_LIST_MAX);
	struct json_at top;
	int e = json_parse(buf_str(body), body->len, "list of tags", &root, err);

	if (e < 0)
		return e;
	top = json_top(root, "list of tags");
	e = json_check(&top, JSON_WANT_OBJECT, err);
	if (e >= 0)
		e = json_get_strings(&top, "tags", &tags, err);
	for (size_t i = 0; e >= 0 && i < tags.len; i++)
		if (strcspn(tags.items[i], "\r\n") == strlen(tags.items[i]))
			buf_addf(&lines, "%s\n", tags.items[i]);
	if (e < 0)
		return e;
	*total += lines.len;
	if (lines.error || *total > REGISTRY_LIST_MAX)
		return err_set(err, E2BIG, "more than %d MB of tags", REGISTRY_LIST_MAX >> 20);
	return fs_write_all(op->fd, buf_str(&lines), lines.len, err);
}

static int list_tags(struct session *s, struct operation *op, struct err *err)
{
	char url[HTTP_URL_MAX], from[HTTP_URL_MAX];
	uint64_t total = 0;
	int e = 0;

	snprintf(url, sizeof(url), "/v2/%s/tags/list?n=1000", op->repo);
	for (int page = 0; e >= 0; page++) {
		struct session_request q = request_for(op, "GET", url);
		struct http_response r;
		char *next;

		if (page == PAGES_MAX)
			return err_set(err, E2BIG, "more than %d pages of tags", PAGES_MAX);
		e = session_exchange(s, &q, &r, from, err);
		if (e < 0)
			return e;
		e = write_tags(op, &r.body, &total, err);
		next = next_page(r.link);
		if (e >= 0 && next)
			e = http_url_resolve(from, next, url, err);
		http_response_done(&r);
		if (!next)
			break;
	}
	return e;
}

static int search(struct session *s, struct operation *op, struct err *err)
{
	autofree char *url = NULL;
	char *term = curl_easy_escape(NULL, op->term, 0);
	struct session_request q;
	struct http_response r;
	int e;

	if (term)
		url = str_format("/v1/search?q=%s&n=%llu", term, (unsigned long long)op->size);
	curl_free(term);
	if (!url)
		return err_oom(err);
	q = request_for(op, "GET", url);
	e = session_exchange(s, &q, &r, NULL, err);
	if (e == -ENOENT || e == -EBADMSG) {
		err_clear(err);
		return err_set(err, EOPNOTSUPP, "%s has no search", strstr(s->base, "://") + 3);
	}
	if (e < 0)
		return e;
	e = fs_write_all(op->fd, buf_str(&r.body), r.body.len, err);
	http_response_done(&r);
	return e;
}

static int check_login(struct session *s, struct operation *op, struct err *err)
{
	struct session_request q = request_for(op, "GET", "/v2/");
	struct http_response r;
	int e = session_exchange(s, &q, &r, NULL, err);

	if (e >= 0)
		http_response_done(&r);
	return e;
}

/* What an operation needs to be said. */
static int check(const struct operation *op, struct err *err)
{
	bool needs_ref = op->kind <= OPERATION_DELETE_MANIFEST;
	bool needs_digest = op->kind >= OPERATION_GET_BLOB && op->kind <= OPERATION_MOUNT_BLOB;
	bool needs_fd = op->kind != OPERATION_HEAD_MANIFEST && op->kind != OPERATION_DELETE_MANIFEST &&
			op->kind != OPERATION_HEAD_BLOB && op->kind != OPERATION_MOUNT_BLOB &&
			op->kind != OPERATION_CHECK_LOGIN;

	if ((op->kind <= OPERATION_LIST_TAGS && !op->repo) || (needs_ref && !op->ref) ||
	    (needs_digest && !op->digest) || (needs_fd && op->fd < 0) || (op->kind == OPERATION_SEARCH && !op->term) ||
	    (op->kind == OPERATION_MOUNT_BLOB && !op->from) || (op->kind == OPERATION_PUT_MANIFEST && !op->media_type))
		return err_set(err, EINVAL, "the request says too little");
	return 0;
}

int operation_run(struct session *s, struct operation *op, struct operation_result *ret, struct err *err)
{
	int r = check(op, err);

	if (r < 0)
		return r;
	switch (op->kind) {
	case OPERATION_GET_MANIFEST:
		return get_manifest(s, op, true, ret, err);
	case OPERATION_HEAD_MANIFEST:
		return get_manifest(s, op, false, ret, err);
	case OPERATION_PUT_MANIFEST:
		return put_manifest(s, op, ret, err);
	case OPERATION_DELETE_MANIFEST:
		return delete_manifest(s, op, err);
	case OPERATION_GET_BLOB:
	case OPERATION_GET_PART:
		return get_blob(s, op, ret, err);
	case OPERATION_HEAD_BLOB:
		return head_blob(s, op, ret, err);
	case OPERATION_PUT_BLOB:
		return operation_put_blob(s, op, err);
	case OPERATION_MOUNT_BLOB:
		return operation_mount_blob(s, op, ret, err);
	case OPERATION_LIST_TAGS:
		return list_tags(s, op, err);
	case OPERATION_SEARCH:
		return search(s, op, err);
	case OPERATION_CHECK_LOGIN:
		return check_login(s, op, err);
	case OPERATION_KINDS:
		break;
	}
	return err_set(err, EINVAL, "there is no operation %d", (int)op->kind);
}
