#include "engine/container/stats.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "cgroup/usage.h"
#include "engine/container/group.h"
#include "runtime/processes.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NET_DEV_MAX = 1 << 20, IO_MAX = 4096, NET_DEV_SENT = 8 };

static uint64_t machine_memory(void)
{
	return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* --- the network --- */

static uint64_t nth_number(const char *text, int n)
{
	char digits[24];
	uint64_t value = 0;

	for (int i = 0;; i++) {
		text += strspn(text, " \t");
		if (i == n || !*text)
			break;
		text += strcspn(text, " \t");
	}
	snprintf(digits, sizeof(digits), "%.*s", (int)strspn(text, "0123456789"), text);
	num_parse_u64(digits, 10, &value);
	return value;
}

/* Two lines of headings, then "  eth0: 1296 16 0 …": eight numbers of what was received, then those of what was sent. */
void container_parse_net_dev(const char *text, uint64_t *ret_received, uint64_t *ret_sent)
{
	*ret_received = *ret_sent = 0;
	while (*text) {
		size_t len = strcspn(text, "\n"), blanks = strspn(text, " ");
		autofree char *line = strndup(text, len);
		char *colon = line ? strchr(line, ':') : NULL;

		if (colon && !str_starts_with(line + blanks, "lo:")) {
			*ret_received += nth_number(colon + 1, 0);
			*ret_sent += nth_number(colon + 1, NET_DEV_SENT);
		}
		text += len + (text[len] == '\n');
	}
}

static bool has_own_network(pid_t init)
{
	char path[48];
	struct stat ours, theirs;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)init);
	return stat(path, &theirs) == 0 && stat("/proc/self/ns/net", &ours) == 0 && ours.st_ino != theirs.st_ino;
}

static void read_network(pid_t init, struct container_sample *s)
{
	autobuf struct buf text = BUF_INIT(NET_DEV_MAX);
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/net/dev", (int)init);
	s->has_network = has_own_network(init) && fs_read_file(AT_FDCWD, path, NET_DEV_MAX, &text, NULL) >= 0;
	if (s->has_network)
		container_parse_net_dev(buf_str(&text), &s->received, &s->sent);
}

/* --- from /proc --- */

static uint64_t io_field(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? nth_number(at + strlen(key), 0) : 0;
}

/* Counts what the group couldn't tell. */
static int read_processes(pid_t init, const struct cgroup_usage *known, struct container_sample *s, struct err *err)
{
	CLEANUP(container_tasks_done) struct container_tasks tasks = { 0 };
	int r = container_tasks_read(init, &tasks, err);

	if (r < 0)
		return r;
	if (!tasks.len)
		return err_set(err, ESRCH, "process %d has ended", (int)init);
	for (size_t i = 0; i < tasks.len; i++) {
		const struct container_task *t = &tasks.items[i];
		autobuf struct buf text = BUF_INIT(IO_MAX);
		char path[48];

		if (!known->has_cpu)
			s->cpu_ns += t->cpu_ms * 1000000;
		if (!known->has_memory)
			s->memory += t->memory;
		snprintf(path, sizeof(path), "/proc/%d/io", (int)t->pid);
		if (known->has_io || fs_read_file(AT_FDCWD, path, IO_MAX, &text, NULL) < 0)
			continue;
		s->read += io_field(buf_str(&text), "\nread_bytes:");
		s->written += io_field(buf_str(&text), "\nwrite_bytes:");
	}
	if (!known->has_pids)
		s->pids = tasks.len;
	return 0;
}

int container_sample_read(struct store *store, const char *id, pid_t init, struct container_sample *ret,
			  struct err *err)
{
	struct container_sample s = { .when_us = time_now_us() };
	struct cgroup_usage u = { 0 };
	autocgroup struct cgroup g = { 0 };
	int r = container_group_read(store, id, &g, err);

	if (r < 0)
		return r;
	if (r == 1)
		cgroup_usage_read(&g, &u);
	s.from_group = u.has_cpu && u.has_memory;
	s.cpu_ns = u.cpu_ns;
	s.memory = u.memory;
	s.memory_limit = u.has_memory && u.memory_limit < machine_memory() ? u.memory_limit : machine_memory();
	s.pids = u.pids;
	s.read = u.read_bytes;
	s.written = u.written_bytes;
	if (!u.has_cpu || !u.has_memory || !u.has_pids || !u.has_io)
		r = read_processes(init, &u, &s, err);
	if (r < 0)
		return r;
	read_network(init, &s);
	*ret = s;
	return 0;
}

uint64_t container_cpu_share(const struct container_sample *before, const struct container_sample *now)
{
	uint64_t us = now->when_us - before->when_us;

	/* Where processes are counted, one that ended takes its time with it. */
	if (!before->when_us || now->when_us <= before->when_us || now->cpu_ns < before->cpu_ns)
		return 0;
	return (now->cpu_ns - before->cpu_ns) * 10 / us;
}
