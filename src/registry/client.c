#include "registry/registry.h"

#include "base/cleanup.h"
#include "base/vec.h"
#include "registry/message.h"
#include "sys/fs.h"
#include "sys/msg.h"
#include "sys/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HELPER_SOCK = 3, PENDING_MAX = 64 };

/* An operation that was sent: its reply, once it has come. */
struct pending {
	uint64_t id; /* 0: free */
	bool ended;
	struct operation_result result;
	struct err err;
};

struct registry {
	struct process process;
	int sock;
	uint64_t last_id;
	struct pending pending[PENDING_MAX];
	void (*on_progress)(uint64_t transfer, uint64_t bytes, void *arg);
	void *arg;
};

/* --- the helper --- */

/* All that it needs to know of our environment. */
static int helper_environment(struct strv *ret)
{
	static const char *const names[] = {
		"http_proxy", "https_proxy", "no_proxy",      "HTTP_PROXY",  "HTTPS_PROXY",
		"NO_PROXY",   "ALL_PROXY",   "SSL_CERT_FILE", "LOCALDOMAIN", "RES_OPTIONS"
	};
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(names); i++) {
		const char *value = getenv(names[i]);

		if (value)
			r = strv_addf(ret, "%s=%s", names[i], value);
	}
	return r;
}

static int start_helper(struct registry *r, int helper_sock, struct err *err)
{
	autofree char *path = NULL;
	autostrv struct strv env = { 0 };
	int fds[] = { -1, -1, STDERR_FILENO, helper_sock };
	char *argv[] = { (char *)"cloche-fetch", NULL };
	struct spawn s = { .argv = argv, .fds = fds, .fds_len = ARRAY_SIZE(fds), .die_with_parent = true };
	int e = helper_path("fetch", &path, err);

	_Static_assert(HELPER_SOCK == 3, "its place in fds");
	if (e < 0)
		return e;
	if (helper_environment(&env) < 0)
		return err_oom(err);
	s.path = path;
	s.envp = env.items;
	return spawn_start(&s, &r->process, err);
}

static int start(struct registry *r, const struct registry_options *options, struct err *err)
{
	struct buf autobuf out = BUF_INIT(MSG_MAX);
	int pair[2], e = message_write_options(options, &out, err);

	if (e < 0)
		return err_wrap(err, "the options of registry '%s'", options->host);
	e = msg_pair(pair, err);
	if (e < 0)
		return e;
	r->sock = pair[0];
	e = start_helper(r, pair[1], err);
	close(pair[1]);
	if (e < 0)
		return err_wrap(err, "fetch helper");
	return msg_send(r->sock, out.data, out.len, NULL, 0, err);
}

int registry_open(const struct registry_options *options, struct registry **ret, struct err *err)
{
	struct registry *r;
	int e;

	if (strlen(options->host) >= REGISTRY_HOST_MAX)
		return err_set(err, E2BIG, "the registry's name is longer than %d bytes", REGISTRY_HOST_MAX - 1);
	r = calloc(1, sizeof(*r));
	if (!r)
		return err_oom(err);
	r->process = PROCESS_INIT;
	r->sock = -1;
	r->on_progress = options->on_progress;
	r->arg = options->arg;
	e = start(r, options, err);
	if (e < 0) {
		registry_close(r);
		return e;
	}
	*ret = r;
	return 0;
}

void registry_close(struct registry *r)
{
	if (!r)
		return;
	if (r->sock >= 0)
		close(r->sock);
	process_done(&r->process);
	free(r);
}

static int explain_death(struct registry *r, struct err *err)
{
	int status, e = process_wait(&r->process, &status, err);

	if (e < 0)
		return e;
	if (WIFSIGNALED(status))
		return err_set(err, EPROTO, "the fetch helper was killed by signal %d (%s)", WTERMSIG(status),
			       strsignal(WTERMSIG(status)));
	return err_set(err, EPROTO, "the fetch helper ended (status %d) without an answer", WEXITSTATUS(status));
}

/* --- operations --- */

static struct pending *find_pending(struct registry *r, uint64_t id)
{
	for (size_t i = 0; i < PENDING_MAX; i++)
		if (r->pending[i].id == id)
			return &r->pending[i];
	return NULL;
}

/* Sends OP, whose strings and descriptor are borrowed, under a number of its own. */
static int send_operation(struct registry *r, struct operation *op, struct err *err)
{
	struct buf autobuf out = BUF_INIT(MSG_MAX);
	struct pending *p = find_pending(r, 0);
	int e;

	if (!p)
		return err_set(err, EBUSY, "more than %d operations at once", PENDING_MAX);
	op->id = ++r->last_id;
	e = message_write_operation(op, &out, err);
	if (e >= 0)
		e = msg_send(r->sock, out.data, out.len, &op->fd, op->fd >= 0, err);
	if (e == -EPIPE || e == -ECONNRESET)
		return explain_death(r, err);
	if (e >= 0)
		*p = (struct pending){ .id = op->id };
	return e;
}

static int take_reply(struct registry *r, const struct buf *message, struct err *err)
{
	struct message_reply reply;
	struct pending *p;

	if (message_read_reply(message, &reply, NULL) < 0 || reply.id == 0)
		return err_set(err, EPROTO, "the fetch helper sent a message that makes no sense");
	p = find_pending(r, reply.id);
	if (!p || p->ended)
		return err_set(err, EPROTO, "the fetch helper answers what it wasn't asked");
	if (!reply.ended) {
		if (r->on_progress)
			r->on_progress(reply.id, reply.bytes, r->arg);
		return 0;
	}
	p->ended = true;
	p->result = reply.result;
	p->err = reply.err;
	return 0;
}

static int wait_for(struct registry *r, uint64_t id, struct operation_result *ret, struct err *err)
{
	struct buf autobuf message = BUF_INIT(MSG_MAX);
	struct pending *p = find_pending(r, id);
	struct err failure;
	int e = 0;

	if (!p || id == 0)
		return err_set(err, EINVAL, "there is no transfer %llu", (unsigned long long)id);
	while (e >= 0 && !p->ended) {
		e = msg_receive(r->sock, &message, NULL, 0, err);
		if (e == -ECONNRESET)
			return explain_death(r, err);
		if (e >= 0)
			e = take_reply(r, &message, err);
	}
	if (e < 0)
		return e;
	failure = p->err;
	if (ret)
		*ret = p->result;
	p->id = 0;
	if (!failure.code)
		return 0;
	err_set(err, failure.code, "%s", failure.msg);
	if (failure.hint[0])
		err_hint(err, "%s", failure.hint);
	return -failure.code;
}

int registry_pump(struct registry *r, int fd, struct err *err)
{
	struct buf autobuf message = BUF_INIT(MSG_MAX);

	for (;;) {
		struct pollfd f[] = { { .fd = fd, .events = POLLIN }, { .fd = r->sock, .events = POLLIN } };
		int e = poll(f, ARRAY_SIZE(f), -1);

		if (e < 0 && errno != EINTR)
			return err_errno(err, errno, "wait for the fetch helper");
		if (e > 0 && f[0].revents)
			return 0;
		if (e <= 0 || !f[1].revents)
			continue;
		e = msg_receive(r->sock, &message, NULL, 0, err);
		if (e == -ECONNRESET)
			return explain_death(r, err);
		if (e >= 0)
			e = take_reply(r, &message, err);
		if (e < 0)
			return e;
	}
}

static int run(struct registry *r, struct operation *op, struct operation_result *ret, struct err *err)
{
	int e = send_operation(r, op, err);

	return e < 0 ? e : wait_for(r, op->id, ret, err);
}

/* Runs OP with a memory file for its bytes, which then go to BODY. */
static int run_into(struct registry *r, struct operation *op, size_t max, struct buf *body,
		    struct operation_result *ret, struct err *err)
{
	autoclose int fd = memfd_create("registry", MFD_CLOEXEC);
	int e;

	if (fd < 0)
		return err_errno(err, errno, "make a memory file");
	op->fd = fd;
	e = run(r, op, ret, err);
	op->fd = -1;
	if (e >= 0 && lseek(fd, 0, SEEK_SET) < 0)
		e = err_errno(err, errno, "read a memory file");
	return e < 0 ? e : fs_read_fd(fd, max, body, err);
}

/* --- manifests --- */

static int check_digest(const struct digest *want, const struct buf *body, const char *what, struct err *err)
{
	char text[DIGEST_STR_MAX];
	struct digest actual;

	digest_of(buf_str(body), body->len, &actual);
	if (digest_equal(&actual, want))
		return 0;
	digest_format(want, text);
	return err_set(err, EBADMSG, "%s: the registry sends something else than %s", what, text);
}

/* The digest: of a reference that is one, of the bytes, or else what the header says. */
static int take_digest(const char *ref, const struct buf *body, const struct operation_result *result,
		       struct digest *ret, struct err *err)
{
	if (strchr(ref, ':')) {
		int e = digest_parse(ref, ret, err);

		return e < 0 || !body ? e : check_digest(ret, body, "manifest", err);
	}
	if (body) {
		digest_of(buf_str(body), body->len, ret);
		return 0;
	}
	if (!result->digest[0])
		return err_set(err, EBADMSG, "the registry doesn't say which manifest '%s' is", ref);
	return digest_parse(result->digest, ret, err);
}

int registry_get_manifest(struct registry *r, const char *repo, const char *ref, struct buf *body,
			  struct registry_manifest *ret, struct err *err)
{
	struct operation op = { .kind = body ? OPERATION_GET_MANIFEST : OPERATION_HEAD_MANIFEST,
				.repo = (char *)repo,
				.ref = (char *)ref,
				.fd = -1 };
	struct operation_result result = { 0 };
	struct registry_manifest m = { 0 };
	int e = body ? run_into(r, &op, REGISTRY_DOCUMENT_MAX, body, &result, err) : run(r, &op, &result, err);

	if (e >= 0)
		e = take_digest(ref, body, &result, &m.digest, err);
	if (e < 0)
		return e;
	m.size = body ? body->len : result.size;
	snprintf(m.media_type, sizeof(m.media_type), "%s", result.media_type);
	*ret = m;
	return 0;
}

int registry_put_manifest(struct registry *r, const char *repo, const char *ref, const char *media_type,
			  const void *body, size_t len, struct digest *ret, struct err *err)
{
	autoclose int fd = memfd_create("manifest", MFD_CLOEXEC);
	char digest_text[DIGEST_STR_MAX];
	struct digest digest;
	struct operation op = { .kind = OPERATION_PUT_MANIFEST,
				.repo = (char *)repo,
				.ref = (char *)ref,
				.media_type = (char *)media_type,
				.fd = fd };
	int e;

	digest_of(body, len, &digest);
	digest_format(&digest, digest_text);
	if (!ref)
		op.ref = digest_text;
	if (fd < 0)
		return err_errno(err, errno, "make a memory file");
	e = fs_write_all(fd, body, len, err);
	if (e >= 0 && lseek(fd, 0, SEEK_SET) < 0)
		e = err_errno(err, errno, "rewind a memory file");
	if (e >= 0)
		e = run(r, &op, NULL, err);
	if (e >= 0 && ret)
		*ret = digest;
	return e;
}

int registry_delete_manifest(struct registry *r, const char *repo, const char *ref, struct err *err)
{
	struct operation op = { .kind = OPERATION_DELETE_MANIFEST, .repo = (char *)repo, .ref = (char *)ref, .fd = -1 };

	return run(r, &op, NULL, err);
}

/* --- blobs --- */

int registry_get_document(struct registry *r, const char *repo, const struct digest *digest, uint64_t size,
			  struct buf *body, struct err *err)
{
	char text[DIGEST_STR_MAX];
	struct operation op = {
		.kind = OPERATION_GET_BLOB, .repo = (char *)repo, .digest = text, .size = size, .fd = -1
	};
	int e;

	digest_format(digest, text);
	if (size > REGISTRY_DOCUMENT_MAX)
		return err_set(err, E2BIG, "%s: a document of %llu bytes", text, (unsigned long long)size);
	e = run_into(r, &op, REGISTRY_DOCUMENT_MAX, body, NULL, err);
	return e < 0 ? e : check_digest(digest, body, "configuration", err);
}

int registry_has_blob(struct registry *r, const char *repo, const struct digest *digest, struct err *err)
{
	char text[DIGEST_STR_MAX];
	struct operation op = { .kind = OPERATION_HEAD_BLOB, .repo = (char *)repo, .digest = text, .fd = -1 };
	struct operation_result result = { 0 };
	int e;

	digest_format(digest, text);
	e = run(r, &op, &result, err);
	return e < 0 ? e : result.found;
}

int registry_start_get(struct registry *r, const char *repo, const struct digest *digest, uint64_t size, int out_fd,
		       uint64_t *ret_transfer, struct err *err)
{
	char text[DIGEST_STR_MAX];
	struct operation op = {
		.kind = OPERATION_GET_BLOB, .repo = (char *)repo, .digest = text, .size = size, .fd = out_fd
	};
	int e;

	digest_format(digest, text);
	e = send_operation(r, &op, err);
	if (e >= 0)
		*ret_transfer = op.id;
	return e;
}

int registry_start_part(struct registry *r, const char *repo, const struct digest *digest, uint64_t offset,
			uint64_t size, int out_fd, uint64_t *ret_transfer, struct err *err)
{
	char text[DIGEST_STR_MAX];
	struct operation op = { .kind = OPERATION_GET_PART,
				.repo = (char *)repo,
				.digest = text,
				.offset = offset,
				.size = size,
				.fd = out_fd };
	int e;

	digest_format(digest, text);
	e = send_operation(r, &op, err);
	if (e >= 0)
		*ret_transfer = op.id;
	return e;
}

int registry_start_put(struct registry *r, const char *repo, const char *from, const struct digest *digest,
		       uint64_t size, int in_fd, uint64_t *ret_transfer, struct err *err)
{
	char text[DIGEST_STR_MAX];
	struct operation op = { .kind = OPERATION_PUT_BLOB,
				.repo = (char *)repo,
				.from = (char *)from,
				.digest = text,
				.size = size,
				.fd = in_fd };
	int e;

	digest_format(digest, text);
	e = send_operation(r, &op, err);
	if (e >= 0)
		*ret_transfer = op.id;
	return e;
}

int registry_mount_blob(struct registry *r, const char *repo, const char *from, const struct digest *digest,
			struct err *err)
{
	char text[DIGEST_STR_MAX];
	struct operation op = {
		.kind = OPERATION_MOUNT_BLOB, .repo = (char *)repo, .from = (char *)from, .digest = text, .fd = -1
	};
	struct operation_result result = { 0 };
	int e;

	digest_format(digest, text);
	e = run(r, &op, &result, err);
	return e < 0 ? e : result.found;
}

int registry_wait(struct registry *r, uint64_t transfer, struct err *err)
{
	return wait_for(r, transfer, NULL, err);
}

/* --- others --- */

int registry_list_tags(struct registry *r, const char *repo, struct buf *lines, struct err *err)
{
	struct operation op = { .kind = OPERATION_LIST_TAGS, .repo = (char *)repo, .fd = -1 };

	return run_into(r, &op, REGISTRY_LIST_MAX, lines, NULL, err);
}

int registry_search(struct registry *r, const char *term, unsigned limit, struct buf *json, struct err *err)
{
	struct operation op = { .kind = OPERATION_SEARCH, .term = (char *)term, .size = limit, .fd = -1 };

	return run_into(r, &op, REGISTRY_DOCUMENT_MAX, json, NULL, err);
}

int registry_check_login(struct registry *r, struct err *err)
{
	struct operation op = { .kind = OPERATION_CHECK_LOGIN, .fd = -1 };

	return run(r, &op, NULL, err);
}
