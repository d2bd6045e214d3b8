#include "runtime/processes.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"
#include "sys/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TASK_FILE_MAX = 128 * 1024, TASKS_MAX = 1 << 20 };

void container_tasks_done(struct container_tasks *t)
{
	for (size_t i = 0; i < t->len; i++)
		free(t->items[i].command);
	free(t->items);
	*t = (struct container_tasks){ 0 };
}

static int read_proc(pid_t pid, const char *name, struct buf *text)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	buf_reset(text);
	return fs_read_file(AT_FDCWD, path, TASK_FILE_MAX, text, NULL);
}

/* Field N of /proc/PID/stat counted from the state, which is 0, behind the name that may have blanks and brackets. */
static uint64_t stat_field(const char *behind_name, int n)
{
	const char *p = behind_name;
	char digits[24];
	uint64_t value = 0;

	for (int i = 0; i < n && p; i++) {
		p = strchr(p, ' ');
		p = p ? p + 1 : NULL;
	}
	if (!p)
		return 0;
	snprintf(digits, sizeof(digits), "%.*s", (int)strcspn(p, " \n"), p);
	num_parse_u64(digits, 10, &value);
	return value;
}

static int parse_stat(struct container_task *t, const char *text, char **ret_name)
{
	const char *open = strchr(text, '('), *close = strrchr(text, ')');

	if (!open || !close || close < open || !close[1])
		return -EBADMSG;
	t->state = close[2];
	t->parent = (pid_t)stat_field(close + 2, 1);
	t->cpu_ms = (stat_field(close + 2, 11) + stat_field(close + 2, 12)) * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
	t->started = stat_field(close + 2, 19);
	t->memory = stat_field(close + 2, 21) * (uint64_t)sysconf(_SC_PAGESIZE);
	*ret_name = strndup(open + 1, (size_t)(close - open - 1));
	return *ret_name ? 0 : -ENOMEM;
}

/* The last number of the line "NSpid:\t12\t1": the pid in the innermost namespace. */
static pid_t parse_inside(const char *status)
{
	const char *line = strstr(status, "\nNSpid:");
	char digits[16] = "";
	size_t len, start;
	uint32_t pid = 0;

	if (!line)
		return 0;
	line++;
	len = strcspn(line, "\n");
	for (start = len; start > 0 && line[start - 1] >= '0' && line[start - 1] <= '9';)
		start--;
	snprintf(digits, sizeof(digits), "%.*s", (int)(len - start), line + start);
	num_parse_u32(digits, INT32_MAX, &pid);
	return (pid_t)pid;
}

/* Arguments end with NUL. Both they and the name are the program's to choose: no control character reaches a terminal. */
static char *make_command(struct buf *cmdline, const char *name)
{
	char *text;

	for (size_t i = 0; i + 1 < cmdline->len; i++)
		if (!cmdline->data[i])
			cmdline->data[i] = ' ';
	text = cmdline->len ? strdup(buf_str(cmdline)) : str_format("[%s]", name);
	for (char *p = text; p && *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	return text;
}

/* 0, -ENOMEM, or another negative errno if the process is gone. */
static int read_task(pid_t pid, struct container_task *ret)
{
	autobuf struct buf text = BUF_INIT(TASK_FILE_MAX);
	struct container_task t = { .pid = pid };
	autofree char *name = NULL;
	int r = read_proc(pid, "stat", &text);

	if (r >= 0)
		r = parse_stat(&t, buf_str(&text), &name);
	if (r >= 0)
		r = read_proc(pid, "status", &text);
	if (r < 0)
		return r;
	t.inside = parse_inside(buf_str(&text));
	if (read_proc(pid, "cmdline", &text) < 0)
		buf_reset(&text);
	t.command = make_command(&text, name);
	if (!t.command)
		return -ENOMEM;
	*ret = t;
	return 0;
}

static int read_all(struct container_tasks *all, struct err *err)
{
	autoclosedir DIR *proc = opendir("/proc");
	struct dirent *d;

	if (!proc)
		return err_errno(err, errno, "read /proc");
	while ((d = readdir(proc)) && all->len < TASKS_MAX) {
		struct container_task t;
		uint32_t pid;
		int r;

		if (num_parse_u32(d->d_name, INT32_MAX, &pid) < 0)
			continue;
		r = read_task((pid_t)pid, &t);
		if (r == -ENOMEM || (r >= 0 && container_tasks_push(all, t) < 0))
			return err_oom(err);
	}
	return 0;
}

/* Moves the task AT of ALL behind those that are taken, then its children, one below the other. */
static int take_tree(struct container_tasks *all, pid_t pid, int depth, struct container_tasks *ret)
{
	for (size_t i = 0; i < all->len; i++) {
		struct container_task t = all->items[i];

		if (t.pid != pid || !t.command)
			continue;
		t.depth = depth;
		if (container_tasks_push(ret, t) < 0)
			return -ENOMEM;
		all->items[i].command = NULL;
	}
	for (size_t i = 0; i < all->len; i++) {
		if (all->items[i].parent != pid || !all->items[i].command)
			continue;
		if (take_tree(all, all->items[i].pid, depth + 1, ret) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Those whom somebody outside has started in INIT's pid namespace, as `exec` does; in the machine's own nobody can be told apart. */
static int take_guests(struct container_tasks *all, pid_t init, struct container_tasks *ret)
{
	char path[32];
	struct stat ours, theirs;

	snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)init);
	if (stat("/proc/self/ns/pid", &ours) < 0 || stat(path, &theirs) < 0 || ours.st_ino == theirs.st_ino)
		return 0;
	for (size_t i = 0; i < all->len; i++) {
		struct stat st;

		if (!all->items[i].command)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)all->items[i].pid);
		if (stat(path, &st) < 0 || st.st_ino != theirs.st_ino || st.st_dev != theirs.st_dev)
			continue;
		if (take_tree(all, all->items[i].pid, 0, ret) < 0)
			return -ENOMEM;
	}
	return 0;
}

int container_tasks_read(pid_t init, struct container_tasks *ret, struct err *err)
{
	CLEANUP(container_tasks_done) struct container_tasks all = { 0 };
	struct container_tasks tree = { 0 };
	int r = read_all(&all, err);

	if (r < 0)
		return r;
	if (take_tree(&all, init, 0, &tree) < 0 || take_guests(&all, init, &tree) < 0) {
		container_tasks_done(&tree);
		return err_oom(err);
	}
	*ret = tree;
	return 0;
}

int container_tasks_read_of(int pidfd, pid_t init, struct container_tasks *ret, struct err *err)
{
	CLEANUP(container_tasks_done) struct container_tasks tasks = { 0 };
	struct pollfd end = { .fd = pidfd, .events = POLLIN };
	int r = container_tasks_read(init, &tasks, err);

	if (r < 0)
		return r;
	if (poll(&end, 1, 0) != 0)
		return err_set(err, ESRCH, "the container has just ended");
	*ret = tasks;
	tasks = (struct container_tasks){ 0 };
	return 0;
}

int container_task_open(const struct container_task *t)
{
	autobuf struct buf text = BUF_INIT(TASK_FILE_MAX);
	autoclose int fd = (int)syscall(SYS_pidfd_open, t->pid, 0);
	struct container_task now = { 0 };
	autofree char *name = NULL;

	if (fd < 0)
		return -errno;
	/* Of whom the descriptor is, the time tells: if the number has a third owner by now, ours has ended. */
	if (read_proc(t->pid, "stat", &text) < 0 || parse_stat(&now, buf_str(&text), &name) < 0 ||
	    now.started != t->started)
		return -ESRCH;
	return TAKE_FD(fd);
}
