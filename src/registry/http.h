/*
 * One HTTP exchange, in the confined half of the fetch helper. libcurl speaks HTTP and TLS; names, addresses and
 * sockets are the connector's (registry/connector.h), so no redirect is followed here: exchange.c looks at where it
 * leads first.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	HTTP_URL_MAX = 8192,
	HTTP_HEADERS_MAX = 64 << 10, /* bytes of all headers of one answer */
	HTTP_STALL_S = 60,	     /* so long without a byte ends an exchange … */
	HTTP_UPLOAD_STALL_S = 300,   /* … and one in which the server digests what it got */
	HTTP_HANDLES_MAX = 8,	     /* connections that are kept for the next exchange */
};

/* What all exchanges of a helper have in common. Strings are borrowed. */
struct http_client {
	int connector; /* socket to the connector */
	bool skip_verify;
	const char *ca, *client_cert, *client_key; /* PEM; NULL: none */
	const char *proxy;			   /* URL, or NULL */
	char proxy_host[256];
	uint16_t proxy_port;
	const char *ca_file; /* path of the system's certificate authorities; used where ca is NULL */
	CURLSH *share;	     /* TLS sessions, for all threads */
	pthread_mutex_t lock;
	CURL *idle[HTTP_HANDLES_MAX]; /* each with its connections */
	size_t idle_len;
};

/* Fills in proxy_host and proxy_port from proxy. */
int http_client_init(struct http_client *c, struct err *err);
void http_client_done(struct http_client *c);

struct http_response;

struct http_request {
	const char *method; /* "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" */
	const char *url;
	const char *authorization; /* the header's value, or NULL */
	const char *accept, *content_type, *content_range;
	uint64_t range_from, range_end; /* GET: bytes from here on; 0: all, and to before there; 0: to the last */

	/* What is sent: bytes in memory, or a part of a file. A POST, PUT or PATCH without either sends nothing. */
	const void *body;
	size_t body_len;
	int body_fd; /* -1: none */
	uint64_t body_offset, body_fd_len;

	/*
	 * Where the body of an answer with status 200 to 299 goes: called with bytes as they come; a negative errno ends the
	 * exchange with it. NULL: into the response's `body`, where the bodies of all other answers go too, up to body_max.
	 */
	int (*on_body)(const void *data, size_t len, const struct http_response *response, void *arg);
	/* Bytes that have been sent so far; may be NULL. */
	void (*on_sent)(uint64_t bytes, void *arg);
	void *arg;
	size_t body_max;
};

struct http_response {
	long status;
	struct buf body;
	uint64_t content_length; /* UINT64_MAX: not said */
	uint64_t range_from;	 /* of Content-Range: where a 206's bytes begin; UINT64_MAX: not said */
	char content_type[256], docker_digest[160], location[HTTP_URL_MAX], link[HTTP_URL_MAX];
	struct buf authenticate; /* all WWW-Authenticate headers, joined by ", " */
	int64_t retry_after_s;	 /* -1: not said */
	size_t headers_len;
	int body_error; /* what on_body said */
	bool too_large;
};

void http_response_done(struct http_response *r);

/*
 * Returns 0 with whatever status the server gave. -ECONNRESET: cut off, may be tried again; -ETIMEDOUT: stalled; what the
 * connector says; -EBADMSG: no HTTP, or TLS that can't be verified; -E2BIG: over a limit; what on_body said.
 */
int http_exchange(struct http_client *c, const struct http_request *q, struct http_response *ret, struct err *err);

/* Scheme, host and port of a URL; HOST without the brackets of IPv6. -EBADMSG if it is no http or https URL. */
int http_url_parts(const char *url, bool *ret_https, char host[static 256], uint16_t *ret_port, struct err *err);
/* LOCATION (absolute or relative) as seen from BASE, into RET. */
int http_url_resolve(const char *base, const char *location, char ret[static HTTP_URL_MAX], struct err *err);
