#include "engine/build/context.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "layer/client.h"
#include "layer/ensure.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PEEK = 512 }; /* bytes that tell an archive from a Dockerfile: one header of a tar */

void build_context_done(struct build_context *c)
{
	dockerignore_done(&c->ignore);
	if (c->fd >= 0)
		close(c->fd);
	if (c->tmp.dir_fd >= 0)
		store_tmp_done(&c->tmp);
	*c = BUILD_CONTEXT_INIT;
}

bool build_looks_like_archive(const void *data, size_t len)
{
	static const struct {
		const char *magic;
		size_t len, at;
	} magics[] = {
		{ "\x1f\x8b", 2, 0 },
		{ "BZh", 3, 0 },
		{ "\xfd"
		  "7zXZ\0",
		  6, 0 },
		{ "\x28\xb5\x2f\xfd", 4, 0 },
		{ "ustar", 5, 257 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(magics); i++)
		if (len >= magics[i].at + magics[i].len &&
		    memcmp((const char *)data + magics[i].at, magics[i].magic, magics[i].len) == 0)
			return true;
	return false;
}

/* --- the folder --- */

static int open_folder(const char *path, struct build_context *ret, struct err *err)
{
	ret->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return ret->fd < 0 ? err_errno(err, errno, "context '%s'", path) : 0;
}

static int unpack(struct store *s, const struct idmap *ids, int fd, struct build_context *ret, struct err *err)
{
	struct layer_request q = { .verb = LAYER_APPLY, .ids = ids };
	int r = ret->tmp.dir_fd >= 0 ? 0 : store_tmp_open(s, &ret->tmp, err);

	if (r < 0)
		return r;
	q.apply.in.fd = fd;
	q.apply.dir_fd = ret->tmp.dir_fd;
	q.apply.name = "context";
	q.apply.flags = LAYER_PLAIN | LAYER_NO_OWNERS;
	r = layer_run(&q, NULL, err);
	if (r < 0)
		return err_wrap(err, "unpack the context");
	ret->fd = openat(ret->tmp.dir_fd, "context", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return ret->fd < 0 ? err_errno(err, errno, "open the unpacked context") : 0;
}

/* What was read from stdin and the rest of it, as a file without a name. */
static int spool(struct store *s, const char *head, size_t len, struct build_context *ret, struct err *err)
{
	autoclose int fd = -1;
	char buf[65536];
	int r = store_tmp_open(s, &ret->tmp, err);

	if (r < 0)
		return r;
	fd = openat(ret->tmp.dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, errno, "make a file for the context");
	r = fs_write_all(fd, head, len, err);
	while (r >= 0) {
		ssize_t n = read(0, buf, sizeof(buf));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "read the context from stdin");
		if (n == 0)
			break;
		r = fs_write_all(fd, buf, (size_t)n, err);
	}
	if (r < 0)
		return err_wrap(err, "keep the context");
	return lseek(fd, 0, SEEK_SET) < 0 ? err_errno(err, errno, "rewind") : TAKE_FD(fd);
}

/* As much of the first LEN bytes of stdin as there is. */
static ssize_t read_head(char *dst, size_t len, struct err *err)
{
	size_t have = 0;

	while (have < len) {
		ssize_t n = read(0, dst + have, len - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "read stdin");
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

/* Stdin is an archive, or just a Dockerfile, which goes to TEXT. */
static int open_stdin(struct store *s, const struct idmap *ids, struct build_context *ret, struct buf *text,
		      struct err *err)
{
	autobuf struct buf rest = BUF_INIT(DOCKERFILE_MAX);
	autoclose int fd = -1;
	char head[PEEK];
	ssize_t n = read_head(head, sizeof(head), err);
	int r;

	if (n < 0)
		return (int)n;
	if (build_looks_like_archive(head, (size_t)n)) {
		fd = spool(s, head, (size_t)n, ret, err);
		return fd < 0 ? fd : unpack(s, ids, fd, ret, err);
	}
	if (n == 0)
		return err_set(err, EBADMSG, "stdin is empty: neither an archive nor a Dockerfile");
	r = fs_read_fd(0, DOCKERFILE_MAX - PEEK, &rest, err);
	if (r < 0)
		return err_wrap(err, "the Dockerfile on stdin");
	buf_add(text, head, (size_t)n);
	return buf_add(text, buf_str(&rest), rest.len) < 0 ? err_oom(err) : 0;
}

static bool is_remote(const char *context)
{
	return strstr(context, "://") || str_starts_with(context, "git@") || str_starts_with(context, "github.com/");
}

static int open_context(struct store *s, const struct idmap *ids, const char *context, struct build_context *ret,
			struct buf *text, struct err *err)
{
	autoclose int fd = -1;
	struct stat st;

	if (strcmp(context, "-") == 0)
		return open_stdin(s, ids, ret, text, err);
	if (is_remote(context)) {
		err_set(err, EOPNOTSUPP, "context '%s': URLs and repositories come with a later version", context);
		return err_hint(err, "fetch it first and give the folder, or pipe an archive: curl … | cloche build -");
	}
	if (stat(context, &st) < 0)
		return err_errno(err, errno, "context '%s'", context);
	if (!S_ISREG(st.st_mode))
		return open_folder(context, ret, err);
	fd = open(context, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, errno, "context '%s'", context);
	return unpack(s, ids, fd, ret, err);
}

/* --- the two files --- */

/* The file PATH of the context: nothing outside of it is reached. */
static int read_in_context(const struct build_context *c, const char *path, size_t max, struct buf *text,
			   struct err *err)
{
	autoclose int fd = fs_open_in_root(c->fd, path, O_RDONLY, 0, err);

	return fd < 0 ? fd : fs_read_fd(fd, max, text, err);
}

static int read_default(const struct build_context *c, struct buf *text, const char **ret_name, struct err *err)
{
	int r;

	*ret_name = "Dockerfile";
	r = read_in_context(c, *ret_name, DOCKERFILE_MAX, text, err);
	if (r != -ENOENT)
		return r;
	*ret_name = "dockerfile";
	err_clear(err);
	r = read_in_context(c, *ret_name, DOCKERFILE_MAX, text, err);
	if (r != -ENOENT)
		return r;
	err_clear(err);
	err_set(err, ENOENT, "there is no Dockerfile in the context");
	return err_hint(err, "-f FILE names another file");
}

/* UNPACKED: FILE is in the archive; else where the user stands, or failing that in the context, as docker has it. */
static int read_dockerfile(const struct build_context *c, const char *file, struct buf *text, const char **ret_name,
			   struct err *err)
{
	bool unpacked = c->tmp.dir_fd >= 0;
	int r;

	if (!file)
		return read_default(c, text, ret_name, err);
	*ret_name = file;
	if (unpacked)
		return read_in_context(c, file, DOCKERFILE_MAX, text, err);
	r = fs_read_file(AT_FDCWD, file, DOCKERFILE_MAX, text, err);
	if (r != -ENOENT || file[0] == '/' || c->fd < 0)
		return r;
	err_clear(err);
	r = read_in_context(c, file, DOCKERFILE_MAX, text, err);
	if (r != -ENOENT)
		return r;
	err_clear(err);
	return err_set(err, ENOENT, "-f '%s': there is no such file here, and none in the context", file);
}

/*
 * "<Dockerfile>.dockerignore" goes before ".dockerignore". FILE is what -f said, NAME the Dockerfile's name.
 */
static int read_ignore(struct build_context *c, const char *file, const char *dockerfile, struct err *err)
{
	bool from_stdin = file && strcmp(file, "-") == 0, beside = file && !from_stdin && c->tmp.dir_fd < 0;
	autobuf struct buf text = BUF_INIT(DOCKERIGNORE_MAX);
	autofree char *own = str_format("%s.dockerignore", dockerfile);
	const char *name = own;
	int r = -ENOENT;

	if (!own)
		return err_oom(err);
	if (beside)
		r = fs_read_file(AT_FDCWD, own, DOCKERIGNORE_MAX, &text, err);
	if (r == -ENOENT && !from_stdin) {
		err_clear(err);
		r = read_in_context(c, own, DOCKERIGNORE_MAX, &text, err);
	}
	if (r == -ENOENT) {
		err_clear(err);
		name = ".dockerignore";
		r = read_in_context(c, name, DOCKERIGNORE_MAX, &text, err);
	}
	if (r == -ENOENT) {
		err_clear(err);
		return 0;
	}
	if (r < 0)
		return err_wrap(err, "%s", name);
	return dockerignore_parse(name, buf_str(&text), text.len, &c->ignore, err);
}

int build_context_open(struct store *s, const struct idmap *ids, const char *context, const char *file,
		       struct build_context *ret, struct dockerfile *df, struct err *err)
{
	autobuf struct buf text = BUF_INIT(DOCKERFILE_MAX);
	bool on_stdin = file && strcmp(file, "-") == 0;
	const char *name = "Dockerfile";
	int r;

	if (on_stdin && strcmp(context, "-") == 0)
		return err_set(err, EINVAL, "context and Dockerfile can't both come from stdin");
	r = open_context(s, ids, context, ret, &text, err);
	if (r < 0)
		return r;
	if (ret->fd < 0 && file)
		return err_set(err, EINVAL, "stdin is a Dockerfile, and -f '%s' names another", file);
	if (on_stdin)
		r = fs_read_fd(0, DOCKERFILE_MAX, &text, err);
	else if (ret->fd >= 0)
		r = read_dockerfile(ret, file, &text, &name, err);
	if (r < 0)
		return r;
	if (ret->fd >= 0)
		r = read_ignore(ret, file, name, err);
	return r < 0 ? r : dockerfile_parse(name, buf_str(&text), text.len, df, err);
}
