/*
 * Who we are, as the registry wants to hear it: nothing, Basic (RFC 7617), or a bearer token that another server gives
 * (distribution project: "Token Authentication Specification", "OAuth2 Token Authentication").
 *
 * A token is for a scope: one repository, and what may be done with it. It is kept until it expires, for all threads.
 */
#include "base/cleanup.h"
#include "base/str.h"
#include "codec/challenge.h"
#include "oci/json.h"
#include "registry/auth_file.h"
#include "registry/session.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum {
	TOKEN_REPLY_MAX = 1 << 20,
	TOKEN_LIFE_S = 60, /* where the server says nothing */
	TOKEN_LIFE_MAX_S = 86400,
	TOKEN_SLACK_S = 10, /* not shown any more so long before it expires */
};

/* "repository:library/debian:pull,push", and for `from` another one behind a blank. */
static void scope_of(const struct session_request *q, char dst[static 512])
{
	int n = 0;

	dst[0] = '\0';
	if (!q->repo)
		return;
	n = snprintf(dst, 512, "repository:%s:pull%s%s", q->repo, q->push ? ",push" : "", q->remove ? ",delete" : "");
	if (q->from && n > 0 && n < 512)
		snprintf(dst + n, 512 - (size_t)n, " repository:%s:pull", q->from);
}

char *session_known_authorization(struct session *s, const struct session_request *q)
{
	char scope[512], *found = NULL;

	if (s->bearer)
		return str_format("Bearer %s", s->bearer);
	scope_of(q, scope);
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; !found && i < SESSION_TOKENS_MAX; i++) {
		const struct session_token *t = &s->tokens[i];

		if (t->header && strcmp(t->scope, scope) == 0 && t->expires - TOKEN_SLACK_S > time(NULL))
			found = strdup(t->header);
	}
	if (!found && s->basic)
		found = strdup(s->basic);
	pthread_mutex_unlock(&s->lock);
	return found;
}

/* --- Basic --- */

static char *basic_header(const char *username, const char *password)
{
	autofree char *plain = str_format("%s:%s", username, password);
	autofree char *encoded = plain ? auth_encode_base64(plain) : NULL;
	char *header = encoded ? str_format("Basic %s", encoded) : NULL;

	if (plain)
		explicit_bzero(plain, strlen(plain));
	return header;
}

static int no_login(const struct session *s, struct err *err)
{
	const char *host = strstr(s->base, "://") + 3;

	err_set(err, EACCES, "%s wants a login", host);
	return err_hint(err, "'cloche login %s'", host);
}

static int login_refused(const struct session *s, struct err *err)
{
	const char *host = strstr(s->base, "://") + 3;

	err_set(err, EACCES, "%s doesn't accept the login of '%s'", host, s->username ? s->username : "the token");
	return err_hint(err, "'cloche login %s' again", host);
}

static int use_basic(struct session *s, char **ret, struct err *err)
{
	char *header;

	if (!s->username || !s->password)
		return no_login(s, err);
	header = basic_header(s->username, s->password);
	if (!header)
		return err_oom(err);
	pthread_mutex_lock(&s->lock);
	free(s->basic);
	s->basic = strdup(header);
	pthread_mutex_unlock(&s->lock);
	*ret = header;
	return 0;
}

/* --- Bearer --- */

static void keep_token(struct session *s, const char *scope, const char *header, int64_t life_s)
{
	struct session_token *t;

	pthread_mutex_lock(&s->lock);
	t = &s->tokens[s->tokens_next++ % SESSION_TOKENS_MAX];
	free(t->header);
	snprintf(t->scope, sizeof(t->scope), "%s", scope);
	t->header = strdup(header);
	t->expires = time(NULL) + life_s;
	pthread_mutex_unlock(&s->lock);
}

static int read_token(const struct http_response *r, char **ret_header, int64_t *ret_life, struct err *err)
{
	autojson json_t *root = NULL;
	autofree char *token = NULL;
	struct json_at top;
	int e = json_parse(buf_str(&r->body), r->body.len, "the token server's answer", &root, err);

	if (e < 0)
		return e;
	top = json_top(root, "the token server's answer");
	e = json_check(&top, JSON_WANT_OBJECT, err);
	if (e >= 0)
		e = json_get_string(&top, "token", &token, err);
	if (e >= 0 && !token)
		e = json_get_string(&top, "access_token", &token, err);
	if (e >= 0)
		e = json_get_int(&top, "expires_in", 0, INT32_MAX, ret_life, err);
	if (e < 0)
		return e;
	/* It becomes a line of a header. */
	if (!token || !*token || strlen(token) > SESSION_TOKEN_MAX || strpbrk(token, "\r\n"))
		return err_set(err, EBADMSG, "the token server's answer has no token that could be used");
	if (*ret_life < TOKEN_LIFE_S)
		*ret_life = TOKEN_LIFE_S;
	if (*ret_life > TOKEN_LIFE_MAX_S)
		*ret_life = TOKEN_LIFE_MAX_S;
	*ret_header = str_format("Bearer %s", token);
	return *ret_header ? 0 : err_oom(err);
}

static int add_field(struct buf *out, char before, const char *name, const char *value, size_t len)
{
	char *escaped = curl_easy_escape(NULL, value, (int)len);
	int r = escaped ? buf_addf(out, "%c%s=%s", before, name, escaped) : -ENOMEM;

	curl_free(escaped);
	return r;
}

/* Each scope is a field of its own. */
static void add_scopes(struct buf *out, char before, const char *scope)
{
	while (*scope) {
		size_t len = strcspn(scope, " ");

		add_field(out, before, "scope", scope, len);
		scope += len + (scope[len] == ' ');
	}
}

/* The request to the token server: a GET as whoever we are, or OAuth2's POST where we have an identity token. */
static int ask_for_token(struct session *s, const struct challenge *c, const char *scope, struct http_response *ret,
			 struct err *err)
{
	struct buf autobuf url = BUF_INIT(HTTP_URL_MAX), body = BUF_INIT(64 << 10);
	autofree char *basic = NULL;
	struct http_request q = { .method = "GET", .body_fd = -1, .body_max = TOKEN_REPLY_MAX };
	int r;

	buf_add_str(&url, c->realm);
	if (s->identity_token) {
		buf_addf(&body, "grant_type=refresh_token&client_id=cloche");
		add_field(&body, '&', "service", c->service, strlen(c->service));
		add_scopes(&body, '&', scope);
		add_field(&body, '&', "refresh_token", s->identity_token, strlen(s->identity_token));
		q.method = "POST";
		q.content_type = "application/x-www-form-urlencoded";
		q.body = buf_str(&body);
		q.body_len = body.len;
	} else {
		add_field(&url, strchr(c->realm, '?') ? '&' : '?', "service", c->service, strlen(c->service));
		add_scopes(&url, '&', scope);
		if (s->username && s->password)
			q.authorization = basic = basic_header(s->username, s->password);
	}
	if (url.error || body.error)
		return err_set(err, E2BIG, "the token server's address is too long");
	q.url = buf_str(&url);
	r = http_exchange(&s->http, &q, ret, err);
	return r < 0 ? err_wrap(err, "token server") : 0;
}

static int check_realm(const struct session *s, const struct challenge *c, struct err *err)
{
	char host[256];
	uint16_t port;
	bool https;
	int r = http_url_parts(c->realm, &https, host, &port, err);

	if (r < 0)
		return err_wrap(err, "the token server that the registry names");
	if (!https && !s->plain_http)
		return err_set(err, EACCES, "the token server '%.200s' that the registry names doesn't encrypt",
			       c->realm);
	return 0;
}

static int use_bearer(struct session *s, const struct session_request *q, const struct challenge *c, char **ret,
		      struct err *err)
{
	struct http_response response = { 0 };
	int64_t life = TOKEN_LIFE_S;
	char scope[512];
	int r = check_realm(s, c, err);

	if (r < 0)
		return r;
	scope_of(q, scope);
	r = ask_for_token(s, c, scope[0] ? scope : c->scope, &response, err);
	if (r >= 0 && (response.status == 401 || response.status == 403))
		r = s->username || s->identity_token ? login_refused(s, err) : no_login(s, err);
	else if (r >= 0 && response.status != 200)
		r = err_set(err, EBADMSG, "the token server '%.200s' answers %ld", c->realm, response.status);
	if (r >= 0)
		r = read_token(&response, ret, &life, err);
	http_response_done(&response);
	if (r >= 0)
		keep_token(s, scope, *ret, life);
	return r;
}

int session_authorize(struct session *s, const struct session_request *q, const char *authenticate, const char *refused,
		      char **ret, struct err *err)
{
	struct challenge c;
	int r = challenge_parse(authenticate, &c, err);

	if (r < 0)
		return r;
	if (s->bearer)
		return login_refused(s, err);
	switch (c.scheme) {
	case CHALLENGE_BEARER:
		return use_bearer(s, q, &c, ret, err);
	case CHALLENGE_BASIC:
		return refused ? login_refused(s, err) : use_basic(s, ret, err);
	default:
		break;
	}
	return err_set(err, EOPNOTSUPP, "%s wants a kind of authentication that we don't know: '%.100s'",
		       strstr(s->base, "://") + 3, authenticate);
}
