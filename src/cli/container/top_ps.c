#include "cli/container/top_ps.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/num.h"
#include "sys/fs.h"
#include "sys/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { OUTPUT_MAX = 64 << 20 };

static const char *find_ps(void)
{
	static const char *const places[] = { "/usr/bin/ps", "/bin/ps" };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (access(places[i], X_OK) == 0)
			return places[i];
	return NULL;
}

static int run_ps(const char *path, const struct strv *words, struct buf *out, struct err *err)
{
	CLEANUP(process_done) struct process p = PROCESS_INIT;
	autoclose int from = -1, to = -1;
	autostrv struct strv argv = { 0 };
	char *env[] = { (char *)(uintptr_t) "COLUMNS=1000", NULL };
	int pipe_fds[2], status, r;

	if (strv_add(&argv, "ps") < 0 || strv_add_all(&argv, words) < 0)
		return err_oom(err);
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_errno(err, errno, "make a pipe");
	from = pipe_fds[0];
	to = pipe_fds[1];

	const int fds[] = { -1, to, STDERR_FILENO };
	const struct spawn s = {
		.path = path, .argv = argv.items, .envp = env, .fds = fds, .fds_len = 3, .die_with_parent = true
	};

	r = spawn_start(&s, &p, err);
	close(TAKE_FD(to));
	if (r >= 0)
		r = fs_read_fd(from, out->max, out, err);
	if (r >= 0)
		r = process_wait(&p, &status, err);
	if (r >= 0 && status != 0)
		return err_set(err, EINVAL, "ps refuses these options");
	return r;
}

/* The WHICH-th word of LINE, between blanks, as a number; -1. */
static int64_t number_at(const char *line, int which)
{
	char word[16] = "";
	uint32_t value;

	for (int i = 0;; i++) {
		size_t len;

		line += strspn(line, " ");
		len = strcspn(line, " ");
		if (!len)
			return -1;
		if (i == which) {
			snprintf(word, sizeof(word), "%.*s", (int)len, line);
			return num_parse_u32(word, INT32_MAX, &value) < 0 ? -1 : (int64_t)value;
		}
		line += len;
	}
}

/* Which column of the header is called PID; -1: none. */
static int find_column(const char *header)
{
	for (int i = 0;; i++) {
		size_t len;

		header += strspn(header, " ");
		len = strcspn(header, " ");
		if (!len)
			return -1;
		if (len == 3 && memcmp(header, "PID", 3) == 0)
			return i;
		header += len;
	}
}

static bool is_ours(const struct container_tasks *tasks, int64_t pid)
{
	for (size_t i = 0; i < tasks->len; i++)
		if (tasks->items[i].pid == pid)
			return true;
	return false;
}

int top_by_ps(const struct container_tasks *tasks, const struct strv *words, struct err *err)
{
	autobuf struct buf out = BUF_INIT(OUTPUT_MAX);
	autofree char *text = NULL;
	const char *path = find_ps();
	char *rest, *line;
	int column, r;

	if (!path) {
		err_set(err, ENOENT, "there is no ps on this machine");
		return err_hint(err, "'cloche top' without options needs none");
	}
	r = run_ps(path, words, &out, err);
	if (r < 0)
		return r;
	rest = text = buf_take(&out);
	line = rest ? strsep(&rest, "\n") : NULL;
	column = line ? find_column(line) : -1;
	if (column < 0) {
		err_set(err, EINVAL, "what ps prints with these options has no column PID");
		return err_hint(err, "with -o, add pid");
	}
	puts(line);
	while ((line = strsep(&rest, "\n")))
		if (is_ours(tasks, number_at(line, column)))
			puts(line);
	return 0;
}
