/* Resource limits, and what else is a number of the process. */
#include "base/cleanup.h"
#include "runtime/start.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static int limit_from_name(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} limits[] = {
		{ "RLIMIT_AS", RLIMIT_AS },
		{ "RLIMIT_CORE", RLIMIT_CORE },
		{ "RLIMIT_CPU", RLIMIT_CPU },
		{ "RLIMIT_DATA", RLIMIT_DATA },
		{ "RLIMIT_FSIZE", RLIMIT_FSIZE },
		{ "RLIMIT_LOCKS", RLIMIT_LOCKS },
		{ "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK },
		{ "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE },
		{ "RLIMIT_NICE", RLIMIT_NICE },
		{ "RLIMIT_NOFILE", RLIMIT_NOFILE },
		{ "RLIMIT_NPROC", RLIMIT_NPROC },
		{ "RLIMIT_RSS", RLIMIT_RSS },
		{ "RLIMIT_RTPRIO", RLIMIT_RTPRIO },
		{ "RLIMIT_RTTIME", RLIMIT_RTTIME },
		{ "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING },
		{ "RLIMIT_STACK", RLIMIT_STACK },
	};

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		if (strcmp(name, limits[i].name) == 0)
			return limits[i].number;
	return -1;
}

static int set_oom_score(struct start *st)
{
	autoclose int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	char text[24];
	int n = snprintf(text, sizeof(text), "%lld", (long long)st->spec->process.oom_score_adj);

	if (fd < 0 || write(fd, text, (size_t)n) != n)
		return start_fail(st, errno, "set oomScoreAdj", text);
	return 0;
}

int start_set_limits(struct start *st)
{
	const struct oci_rlimits *limits = &st->spec->process.rlimits;

	for (size_t i = 0; i < limits->len; i++) {
		struct rlimit value = { .rlim_cur = limits->items[i].soft, .rlim_max = limits->items[i].hard };
		int which = limit_from_name(limits->items[i].type);

		if (which < 0)
			return start_fail(st, EINVAL, "set the limit", limits->items[i].type);
		if (setrlimit((__rlimit_resource_t)which, &value) < 0)
			return start_fail(st, errno, "set the limit", limits->items[i].type);
		start_note(st, 0, "set the limit", limits->items[i].type, "", "setrlimit(%s, {%llu, %llu})",
			   limits->items[i].type, (unsigned long long)value.rlim_cur,
			   (unsigned long long)value.rlim_max);
	}
	if (st->spec->process.has_oom_score_adj)
		return set_oom_score(st);
	return 0;
}
