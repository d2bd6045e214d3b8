/*
 * The fetch helper: two processes.
 *
 *     client ---- options, operations ----> confined half --- host, port ---> connector
 *            <--- progress, results -------  HTTP and TLS  <--- socket ------  names, connections
 *
 * The first process becomes the connector; its child, which reads what comes from the network, gives up everything else
 * first: no file but the certificate authorities can be opened, no socket made, no program started. It gets the
 * descriptors that it reads from and writes to from the client, one by one. Each operation is a thread: at most
 * REGISTRY_TRANSFERS_MAX and a few small ones, which the client sees to.
 */
#include "registry/serve.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "registry/connector.h"
#include "registry/fetch_confine.h"
#include "registry/message.h"
#include "registry/operations.h"
#include "sys/fs.h"
#include "sys/landlock.h"
#include "sys/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS_MAX = 16, STACK_SIZE = 512 << 10, CA_MAX = 4 << 20 };

struct helper {
	int sock;
	struct session session;
	struct message_options options;
	struct buf ca; /* the system's authorities and those of the options; empty where the file will do */
	pthread_mutex_t send_lock;
	pthread_mutex_t count_lock;
	pthread_cond_t count_changed;
	unsigned threads;
};

struct task {
	struct helper *helper;
	struct operation op;
};

/* --- replies --- */

static void reply(struct helper *h, const struct message_reply *r)
{
	struct buf autobuf out = BUF_INIT(MSG_MAX);

	if (message_write_reply(r, &out, NULL) < 0)
		return;
	pthread_mutex_lock(&h->send_lock);
	msg_send(h->sock, out.data, out.len, NULL, 0, NULL);
	pthread_mutex_unlock(&h->send_lock);
}

/* Left out where the client doesn't listen just now: a transfer must not wait for a progress bar. */
static void on_progress(const struct operation *op, uint64_t bytes)
{
	const struct message_reply r = { .id = op->id, .bytes = bytes };
	struct helper *h = op->arg;
	struct pollfd f = { .fd = h->sock, .events = POLLOUT };

	if (poll(&f, 1, 0) > 0)
		reply(h, &r);
}

/* --- threads --- */

static void thread_ended(struct helper *h)
{
	pthread_mutex_lock(&h->count_lock);
	h->threads--;
	pthread_cond_signal(&h->count_changed);
	pthread_mutex_unlock(&h->count_lock);
}

static void *run_task(void *arg)
{
	struct task *t = arg;
	struct message_reply r = { .id = t->op.id, .ended = true };

	operation_run(&t->helper->session, &t->op, &r.result, &r.err);
	/* Whoever reads the descriptor's other end sees its end before we say that it was reached. */
	operation_done(&t->op);
	reply(t->helper, &r);
	thread_ended(t->helper);
	free(t);
	return NULL;
}

static int start_thread(struct task *t)
{
	struct helper *h = t->helper;
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	pthread_mutex_lock(&h->count_lock);
	while (h->threads >= THREADS_MAX)
		pthread_cond_wait(&h->count_changed, &h->count_lock);
	h->threads++;
	pthread_mutex_unlock(&h->count_lock);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	r = pthread_create(&thread, &attr, run_task, t);
	pthread_attr_destroy(&attr);
	if (r != 0)
		thread_ended(h);
	return -r;
}

static int begin(struct helper *h, const struct buf *message, int *fd)
{
	struct task *t = calloc(1, sizeof(*t));
	struct err err = { 0 };
	int r;

	if (!t)
		return -ENOMEM;
	t->helper = h;
	r = message_read_operation(message, &t->op, &err);
	if (r < 0) {
		free(t);
		return r;
	}
	t->op.fd = TAKE_FD(*fd);
	t->op.on_progress = on_progress;
	t->op.arg = h;
	r = start_thread(t);
	if (r < 0) {
		operation_done(&t->op);
		free(t);
	}
	return r;
}

/* A message that can't be read is the client's bug, or not the client's: the end either way. */
static int serve_operations(struct helper *h)
{
	struct buf autobuf message = BUF_INIT(MSG_MAX);
	int r = 0;

	while (r >= 0) {
		int fd = -1;

		r = msg_receive(h->sock, &message, &fd, 1, NULL);
		if (r == -ECONNRESET)
			return 0;
		if (r >= 0)
			r = begin(h, &message, &fd);
		if (fd >= 0)
			close(fd);
	}
	return 1;
}

/* --- the beginning --- */

static const char *system_authorities(void)
{
	static const char *const places[] = {
		"/etc/ssl/certs/ca-certificates.crt", /* Debian, Alpine, Arch */
		"/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora */
		"/etc/ssl/ca-bundle.pem",	      /* openSUSE */
		"/etc/ssl/cert.pem",
	};
	const char *own = getenv("SSL_CERT_FILE");

	if (own && *own)
		return own;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (access(places[i], R_OK) == 0)
			return places[i];
	return NULL;
}

/* Authorities of the options are added to the system's, as podman and docker do. */
static int gather_authorities(struct helper *h, struct err *err)
{
	const char *file = system_authorities();
	int r = 0;

	/* Without Landlock the confined half opens no file at all, so curl gets the bytes, which takes it longer. */
	if (!h->options.ca && landlock_version() > 0) {
		h->session.http.ca_file = file;
		return 0;
	}
	if (file)
		r = fs_read_file(AT_FDCWD, file, CA_MAX, &h->ca, err);
	if (r < 0)
		return r;
	buf_addf(&h->ca, "\n%s\n", h->options.ca ? h->options.ca : "");
	if (h->ca.error)
		return err_set(err, E2BIG, "more than %d MB of certificate authorities", CA_MAX >> 20);
	h->session.http.ca = buf_str(&h->ca);
	return 0;
}

/* NO_PROXY as curl and Go read it: names and their subdomains, "*" is everything. */
static bool no_proxy_for(const char *host)
{
	const char *list = getenv("no_proxy");
	size_t host_len = strcspn(host, ":");

	if (!list)
		list = getenv("NO_PROXY");
	for (; list && *list; list += strspn(list, ", ")) {
		size_t len = strcspn(list, ", "), skip = list[0] == '.';

		if (len == 1 && *list == '*')
			return true;
		if (len - skip <= host_len && len > skip &&
		    strncasecmp(host + host_len - (len - skip), list + skip, len - skip) == 0 &&
		    (len - skip == host_len || host[host_len - (len - skip) - 1] == '.'))
			return true;
		list += len;
	}
	return false;
}

static const char *proxy_for(const struct message_options *o, const char *host)
{
	const char *upper = o->plain_http ? "HTTP_PROXY" : "HTTPS_PROXY";
	const char *lower = o->plain_http ? "http_proxy" : "https_proxy";
	const char *proxy = getenv(lower);

	if (!proxy || !*proxy)
		proxy = getenv(upper);
	if (!proxy || !*proxy)
		proxy = getenv("ALL_PROXY");
	return proxy && *proxy && !no_proxy_for(host) ? proxy : NULL;
}

static int prepare_session(struct helper *h, struct err *err)
{
	struct session *s = &h->session;
	const struct message_options *o = &h->options;
	const char *host = strcmp(o->host, "docker.io") == 0 ? "registry-1.docker.io" : o->host;

	snprintf(s->base, sizeof(s->base), "%s://%s", o->plain_http ? "http" : "https", host);
	s->plain_http = o->plain_http;
	s->username = o->username;
	s->password = o->password;
	s->identity_token = o->identity_token;
	s->bearer = o->bearer;
	s->chunk = o->chunk;
	s->http.skip_verify = o->skip_verify;
	s->http.client_cert = o->client_cert;
	s->http.client_key = o->client_key;
	s->http.proxy = proxy_for(o, host);
	pthread_mutex_init(&s->lock, NULL);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	return http_client_init(&s->http, err);
}

static int make_policy(const struct helper *h, struct connector_policy *ret, struct err *err)
{
	const struct http_client *c = &h->session.http;
	bool https;

	if (!c->proxy)
		return http_url_parts(h->session.base, &https, ret->host, &ret->port, err);
	snprintf(ret->host, sizeof(ret->host), "%s", c->proxy_host);
	ret->port = c->proxy_port;
	ret->only_this = true;
	return 0;
}

static int prepare(struct helper *h, struct connector_policy *policy, struct err *err)
{
	struct buf autobuf message = BUF_INIT(MSG_MAX);
	int r = msg_receive(h->sock, &message, NULL, 0, err);

	if (r >= 0)
		r = message_read_options(&message, &h->options, err);
	if (r >= 0)
		r = gather_authorities(h, err);
	if (r >= 0)
		r = prepare_session(h, err);
	if (r >= 0)
		r = make_policy(h, policy, err);
	return r;
}

/* The first operation's reply says it; the client asks for something before long. */
static int fail_all(struct helper *h, const struct err *why)
{
	struct buf autobuf message = BUF_INIT(MSG_MAX);
	int fd = -1;

	while (msg_receive(h->sock, &message, &fd, 1, NULL) >= 0) {
		struct operation op = { .fd = -1 };
		struct message_reply r = { .ended = true, .err = *why };

		if (fd >= 0)
			close(TAKE_FD(fd));
		if (message_read_operation(&message, &op, NULL) < 0)
			break;
		r.id = op.id;
		operation_done(&op);
		reply(h, &r);
	}
	return 1;
}

static int confined_half(struct helper *h)
{
	struct err err = { 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (fetch_confine(h->session.http.ca_file, &err) < 0)
		return fail_all(h, &err);
	return serve_operations(h);
}

/* The end of either ends both: the connector's socket with the confined half, and PDEATHSIG the other way round. */
static int part(struct helper *h, const struct connector_policy *policy)
{
	struct err err = { 0 };
	int pair[2], status;
	pid_t pid;

	if (msg_pair(pair, &err) < 0)
		return fail_all(h, &err);
	pid = fork();
	if (pid < 0) {
		err_errno(&err, errno, "start the confined half");
		return fail_all(h, &err);
	}
	if (pid == 0) {
		close(pair[0]);
		h->session.http.connector = pair[1];
		_exit(confined_half(h));
	}
	close(pair[1]);
	close(h->sock);
	connector_serve(pair[0], policy);
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int registry_serve(int sock)
{
	struct helper h = { .sock = sock, .ca = BUF_INIT(CA_MAX * 2) };
	struct connector_policy policy = { 0 };
	struct err err = { 0 };

	pthread_mutex_init(&h.send_lock, NULL);
	pthread_mutex_init(&h.count_lock, NULL);
	pthread_cond_init(&h.count_changed, NULL);
	if (prepare(&h, &policy, &err) < 0)
		return fail_all(&h, &err);
	return part(&h, &policy);
}
