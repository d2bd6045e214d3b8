#include "cli/output_file.h"

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static int open_stdout(struct output_file *ret, struct err *err)
{
	if (isatty(STDOUT_FILENO)) {
		err_set(err, EINVAL, "an archive is not written to a terminal");
		return err_hint(err, "redirect stdout, or name a file with -o");
	}
	ret->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	return ret->fd >= 0 ? 0 : err_errno(err, errno, "stdout");
}

int output_file_open(const char *path, struct output_file *ret, struct err *err)
{
	struct output_file out = OUTPUT_FILE_INIT;
	struct stat st;

	if (!path || strcmp(path, "-") == 0)
		return open_stdout(ret, err);
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		ret->fd = open(path, O_WRONLY | O_CLOEXEC);
		return ret->fd >= 0 ? 0 : err_errno(err, errno, "open '%s'", path);
	}
	out.path = strdup(path);
	out.aside = str_format("%s.%d.tmp", path, getpid());
	if (out.path && out.aside)
		out.fd = open(out.aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (out.fd < 0) {
		int code = out.path && out.aside ? errno : ENOMEM;

		free(out.path);
		free(out.aside);
		return err_errno(err, code, "create '%s'", path);
	}
	*ret = out;
	return 0;
}

int output_file_finish(struct output_file *out, struct err *err)
{
	/* Some file systems say only now that there was no room. */
	if (close(TAKE_FD(out->fd)) < 0)
		return err_errno(err, errno, "write '%s'", out->path ? out->path : "stdout");
	if (!out->aside)
		return 0;
	if (rename(out->aside, out->path) < 0)
		return err_errno(err, errno, "rename to '%s'", out->path);
	free(TAKE_PTR(out->aside));
	return 0;
}

void output_file_done(struct output_file *out)
{
	if (out->fd >= 0)
		close(out->fd);
	if (out->aside)
		unlink(out->aside);
	free(out->aside);
	free(out->path);
	*out = OUTPUT_FILE_INIT;
}
