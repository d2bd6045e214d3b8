#include "registry/session.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

/* One request on its way: where it is sent now, and as whom. */
struct attempt {
	struct session *s;
	const struct session_request *q;
	char *url; /* HTTP_URL_MAX bytes; owned */
	char *authorization;
	bool authorized_again;
	int redirects, tries;
	uint64_t received; /* at the last failure */
};

static void attempt_done(struct attempt *a)
{
	free(a->url);
	free(a->authorization);
}

void session_done(struct session *s)
{
	http_client_done(&s->http);
	free(s->basic);
	for (size_t i = 0; i < SESSION_TOKENS_MAX; i++)
		free(s->tokens[i].header);
}

static bool is_success(const struct session_request *q, long status)
{
	if (status >= 200 && status < 300)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(q->also) && q->also[i]; i++)
		if (status == q->also[i])
			return true;
	return false;
}

static bool is_redirect(long status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static bool may_help_to_wait(long status)
{
	return status == 429 || status == 408 || status == 500 || status == 502 || status == 503 || status == 504;
}

static bool same_server(const char *a, const char *b)
{
	char a_host[256], b_host[256];
	uint16_t a_port, b_port;
	bool a_https, b_https;

	return http_url_parts(a, &a_https, a_host, &a_port, NULL) >= 0 &&
	       http_url_parts(b, &b_https, b_host, &b_port, NULL) >= 0 && a_https == b_https && a_port == b_port &&
	       strcasecmp(a_host, b_host) == 0;
}

/* --- waiting --- */

static void wait_ms(uint64_t ms)
{
	struct timespec t = { .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &t) == EINTR)
		;
}

/* 0.2, 0.4, 0.8 … seconds and up to as much again, so that many who were turned away don't come back at once. */
static uint64_t backoff_ms(int tries)
{
	uint64_t ms = 100ULL << tries, jitter = 0;

	(void)getrandom(&jitter, sizeof(jitter), 0);
	return ms + jitter % ms;
}

/* Whether to try once more, after having waited for it. */
static bool try_again(struct attempt *a, int64_t retry_after_s)
{
	uint64_t received = a->q->received ? *a->q->received : 0;

	if (received > a->received)
		a->tries = 0;
	a->received = received;
	if (++a->tries >= SESSION_TRIES_MAX || retry_after_s > SESSION_WAIT_MAX_S)
		return false;
	wait_ms(retry_after_s >= 0 ? (uint64_t)retry_after_s * 1000 : backoff_ms(a->tries));
	return true;
}

static bool may_repeat(const struct attempt *a, int code)
{
	if (code != ECONNRESET && code != ETIMEDOUT)
		return false;
	/* What was sent in part to a place that is for one upload can't be sent there again. */
	return strcmp(a->q->http.method, "GET") == 0 || strcmp(a->q->http.method, "HEAD") == 0;
}

/* --- one try --- */

static int send_once(struct attempt *a, struct http_response *ret, struct err *err)
{
	struct http_request q = a->q->http;

	q.url = a->url;
	q.authorization = same_server(a->s->base, a->url) ? a->authorization : NULL;
	if (a->q->on_try)
		*a->q->on_try = false;
	if (a->q->received)
		q.range_from = a->q->http.range_from + *a->q->received;
	if (q.body_max == 0)
		q.body_max = SESSION_REPLY_MAX;
	return http_exchange(&a->s->http, &q, ret, err);
}

static int follow(struct attempt *a, const struct http_response *r, struct err *err)
{
	autofree char *next = malloc(HTTP_URL_MAX);
	char host[256];
	uint16_t port;
	bool https;
	int e;

	if (!next)
		return err_oom(err);
	if (++a->redirects > SESSION_REDIRECTS_MAX)
		return err_set(err, ELOOP, "%.200s: more than %d redirects", a->url, SESSION_REDIRECTS_MAX);
	if (!r->location[0])
		return err_set(err, EBADMSG, "%.200s: a redirect to nowhere", a->url);
	e = http_url_resolve(a->url, r->location, next, err);
	if (e >= 0)
		e = http_url_parts(next, &https, host, &port, err);
	if (e < 0)
		return e;
	if (!https && !a->s->plain_http)
		return err_set(err, EACCES, "%.200s: it redirects to '%.200s', where nothing is encrypted", a->url,
			       next);
	memcpy(a->url, next, HTTP_URL_MAX);
	return 0;
}

static int authorize(struct attempt *a, const struct http_response *r, struct err *err)
{
	char *fresh;
	int e;

	if (a->authorized_again || !same_server(a->s->base, a->url))
		return session_explain(a->s, a->q, r, err);
	a->authorized_again = true;
	e = session_authorize(a->s, a->q, buf_str(&r->authenticate), a->authorization, &fresh, err);
	if (e < 0)
		return e;
	free(a->authorization);
	a->authorization = fresh;
	return 0;
}

/* What an answer means: 1: the end; 0: on to the next try; negative: failed. */
static int look_at(struct attempt *a, const struct http_response *r, struct err *err)
{
	if (is_success(a->q, r->status))
		return 1;
	if (is_redirect(r->status))
		return follow(a, r, err);
	if (r->status == 401)
		return authorize(a, r, err);
	if (may_help_to_wait(r->status) && try_again(a, r->retry_after_s))
		return 0;
	return session_explain(a->s, a->q, r, err);
}

static int run(struct attempt *a, struct http_response *ret, struct err *err)
{
	for (;;) {
		struct err failure = { 0 };
		int r = send_once(a, ret, &failure);

		if (r >= 0)
			r = look_at(a, ret, &failure);
		else if (may_repeat(a, failure.code) && try_again(a, -1))
			r = 0;
		if (r > 0)
			return 0;
		http_response_done(ret);
		if (r < 0) {
			err_set(err, failure.code, "%s", failure.msg);
			return failure.hint[0] ? err_hint(err, "%s", failure.hint) : -failure.code;
		}
	}
}

int session_exchange(struct session *s, const struct session_request *q, struct http_response *ret,
		     char ret_url[HTTP_URL_MAX], struct err *err)
{
	struct attempt a = { .s = s, .q = q, .url = malloc(HTTP_URL_MAX) };
	bool relative = q->http.url[0] == '/';
	int r, len;

	if (!a.url)
		return err_oom(err);
	a.authorization = session_known_authorization(s, q);
	len = snprintf(a.url, HTTP_URL_MAX, "%s%s", relative ? s->base : "", q->http.url);
	r = len >= HTTP_URL_MAX ? err_set(err, E2BIG, "a URL of more than %d bytes", HTTP_URL_MAX) : run(&a, ret, err);
	if (r >= 0 && ret_url)
		memcpy(ret_url, a.url, HTTP_URL_MAX);
	attempt_done(&a);
	return r;
}
