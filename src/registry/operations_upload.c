/*
 * Bringing a blob (distribution specification, "Pushing blobs").
 *
 * A POST opens an upload, or takes the blob over from another repository of the same registry, and then all is done. The
 * bytes go in one PUT, or as PATCH requests of a chosen size and a last PUT. The place of an upload is used once: where it was
 * cut off, all begins anew.
 */
#include "base/cleanup.h"
#include "base/str.h"
#include "registry/operations.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { UPLOADS_MAX = 3, PROGRESS_STEP = 256 << 10 };

struct upload {
	struct session *s;
	struct operation *op;
	char place[HTTP_URL_MAX]; /* where the next request goes */
	uint64_t sent, told;	  /* bytes that the registry has */
};

static void on_sent(uint64_t bytes, void *arg)
{
	struct upload *u = arg;
	uint64_t all = u->sent + bytes;

	if (u->op->on_progress && all >= u->told + PROGRESS_STEP) {
		u->told = all;
		u->op->on_progress(u->op, all);
	}
}

static struct session_request upload_request(struct upload *u, const char *method, const char *url)
{
	return (struct session_request){
		.http = { .method = method, .url = url, .body_fd = -1, .on_sent = on_sent, .arg = u },
		.repo = u->op->repo,
		.push = true,
	};
}

/* The Location of an answer is where the upload goes on. */
static int move_on(struct upload *u, const struct http_response *r, const char *from, struct err *err)
{
	if (!r->location[0])
		return err_set(err, EBADMSG, "the registry doesn't say where the upload goes");
	return http_url_resolve(from, r->location, u->place, err);
}

/* 1: the registry has the blob now, by taking it over; 0: an upload is open. */
static int open_upload(struct upload *u, struct err *err)
{
	struct operation *op = u->op;
	autofree char *url =
		op->from ? str_format("/v2/%s/blobs/uploads/?mount=%s&from=%s", op->repo, op->digest, op->from)
			 : str_format("/v2/%s/blobs/uploads/", op->repo);
	autofree char *from = malloc(HTTP_URL_MAX);
	struct session_request q = upload_request(u, "POST", url);
	struct http_response r;
	int e;

	if (!url || !from)
		return err_oom(err);
	q.from = op->from;
	u->sent = 0;
	e = session_exchange(u->s, &q, &r, from, err);
	if (e < 0)
		return e;
	e = r.status == 201 && op->from ? 1 : move_on(u, &r, from, err);
	http_response_done(&r);
	return e;
}

static int final_url(struct upload *u, char url[static HTTP_URL_MAX], struct err *err)
{
	int len = snprintf(url, HTTP_URL_MAX, "%s%cdigest=%s", u->place, strchr(u->place, '?') ? '&' : '?',
			   u->op->digest);

	return len < HTTP_URL_MAX ? 0 : err_set(err, E2BIG, "the place of the upload has too long a name");
}

/* The PUT that ends the upload, with all bytes that haven't been sent. */
static int finish(struct upload *u, struct err *err)
{
	autofree char *url = malloc(HTTP_URL_MAX);
	struct session_request q = upload_request(u, "PUT", url);
	struct http_response r;
	int e = url ? final_url(u, url, err) : err_oom(err);

	if (e < 0)
		return e;
	q.http.content_type = "application/octet-stream";
	if (u->sent < u->op->size) {
		q.http.body_fd = u->op->fd;
		q.http.body_offset = u->sent;
		q.http.body_fd_len = u->op->size - u->sent;
	}
	e = session_exchange(u->s, &q, &r, NULL, err);
	if (e >= 0)
		http_response_done(&r);
	return e;
}

static int send_chunk(struct upload *u, uint64_t len, struct err *err)
{
	autofree char *from = malloc(HTTP_URL_MAX);
	struct session_request q = upload_request(u, "PATCH", u->place);
	struct http_response r;
	char range[64];
	int e;

	if (!from)
		return err_oom(err);
	snprintf(range, sizeof(range), "%llu-%llu", (unsigned long long)u->sent,
		 (unsigned long long)(u->sent + len - 1));
	q.http.content_type = "application/octet-stream";
	q.http.content_range = range;
	q.http.body_fd = u->op->fd;
	q.http.body_offset = u->sent;
	q.http.body_fd_len = len;
	e = session_exchange(u->s, &q, &r, from, err);
	if (e < 0)
		return e;
	e = move_on(u, &r, from, err);
	http_response_done(&r);
	u->sent += len;
	return e;
}

static int send_all(struct upload *u, struct err *err)
{
	uint64_t chunk = u->s->chunk;
	int e = 0;

	while (e >= 0 && chunk > 0 && u->op->size - u->sent > chunk)
		e = send_chunk(u, chunk, err);
	return e < 0 ? e : finish(u, err);
}

static bool was_cut_off(int e)
{
	return e == -ECONNRESET || e == -ETIMEDOUT;
}

int operation_put_blob(struct session *s, struct operation *op, struct err *err)
{
	autofree struct upload *u = calloc(1, sizeof(*u));
	int e = 0;

	if (!u)
		return err_oom(err);
	u->s = s;
	u->op = op;
	for (int tries = 0; tries < UPLOADS_MAX; tries++) {
		err_clear(err);
		e = open_upload(u, err);
		if (e > 0)
			return 0;
		if (e >= 0)
			e = send_all(u, err);
		if (!was_cut_off(e))
			break;
	}
	return e;
}

/* The upload that a registry opens instead of taking the blob over is given up, so that it doesn't wait for its bytes. */
static void give_up(struct upload *u)
{
	struct session_request q = upload_request(u, "DELETE", u->place);
	struct http_response r;

	if (session_exchange(u->s, &q, &r, NULL, NULL) >= 0)
		http_response_done(&r);
}

int operation_mount_blob(struct session *s, struct operation *op, struct operation_result *ret, struct err *err)
{
	autofree struct upload *u = calloc(1, sizeof(*u));
	int e;

	if (!u)
		return err_oom(err);
	u->s = s;
	u->op = op;
	e = open_upload(u, err);
	if (e < 0)
		return e;
	ret->found = e > 0;
	if (!ret->found)
		give_up(u);
	return 0;
}
