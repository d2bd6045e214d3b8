/*
 * A conversation with one registry, in the confined half of the fetch helper: http.h's exchanges with what the
 * distribution specification, and the years, have put around them. Who isn't let in authenticates (session_auth.c), who
 * is sent elsewhere goes there without his credentials, who is told to come back later does.
 */
#pragma once

#include "registry/http.h"

#include <pthread.h>
#include <time.h>

enum {
	SESSION_TOKENS_MAX = 16,
	SESSION_TOKEN_MAX = 16 << 10,
	SESSION_REDIRECTS_MAX = 10,
	SESSION_TRIES_MAX = 5,	     /* in a row without a byte of progress */
	SESSION_WAIT_MAX_S = 60,     /* more than that a registry may not ask us to wait */
	SESSION_REPLY_MAX = 4 << 20, /* bytes of a document */
};

struct session_token {
	char scope[512];
	char *header; /* "Bearer …"; owned */
	time_t expires;
};

struct session {
	struct http_client http;
	char base[300]; /* "https://registry-1.docker.io" */
	bool plain_http;
	const char *username, *password, *identity_token, *bearer; /* borrowed; NULL: none */
	uint64_t chunk;

	pthread_mutex_t lock; /* of what follows */
	char *basic;	      /* "Basic …"; owned; NULL until it was asked for */
	struct session_token tokens[SESSION_TOKENS_MAX];
	size_t tokens_next;
};

void session_done(struct session *s);

struct session_request {
	struct http_request http; /* url is absolute, or a path that begins with "/"; authorization is ours */
	const char *repo;	  /* for the scope of tokens; NULL: none is asked for */
	const char *from;	  /* another repository that is read as well; or NULL */
	bool push, remove;	  /* what is asked for besides pull */
	/*
	 * The bytes that on_body has taken so far, by all tries: what was cut off goes on from there. NULL: a failure after
	 * the first byte is final.
	 */
	uint64_t *received;
	bool *on_try; /* set to false before each try; may be NULL */
	/* With these statuses no failure: what the caller understands besides 2xx (0 ends the list). */
	long also[4];
};

/*
 * The exchange, tried again where that may help. RET is set on success, and must be released; on failure it is released
 * already. Failures as registry.h says. URL that the answer came from goes to RET_URL if that isn't NULL.
 */
int session_exchange(struct session *s, const struct session_request *q, struct http_response *ret,
		     char ret_url[HTTP_URL_MAX], struct err *err);

/* --- session_auth.c --- */

/* The header to begin with for Q, copied; NULL: none is known yet. */
char *session_known_authorization(struct session *s, const struct session_request *q);
/*
 * After a 401 with the header AUTHENTICATE: *RET is the header to try again with (owned by the caller). -EACCES: there is
 * none, or REFUSED, the one that was tried, is the best that there is.
 */
int session_authorize(struct session *s, const struct session_request *q, const char *authenticate, const char *refused,
		      char **ret, struct err *err);

/* --- session_error.c --- */

/* Turns an answer that is no success into an error, with the registry's own words. */
int session_explain(const struct session *s, const struct session_request *q, const struct http_response *r,
		    struct err *err);
