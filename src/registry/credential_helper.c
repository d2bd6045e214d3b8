#include "registry/credential_helper.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "oci/json.h"
#include "sys/fs.h"
#include "sys/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HELPER_TIMEOUT_MS = 60000 };

extern char **environ;

/* The program's path, looked for as a shell does. Names come from a file of the user's, and are only names. */
static int find_program(const char *name, char **ret, struct err *err)
{
	const char *list = getenv("PATH");

	if (!*name || strchr(name, '/'))
		return err_set(err, EINVAL, "'%.100s' is no name of a credential helper", name);
	for (; list && *list; list += strspn(list, ":")) {
		size_t len = strcspn(list, ":");
		autofree char *path = str_format("%.*s/docker-credential-%s", (int)len, list, name);

		if (!path)
			return err_oom(err);
		if (access(path, X_OK) == 0) {
			*ret = TAKE_PTR(path);
			return 0;
		}
		list += len;
	}
	err_set(err, ENOENT, "the credential helper docker-credential-%s is not in $PATH", name);
	return err_hint(err, "the file with the logins names it: install it, or take it out of there");
}

/* A helper that may ask its user for a password gets a while for that. */
static int wait_ended(struct process *p, int *ret_status, struct err *err)
{
	struct pollfd f = { .fd = p->pidfd, .events = POLLIN };
	int r;

	do
		r = poll(&f, 1, HELPER_TIMEOUT_MS);
	while (r < 0 && errno == EINTR);
	if (r == 0) {
		process_done(p);
		return err_set(err, ETIMEDOUT, "it has not answered in %d seconds", HELPER_TIMEOUT_MS / 1000);
	}
	return process_wait(p, ret_status, err);
}

/* Both directions are memory files: neither side can wait for the other, however much is written. */
static int run(const char *path, const char *verb, const char *input, struct buf *out, int *ret_status, struct err *err)
{
	autoclose int in_fd = memfd_create("input", MFD_CLOEXEC), out_fd = memfd_create("output", MFD_CLOEXEC);
	int fds[] = { in_fd, out_fd, STDERR_FILENO };
	char *argv[] = { (char *)path, (char *)verb, NULL };
	struct spawn s = { .path = path, .argv = argv, .envp = environ, .fds = fds, .fds_len = ARRAY_SIZE(fds) };
	struct process p = PROCESS_INIT;
	int r;

	if (in_fd < 0 || out_fd < 0)
		return err_errno(err, errno, "make a memory file");
	r = fs_write_all(in_fd, input, strlen(input), err);
	if (r >= 0 && lseek(in_fd, 0, SEEK_SET) < 0)
		r = err_errno(err, errno, "rewind a memory file");
	if (r >= 0)
		r = spawn_start(&s, &p, err);
	if (r >= 0)
		r = wait_ended(&p, ret_status, err);
	if (r >= 0 && lseek(out_fd, 0, SEEK_SET) < 0)
		r = err_errno(err, errno, "read a memory file");
	return r < 0 ? r : fs_read_fd(out_fd, AUTH_SECRET_MAX, out, err);
}

static int ask(const char *name, const char *verb, const char *input, struct buf *out, int *ret_status, struct err *err)
{
	autofree char *path = NULL;
	int r = find_program(name, &path, err);

	if (r < 0)
		return r;
	r = run(path, verb, input, out, ret_status, err);
	return r < 0 ? err_wrap(err, "credential helper '%s'", name) : 0;
}

static int failed(const char *name, const char *verb, const struct buf *out, struct err *err)
{
	size_t len = strcspn(buf_str(out), "\r\n");

	return err_set(err, EIO, "credential helper '%s': %s: %.*s", name, verb, (int)(len > 200 ? 200 : len),
		       buf_str(out));
}

static bool not_found(const struct buf *out)
{
	return strstr(buf_str(out), "credentials not found") != NULL;
}

int credential_helper_get(const char *name, const char *server, struct auth_login *ret, struct err *err)
{
	struct buf autobuf out = BUF_INIT(AUTH_SECRET_MAX + 1);
	autojson json_t *root = NULL;
	struct json_at top;
	int status, r = ask(name, "get", server, &out, &status, err);

	if (r < 0)
		return r;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return not_found(&out) ? 0 : failed(name, "get", &out, err);
	r = json_parse(buf_str(&out), out.len, "credential helper", &root, err);
	if (r < 0)
		return r;
	top = json_top(root, "credential helper");
	r = json_check(&top, JSON_WANT_OBJECT, err);
	if (r >= 0)
		r = json_need_string(&top, "Username", &ret->username, err);
	if (r >= 0)
		r = json_need_string(&top, "Secret", &ret->password, err);
	if (r < 0)
		return r;
	/* docker's way to say that the secret is an identity token. */
	if (strcmp(ret->username, "<token>") == 0) {
		ret->identity_token = TAKE_PTR(ret->password);
		free(TAKE_PTR(ret->username));
	}
	return 1;
}

int credential_helper_store(const char *name, const char *server, const struct auth_login *login, struct err *err)
{
	struct buf autobuf in = BUF_INIT(AUTH_SECRET_MAX), out = BUF_INIT(AUTH_SECRET_MAX + 1);
	autojson json_t *j = json_object();
	int status, r;

	json_add_string(j, "ServerURL", server);
	json_add_string(j, "Username", login->identity_token ? "<token>" : login->username);
	json_add_string(j, "Secret", login->identity_token ? login->identity_token : login->password);
	r = json_write(j, &in, err);
	if (r >= 0)
		r = ask(name, "store", buf_str(&in), &out, &status, err);
	if (r < 0)
		return r;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : failed(name, "store", &out, err);
}

int credential_helper_erase(const char *name, const char *server, struct err *err)
{
	struct buf autobuf out = BUF_INIT(AUTH_SECRET_MAX + 1);
	int status, r = ask(name, "erase", server, &out, &status, err);

	if (r < 0)
		return r;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 1;
	return not_found(&out) ? 0 : failed(name, "erase", &out, err);
}
