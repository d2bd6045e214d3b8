/* `events`: what a container uses, once or again and again, in the form of runc's. */
#include "cli/oci/global.h"

#include "base/timefmt.h"
#include "cgroup/usage.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>

struct events_options {
	bool stats;
	const char *interval;
};

static const struct option table[] = {
	OPTION_FLAG("stats", 0, struct events_options, stats, "once, and no more"),
	OPTION_STRING("interval", 0, struct events_options, interval, "TIME", "how often: 5s (the default), 1m", NULL),
	OPTION_END,
};

static void print_limit(const char *name, bool has, uint64_t limit)
{
	if (has && limit != UINT64_MAX)
		printf(",\"%s\":%" PRIu64, name, limit);
}

static void print_stats(const char *id, const struct cgroup *g)
{
	struct cgroup_usage u = { 0 };

	cgroup_usage_read(g, &u);
	printf("{\"type\":\"stats\",\"id\":\"%s\",\"data\":{\"cpu\":{\"usage\":{\"total\":%" PRIu64
	       ",\"kernel\":0,\"user\":0},\"throttling\":{}},\"memory\":{\"usage\":{\"usage\":%" PRIu64,
	       id, u.cpu_ns, u.memory);
	print_limit("limit", u.has_memory, u.memory_limit);
	printf("}},\"pids\":{\"current\":%" PRIu64, u.pids);
	print_limit("limit", u.has_pids, u.pids_limit);
	printf("},\"blkio\":{\"ioServiceBytesRecursive\":[{\"op\":\"Read\",\"value\":%" PRIu64
	       "},{\"op\":\"Write\",\"value\":%" PRIu64 "}]}}}\n",
	       u.read_bytes, u.written_bytes);
	fflush(stdout);
}

/* Once without WAIT, else until the container has ended. */
static void print_all(const char *id, const struct cgroup *g, int pidfd, bool wait, int interval_ms)
{
	struct pollfd end = { .fd = pidfd, .events = POLLIN };
	uint64_t killed = cgroup_oom_kills(g);

	do {
		uint64_t now = cgroup_oom_kills(g);

		if (now > killed)
			printf("{\"type\":\"oom\",\"id\":\"%s\"}\n", id);
		killed = now;
		print_stats(id, g);
	} while (wait && poll(&end, 1, interval_ms) == 0);
}

static int run_events(const void *options, const struct strv *args, struct err *err)
{
	const struct events_options *o = options;
	autolife struct life l = LIFE_INIT;
	autocgroup struct cgroup g = { 0 };
	autoclose int pidfd = -1;
	int64_t interval_ns = 5000000000;
	int root, r;

	if (o->interval && (time_parse_duration(o->interval, &interval_ns) < 0 || interval_ns < 1000000 ||
			    interval_ns > INT64_C(86400000000000)))
		return err_set(err, EINVAL, "--interval '%s': a time from 1ms to 24h", o->interval), -1;
	root = r = oci_open_root(err);
	if (r >= 0)
		r = life_open(root, args->items[0], false, &l, err);
	if (r >= 0)
		r = pidfd = life_pidfd(&l, err);
	if (r >= 0)
		r = life_group(&l, &g, err);
	if (r == 0) {
		err_set(err, ENOENT, "container '%s' has no control group, so nobody counts what it uses",
			args->items[0]);
		err_hint(err, "give its configuration a linux.cgroupsPath, or limits");
		return -1;
	}
	if (r < 0)
		return -1;
	print_all(args->items[0], &g, pidfd, !o->stats, (int)(interval_ns / 1000000));
	return 0;
}

const struct command oci_cmd_events = {
	.name = "events",
	.summary = "tell what a container uses, and that the kernel ended a process for want of memory",
	.usage = "ID",
	.complete = "container",
	.see_also = "update, ps",
	.options = table,
	.options_size = sizeof(struct events_options),
	.min_args = 1,
	.max_args = 1,
	.run = run_events,
};
