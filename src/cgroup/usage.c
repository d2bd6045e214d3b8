#include "cgroup/usage.h"

#include "base/num.h"
#include "base/str.h"
#include "cgroup/files.h"

#include <stdio.h>
#include <string.h>

enum { STAT_MAX = 1 << 20 };

/* Version 1 says "no limit" with the largest multiple of a page. */
static const uint64_t no_limit_v1 = 1ull << 62;

static uint64_t number_at(const char *text)
{
	char digits[24];
	uint64_t value = 0;

	snprintf(digits, sizeof(digits), "%.*s", (int)strspn(text, "0123456789"), text);
	num_parse_u64(digits, 10, &value);
	return value;
}

/* "8:0 rbytes=4096 wbytes=0 rios=1 …", one line for each disk. */
void cgroup_parse_io_v2(const char *text, uint64_t *ret_read, uint64_t *ret_written)
{
	*ret_read = *ret_written = 0;
	for (const char *p = text; (p = strstr(p, "rbytes=")); p++)
		if (p > text && p[-1] == ' ')
			*ret_read += number_at(p + 7);
	for (const char *p = text; (p = strstr(p, "wbytes=")); p++)
		if (p > text && p[-1] == ' ')
			*ret_written += number_at(p + 7);
}

/* "8:0 Read 4096", "8:0 Write 0", … "Total 4096". */
void cgroup_parse_io_v1(const char *text, uint64_t *ret_read, uint64_t *ret_written)
{
	*ret_read = *ret_written = 0;
	for (const char *p = text; (p = strstr(p, " Read ")); p++)
		*ret_read += number_at(p + 6);
	for (const char *p = text; (p = strstr(p, " Write ")); p++)
		*ret_written += number_at(p + 7);
}

static void read_cpu(const struct cgroup *g, struct cgroup_usage *u)
{
	const struct cgroup_dir *unified = cgroup_unified(g), *cpuacct = cgroup_with(g, "cpuacct");
	autobuf struct buf text = BUF_INIT(STAT_MAX);
	uint64_t us;

	/* The tree of version 2 counts time without a controller, too. */
	if (unified && cgroup_get(unified->path, "cpu.stat", &text) >= 0 &&
	    cgroup_key_u64(buf_str(&text), "usage_usec", &us)) {
		u->has_cpu = true;
		u->cpu_ns = us * 1000;
	} else if (cpuacct) {
		u->has_cpu = cgroup_get_u64(cpuacct->path, "cpuacct.usage", &u->cpu_ns) >= 0;
	}
}

static void read_memory(const struct cgroup *g, struct cgroup_usage *u)
{
	const struct cgroup_dir *d = cgroup_with(g, "memory");
	autobuf struct buf text = BUF_INIT(STAT_MAX);
	uint64_t cache = 0;
	bool v2;

	if (!d)
		return;
	v2 = d->version == 2;
	u->has_memory = cgroup_get_u64(d->path, v2 ? "memory.current" : "memory.usage_in_bytes", &u->memory) >= 0 &&
			cgroup_get_u64(d->path, v2 ? "memory.max" : "memory.limit_in_bytes", &u->memory_limit) >= 0;
	if (!u->has_memory)
		return;
	if (!v2 && u->memory_limit >= no_limit_v1)
		u->memory_limit = UINT64_MAX;
	if (cgroup_get(d->path, "memory.stat", &text) >= 0)
		cgroup_key_u64(buf_str(&text), v2 ? "inactive_file" : "total_inactive_file", &cache);
	u->memory -= cache < u->memory ? cache : u->memory;
}

static void read_io(const struct cgroup *g, struct cgroup_usage *u)
{
	const struct cgroup_dir *v2 = cgroup_with(g, "io"), *v1 = cgroup_with(g, "blkio");
	autobuf struct buf text = BUF_INIT(STAT_MAX);

	if (v2 && cgroup_get(v2->path, "io.stat", &text) >= 0) {
		u->has_io = true;
		cgroup_parse_io_v2(buf_str(&text), &u->read_bytes, &u->written_bytes);
	} else if (v1 && cgroup_get(v1->path, "blkio.throttle.io_service_bytes_recursive", &text) >= 0) {
		u->has_io = true;
		cgroup_parse_io_v1(buf_str(&text), &u->read_bytes, &u->written_bytes);
	}
}

void cgroup_usage_read(const struct cgroup *g, struct cgroup_usage *ret)
{
	const struct cgroup_dir *pids = cgroup_with(g, "pids");
	struct cgroup_usage u = { 0 };

	read_cpu(g, &u);
	read_memory(g, &u);
	read_io(g, &u);
	if (pids)
		u.has_pids = cgroup_get_u64(pids->path, "pids.current", &u.pids) >= 0 &&
			     cgroup_get_u64(pids->path, "pids.max", &u.pids_limit) >= 0;
	*ret = u;
}

uint64_t cgroup_oom_kills(const struct cgroup *g)
{
	const struct cgroup_dir *d = cgroup_with(g, "memory");
	autobuf struct buf text = BUF_INIT(4096);
	uint64_t count = 0;

	if (d && cgroup_get(d->path, d->version == 2 ? "memory.events" : "memory.oom_control", &text) >= 0)
		cgroup_key_u64(buf_str(&text), "oom_kill", &count);
	return count;
}
