#include "registry/http.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "config.h"
#include "registry/connector.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* The user's own address is never used: whatever curl connects to is the connector's socket. */
#define NO_ADDRESS "192.0.2.1"

enum { CURL_BUFFER = 128 << 10 };

struct exchange {
	struct http_client *client;
	const struct http_request *q;
	struct http_response *r;
	CURL *curl;
	char host[256]; /* what is connected to: the server, or the proxy */
	uint16_t port;
	uint64_t sent;
	struct err connect_err;
};

/* --- URLs --- */

static int url_error(const char *url, struct err *err)
{
	return err_set(err, EBADMSG, "'%.200s' is no URL of the web", url);
}

static int parts_of(CURLU *u, bool *ret_https, char host[static 256], uint16_t *ret_port)
{
	char *scheme = NULL, *name = NULL, *port = NULL;
	uint32_t number = 0;
	size_t len;
	bool good;

	good = curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == 0 && curl_url_get(u, CURLUPART_HOST, &name, 0) == 0 &&
	       curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == 0;
	good = good && strlen(name) < 256 && num_parse_u32(port, 65535, &number) == 0 && number > 0;
	if (good) {
		len = strlen(name);
		*ret_https = strcmp(scheme, "https") == 0;
		if (name[0] == '[' && len > 2)
			snprintf(host, 256, "%.*s", (int)len - 2, name + 1);
		else
			snprintf(host, 256, "%s", name);
		*ret_port = (uint16_t)number;
	}
	curl_free(scheme);
	curl_free(name);
	curl_free(port);
	return good ? 0 : -EBADMSG;
}

int http_url_parts(const char *url, bool *ret_https, char host[static 256], uint16_t *ret_port, struct err *err)
{
	CURLU *u = curl_url();
	int r = u ? 0 : -ENOMEM;

	if (r == 0 && (strlen(url) >= HTTP_URL_MAX || curl_url_set(u, CURLUPART_URL, url, 0) != 0))
		r = -EBADMSG;
	if (r == 0 && strncasecmp(url, "https://", 8) != 0 && strncasecmp(url, "http://", 7) != 0)
		r = -EBADMSG;
	if (r == 0)
		r = parts_of(u, ret_https, host, ret_port);
	curl_url_cleanup(u);
	return r == -ENOMEM ? err_oom(err) : r < 0 ? url_error(url, err) : 0;
}

int http_url_resolve(const char *base, const char *location, char ret[static HTTP_URL_MAX], struct err *err)
{
	CURLU *u = curl_url();
	char *url = NULL;
	int r = -EBADMSG;

	if (u && curl_url_set(u, CURLUPART_URL, base, 0) == 0 && curl_url_set(u, CURLUPART_URL, location, 0) == 0 &&
	    curl_url_get(u, CURLUPART_URL, &url, 0) == 0 && strlen(url) < HTTP_URL_MAX) {
		snprintf(ret, HTTP_URL_MAX, "%s", url);
		r = 0;
	}
	curl_free(url);
	curl_url_cleanup(u);
	return r < 0 ? url_error(location, err) : 0;
}

/* --- the client --- */

static pthread_mutex_t share_locks[CURL_LOCK_DATA_LAST];

static void lock_share(CURL *curl, curl_lock_data data, curl_lock_access access, void *arg)
{
	(void)curl;
	(void)access;
	(void)arg;
	pthread_mutex_lock(&share_locks[data]);
}

static void unlock_share(CURL *curl, curl_lock_data data, void *arg)
{
	(void)curl;
	(void)arg;
	pthread_mutex_unlock(&share_locks[data]);
}

int http_client_init(struct http_client *c, struct err *err)
{
	bool https;

	pthread_mutex_init(&c->lock, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(share_locks); i++)
		pthread_mutex_init(&share_locks[i], NULL);
	c->share = curl_share_init();
	if (!c->share)
		return err_oom(err);
	curl_share_setopt(c->share, CURLSHOPT_LOCKFUNC, lock_share);
	curl_share_setopt(c->share, CURLSHOPT_UNLOCKFUNC, unlock_share);
	curl_share_setopt(c->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
	if (!c->proxy)
		return 0;
	return http_url_parts(c->proxy, &https, c->proxy_host, &c->proxy_port, err);
}

void http_client_done(struct http_client *c)
{
	while (c->idle_len > 0)
		curl_easy_cleanup(c->idle[--c->idle_len]);
	if (c->share)
		curl_share_cleanup(c->share);
	c->share = NULL;
}

/* A handle of before, with its open connections, or a new one. */
static CURL *take_handle(struct http_client *c)
{
	CURL *curl = NULL;

	pthread_mutex_lock(&c->lock);
	if (c->idle_len > 0)
		curl = c->idle[--c->idle_len];
	pthread_mutex_unlock(&c->lock);
	return curl ? curl : curl_easy_init();
}

static void give_back(struct http_client *c, CURL *curl)
{
	curl_easy_reset(curl);
	pthread_mutex_lock(&c->lock);
	if (c->idle_len < HTTP_HANDLES_MAX) {
		c->idle[c->idle_len++] = curl;
		curl = NULL;
	}
	pthread_mutex_unlock(&c->lock);
	if (curl)
		curl_easy_cleanup(curl);
}

void http_response_done(struct http_response *r)
{
	buf_done(&r->body);
	buf_done(&r->authenticate);
}

/* --- headers --- */

static void copy_value(char *dst, size_t size, const char *value, size_t len)
{
	snprintf(dst, size, "%.*s", (int)len, value);
}

/* Seconds, or a date (RFC 9110, 10.2.3). */
static int64_t retry_after(const char *text)
{
	uint32_t seconds;
	time_t at;

	if (num_parse_u32(text, UINT32_MAX, &seconds) == 0)
		return seconds;
	at = curl_getdate(text, NULL);
	if (at < 0)
		return -1;
	at -= time(NULL);
	return at > 0 ? at : 0;
}

/* "bytes 100-199/200" */
static uint64_t range_start(const char *text)
{
	const char *p = str_skip_prefix(text, "bytes ");
	char digits[24];
	uint64_t from;

	if (!p)
		return UINT64_MAX;
	snprintf(digits, sizeof(digits), "%.*s", (int)strspn(p, "0123456789"), p);
	return num_parse_u64(digits, 10, &from) == 0 ? from : UINT64_MAX;
}

static void take_number_header(struct http_response *r, const char *name, const char *text)
{
	if (strcasecmp(name, "content-length") == 0 && num_parse_u64(text, 10, &r->content_length) < 0)
		r->content_length = UINT64_MAX;
	else if (strcasecmp(name, "content-range") == 0)
		r->range_from = range_start(text);
	else if (strcasecmp(name, "retry-after") == 0)
		r->retry_after_s = retry_after(text);
}

static void take_header(struct http_response *r, const char *name, const char *value, size_t len)
{
	char text[256];

	copy_value(text, sizeof(text), value, len);
	take_number_header(r, name, text);
	if (strcasecmp(name, "content-type") == 0)
		copy_value(r->content_type, sizeof(r->content_type), value, strcspn(text, ";"));
	else if (strcasecmp(name, "docker-content-digest") == 0)
		copy_value(r->docker_digest, sizeof(r->docker_digest), value, len);
	else if (strcasecmp(name, "location") == 0 && len < sizeof(r->location))
		copy_value(r->location, sizeof(r->location), value, len);
	else if (strcasecmp(name, "link") == 0 && len < sizeof(r->link))
		copy_value(r->link, sizeof(r->link), value, len);
	else if (strcasecmp(name, "www-authenticate") == 0)
		buf_addf(&r->authenticate, "%s%.*s", r->authenticate.len ? ", " : "", (int)len, value);
}

static void begin_answer(struct http_response *r)
{
	buf_reset(&r->authenticate);
	r->content_length = r->range_from = UINT64_MAX;
	r->retry_after_s = -1;
	r->content_type[0] = r->docker_digest[0] = r->location[0] = r->link[0] = '\0';
}

static size_t on_header(char *data, size_t one, size_t len, void *arg)
{
	struct exchange *x = arg;
	const char *colon = memchr(data, ':', len);
	char name[64];

	(void)one;
	x->r->headers_len += len;
	if (x->r->headers_len > HTTP_HEADERS_MAX) {
		x->r->too_large = true;
		return 0;
	}
	if (len > 5 && memcmp(data, "HTTP/", 5) == 0)
		begin_answer(x->r); /* a proxy's, or 100 Continue, came before */
	if (!colon || (size_t)(colon - data) >= sizeof(name))
		return len;
	copy_value(name, sizeof(name), data, (size_t)(colon - data));
	for (colon++; colon < data + len && (*colon == ' ' || *colon == '\t');)
		colon++;
	{
		size_t n = (size_t)(data + len - colon);

		while (n > 0 && (colon[n - 1] == '\r' || colon[n - 1] == '\n' || colon[n - 1] == ' '))
			n--;
		take_header(x->r, name, colon, n);
	}
	return len;
}

/* --- bodies --- */

static size_t on_data(char *data, size_t one, size_t len, void *arg)
{
	struct exchange *x = arg;

	(void)one;
	if (x->r->status == 0)
		curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &x->r->status);
	if (x->q->on_body && x->r->status >= 200 && x->r->status < 300) {
		x->r->body_error = x->q->on_body(data, len, x->r, x->q->arg);
		return x->r->body_error < 0 ? 0 : len;
	}
	if (buf_add(&x->r->body, data, len) < 0) {
		x->r->too_large = true;
		return 0;
	}
	return len;
}

static size_t on_read(char *data, size_t one, size_t room, void *arg)
{
	struct exchange *x = arg;
	uint64_t left = x->q->body_fd_len - x->sent;
	ssize_t n;

	room *= one;
	if (room > left)
		room = (size_t)left;
	do
		n = pread(x->q->body_fd, data, room, (off_t)(x->q->body_offset + x->sent));
	while (n < 0 && errno == EINTR);
	if (n < 0 || (n == 0 && room > 0)) {
		x->r->body_error = n < 0 ? -errno : -ENODATA;
		return CURL_READFUNC_ABORT;
	}
	x->sent += (uint64_t)n;
	if (x->q->on_sent)
		x->q->on_sent(x->sent, x->q->arg);
	return (size_t)n;
}

/* curl sends again after it had to authenticate, or on a connection that had been closed. */
static int on_seek(void *arg, curl_off_t offset, int origin)
{
	struct exchange *x = arg;

	if (origin != SEEK_SET || offset < 0)
		return CURL_SEEKFUNC_CANTSEEK;
	x->sent = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

/* --- sockets --- */

static curl_socket_t on_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct exchange *x = arg;
	int fd;

	(void)purpose;
	(void)address;
	fd = connector_connect(x->client->connector, x->host, x->port, &x->connect_err);
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static int on_socket(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	(void)arg;
	(void)fd;
	(void)purpose;
	return CURL_SOCKOPT_ALREADY_CONNECTED;
}

/* curl must not look the name up: it is told an address, which nobody uses. */
static struct curl_slist *fixed_address(const struct exchange *x)
{
	char entry[400];

	if (strchr(x->host, ':'))
		return NULL; /* an address already */
	snprintf(entry, sizeof(entry), "%s:%u:" NO_ADDRESS, x->host, x->port);
	return curl_slist_append(NULL, entry);
}

/* --- the exchange --- */

static struct curl_slist *add_header(struct curl_slist *list, const char *name, const char *value)
{
	autofree char *line = value ? str_format("%s: %s", name, value) : NULL;
	struct curl_slist *longer = line ? curl_slist_append(list, line) : list;

	return longer ? longer : list;
}

static struct curl_slist *request_headers(const struct http_request *q)
{
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");

	list = add_header(list, "Authorization", q->authorization);
	list = add_header(list, "Accept", q->accept);
	list = add_header(list, "Content-Type", q->content_type);
	return add_header(list, "Content-Range", q->content_range);
}

static void set_body(CURL *curl, struct exchange *x)
{
	const struct http_request *q = x->q;

	if (q->body_fd >= 0) {
		curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)q->body_fd_len);
		curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
		curl_easy_setopt(curl, CURLOPT_READDATA, x);
		curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, on_seek);
		curl_easy_setopt(curl, CURLOPT_SEEKDATA, x);
	} else if (strcmp(q->method, "GET") != 0 && strcmp(q->method, "HEAD") != 0 &&
		   strcmp(q->method, "DELETE") != 0) {
		curl_easy_setopt(curl, CURLOPT_POST, 1L);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, q->body ? q->body : "");
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body_len);
	}
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, q->method);
	if (strcmp(q->method, "HEAD") == 0)
		curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
}

static void set_blob(CURL *curl, CURLoption option, const char *pem)
{
	struct curl_blob blob = { (void *)(uintptr_t)pem, pem ? strlen(pem) : 0, CURL_BLOB_NOCOPY };

	if (pem)
		curl_easy_setopt(curl, option, &blob);
}

static void set_tls(CURL *curl, const struct http_client *c)
{
	if (c->ca) {
		set_blob(curl, CURLOPT_CAINFO_BLOB, c->ca);
		set_blob(curl, CURLOPT_PROXY_CAINFO_BLOB, c->ca);
	} else if (c->ca_file) { /* a path: curl keeps what it read, which it doesn't of bytes */
		curl_easy_setopt(curl, CURLOPT_CAINFO, c->ca_file);
		curl_easy_setopt(curl, CURLOPT_PROXY_CAINFO, c->ca_file);
	}
	set_blob(curl, CURLOPT_SSLCERT_BLOB, c->client_cert);
	set_blob(curl, CURLOPT_SSLKEY_BLOB, c->client_key);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, c->skip_verify ? 0L : 1L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, c->skip_verify ? 0L : 2L);
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
}

static int stall_s(const struct http_request *q)
{
	return q->body_fd >= 0 ? HTTP_UPLOAD_STALL_S : HTTP_STALL_S;
}

static void set_range(CURL *curl, const struct http_request *q)
{
	char range[48];

	if (q->range_end > 0)
		snprintf(range, sizeof(range), "%llu-%llu", (unsigned long long)q->range_from,
			 (unsigned long long)q->range_end - 1);
	else
		snprintf(range, sizeof(range), "%llu-", (unsigned long long)q->range_from);
	if (q->range_from > 0 || q->range_end > 0)
		curl_easy_setopt(curl, CURLOPT_RANGE, range);
}

static void set_options(struct exchange *x, struct curl_slist *headers, struct curl_slist *address)
{
	CURL *curl = x->curl;

	curl_easy_setopt(curl, CURLOPT_URL, x->q->url);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_RESOLVE, address);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, x);
	curl_easy_setopt(curl, CURLOPT_SOCKOPTFUNCTION, on_socket);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, x);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, x);
	curl_easy_setopt(curl, CURLOPT_PROXY, x->client->proxy ? x->client->proxy : "");
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "cloche/" CLOCHE_VERSION);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, (long)CURL_BUFFER);
	curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, (long)CURL_BUFFER);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)stall_s(x->q));
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)HTTP_STALL_S);
	curl_easy_setopt(curl, CURLOPT_SHARE, x->client->share);
	set_range(curl, x->q);
	set_body(curl, x);
	set_tls(curl, x->client);
}

static int explain(struct exchange *x, CURLcode code, const char *detail, struct err *err)
{
	const char *text = detail[0] ? detail : curl_easy_strerror(code);

	if (x->r->too_large)
		return err_set(err, E2BIG, "%s %.200s: the answer is larger than allowed", x->q->method, x->q->url);
	if (x->r->body_error < 0)
		return err_errno(err, -x->r->body_error, "%s %.200s", x->q->method, x->q->url);
	if (x->connect_err.code) {
		err_set(err, x->connect_err.code, "%s", x->connect_err.msg);
		return x->connect_err.hint[0] ? err_hint(err, "%s", x->connect_err.hint) : -err->code;
	}
	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
		return err_set(err, ETIMEDOUT, "%s:%u: no byte in %d seconds", x->host, x->port, stall_s(x->q));
	case CURLE_PEER_FAILED_VERIFICATION:
		err_set(err, EBADMSG, "%s:%u: its TLS certificate can't be verified: %s", x->host, x->port, text);
		return err_hint(err,
				"a certificate authority of your own goes to certs.d/%s:%u/ca.crt "
				"(containers-certs.d(5)); --tls-verify=false does without",
				x->host, x->port);
	case CURLE_SSL_CONNECT_ERROR:
		err_set(err, EBADMSG, "%s:%u: no TLS: %s", x->host, x->port, text);
		return err_hint(err,
				"a registry that speaks plain http needs --tls-verify=false, or \"insecure = true\" in "
				"registries.conf");
	case CURLE_OUT_OF_MEMORY: /* also its answer to a line of a header that is longer than it takes */
		return err_set(err, E2BIG, "%s %.200s: a header of the answer is larger than allowed", x->q->method,
			       x->q->url);
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return err_set(err, EBADMSG, "%s:%u: it answers something else than HTTP: %s", x->host, x->port, text);
	default:
		return err_set(err, ECONNRESET, "%s:%u: %s", x->host, x->port, text);
	}
}

static int perform(struct exchange *x, struct err *err)
{
	char detail[CURL_ERROR_SIZE] = "";
	struct curl_slist *headers = request_headers(x->q), *address = fixed_address(x);
	CURLcode code;

	set_options(x, headers, address);
	curl_easy_setopt(x->curl, CURLOPT_ERRORBUFFER, detail);
	code = curl_easy_perform(x->curl);
	curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &x->r->status);
	curl_slist_free_all(headers);
	curl_slist_free_all(address);
	return code == CURLE_OK ? 0 : explain(x, code, detail, err);
}

int http_exchange(struct http_client *c, const struct http_request *q, struct http_response *ret, struct err *err)
{
	struct exchange x = { .client = c, .q = q, .r = ret };
	bool https;
	int r;

	*ret = (struct http_response){ .body = BUF_INIT(q->body_max ? q->body_max : 64 << 10),
				       .authenticate = BUF_INIT(HTTP_HEADERS_MAX) };
	begin_answer(ret);
	r = http_url_parts(q->url, &https, x.host, &x.port, err);
	if (r < 0)
		return r;
	if (c->proxy) {
		memcpy(x.host, c->proxy_host, sizeof(x.host));
		x.port = c->proxy_port;
	}
	x.curl = take_handle(c);
	if (!x.curl)
		return err_oom(err);
	r = perform(&x, err);
	give_back(c, x.curl);
	return r;
}
