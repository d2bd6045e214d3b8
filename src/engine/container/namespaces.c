#include "engine/container/namespaces.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct {
	const char *name, *file, *meaning;
} kinds[NS_KINDS] = {
	[NS_USER] = { "user", "user", "user and group ids, capabilities" },
	[NS_MOUNT] = { "mount", "mnt", "the tree of files" },
	[NS_PID] = { "pid", "pid", "process numbers" },
	[NS_NETWORK] = { "network", "net", "links, addresses, routes, ports" },
	[NS_UTS] = { "uts", "uts", "host and domain name" },
	[NS_IPC] = { "ipc", "ipc", "System V objects, message queues" },
	[NS_CGROUP] = { "cgroup", "cgroup", "what looks like the top of the control groups" },
	[NS_TIME] = { "time", "time", "monotonic and boot clocks" },
};

const char *ns_name(enum ns_kind kind)
{
	return kinds[kind].name;
}

const char *ns_meaning(enum ns_kind kind)
{
	return kinds[kind].meaning;
}

/* "net:[4026531840]" */
static uint64_t parse_link(const char *text)
{
	const char *open = strchr(text, '[');
	char digits[24];
	uint64_t inode;
	size_t len;

	if (!open)
		return 0;
	len = strcspn(open + 1, "]");
	if (len >= sizeof(digits))
		return 0;
	memcpy(digits, open + 1, len);
	digits[len] = '\0';
	return num_parse_u64(digits, 10, &inode) == 0 ? inode : 0;
}

/* How many of the kinds could be read; *RET_CODE the last errno. */
static int read_links(const char *dir, struct ns_view *view, int *ret_code)
{
	int seen = 0;

	for (int kind = 0; kind < NS_KINDS; kind++) {
		char path[64], target[64];
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/%s/ns/%s", dir, kinds[kind].file);
		n = readlink(path, target, sizeof(target) - 1);
		view->inode[kind] = 0;
		if (n < 0) {
			*ret_code = errno;
			continue;
		}
		target[n] = '\0';
		view->inode[kind] = parse_link(target);
		seen++;
	}
	return seen;
}

int ns_view_read(pid_t pid, struct ns_view *ret, struct err *err)
{
	struct ns_view view = { .pid = pid ? pid : getpid() };
	char dir[16] = "self";
	int code = 0;

	if (pid)
		snprintf(dir, sizeof(dir), "%d", (int)pid);
	if (read_links(dir, &view, &code) == 0) {
		err_errno(err, code == ENOENT ? ESRCH : code, "look at the namespaces of process %d", (int)pid);
		if (code == EACCES || code == EPERM)
			return err_hint(err, "only root and the process's own user may look");
		return code == ENOENT ? -ESRCH : -code;
	}
	*ret = view;
	return 0;
}

int ns_view_host(struct ns_view *ret, struct err *err)
{
	return ns_view_read(1, ret, NULL) >= 0 ? 0 : ns_view_read(0, ret, err);
}

static void read_command(const char *dir, char dst[static 32])
{
	char path[64];
	autoclose int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%s/comm", dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, dst, 31);
	dst[n > 0 ? n : 0] = '\0';
	dst[strcspn(dst, "\n")] = '\0';
}

static int count(struct ns_groups *groups, enum ns_kind kind, uint64_t inode, pid_t pid, const char *dir)
{
	struct ns_group fresh = { .kind = kind, .inode = inode, .processes = 1, .first = pid };

	for (size_t i = 0; i < groups->len; i++) {
		struct ns_group *g = &groups->items[i];

		if (g->kind != kind || g->inode != inode)
			continue;
		g->processes++;
		if (pid < g->first) {
			g->first = pid;
			read_command(dir, g->command);
		}
		return 0;
	}
	read_command(dir, fresh.command);
	return ns_groups_push(groups, fresh);
}

static int compare_groups(const void *a, const void *b)
{
	const struct ns_group *x = a, *y = b;

	return x->kind != y->kind ? (int)x->kind - (int)y->kind : x->first - y->first;
}

static int count_process(struct ns_groups *groups, const char *dir, pid_t pid, size_t *hidden)
{
	struct ns_view view = { .pid = pid };
	int code = 0, r = 0;

	if (read_links(dir, &view, &code) == 0) {
		*hidden += code == EACCES || code == EPERM;
		return 0;
	}
	for (int kind = 0; r >= 0 && kind < NS_KINDS; kind++)
		if (view.inode[kind])
			r = count(groups, (enum ns_kind)kind, view.inode[kind], pid, dir);
	return r;
}

int ns_overview(struct ns_groups *ret, size_t *ret_hidden, struct err *err)
{
	autoclosedir DIR *proc = opendir("/proc");
	struct ns_groups groups = { 0 };
	struct dirent *d;

	if (!proc)
		return err_errno(err, errno, "read /proc");
	*ret_hidden = 0;
	while ((d = readdir(proc))) {
		uint32_t pid;

		if (num_parse_u32(d->d_name, INT32_MAX, &pid) < 0)
			continue;
		if (count_process(&groups, d->d_name, (pid_t)pid, ret_hidden) < 0) {
			free(groups.items);
			return err_oom(err);
		}
	}
	qsort(groups.items, groups.len, sizeof(groups.items[0]), compare_groups);
	*ret = groups;
	return 0;
}
