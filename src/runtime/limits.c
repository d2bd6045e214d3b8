/* Resource limits, and what else is a number of the process. */
#include "base/cleanup.h"
#include "runtime/start.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
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

static int write_oom_score(const char *path, const struct oci_spec *spec, char text[static 24])
{
	autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);
	int n = snprintf(text, 24, "%lld", (long long)spec->process.oom_score_adj);

	return fd < 0 || write(fd, text, (size_t)n) != n ? -errno : 0;
}

int limits_check(const struct oci_spec *spec, struct err *err)
{
	const struct oci_rlimits *limits = &spec->process.rlimits;
	unsigned seen = 0;

	for (size_t i = 0; i < limits->len; i++) {
		const struct oci_rlimit *l = &limits->items[i];
		int which = limit_from_name(l->type);

		if (which < 0)
			return err_set(err, EINVAL, "process.rlimits: there is no limit '%s'", l->type);
		if (seen & 1u << which)
			return err_set(err, EINVAL, "process.rlimits: '%s' is there twice", l->type);
		if (l->soft > l->hard)
			return err_set(err, EINVAL, "process.rlimits: '%s' is softly above what it is at most",
				       l->type);
		seen |= 1u << which;
	}
	return 0;
}

bool limits_are_outside(const struct start *st)
{
	const struct oci_process *p = &st->spec->process;

	return geteuid() == 0 && st->clone_flags & CLONE_NEWUSER && (p->rlimits.len || p->has_oom_score_adj);
}

int limits_set_outside(const struct oci_spec *spec, pid_t pid, struct err *err)
{
	const struct oci_rlimits *limits = &spec->process.rlimits;
	char path[48], text[24];
	int r;

	for (size_t i = 0; i < limits->len; i++) {
		struct rlimit value = { .rlim_cur = limits->items[i].soft, .rlim_max = limits->items[i].hard };
		int which = limit_from_name(limits->items[i].type);

		if (prlimit(pid, (__rlimit_resource_t)which, &value, NULL) < 0)
			return err_errno(err, errno, "set the limit '%s'", limits->items[i].type);
	}
	if (!spec->process.has_oom_score_adj)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)pid);
	r = write_oom_score(path, spec, text);
	return r < 0 ? err_errno(err, -r, "set oomScoreAdj to %s", text) : 0;
}

static int set_oom_score(struct start *st)
{
	char text[24];
	int r = write_oom_score("/proc/self/oom_score_adj", st->spec, text);

	return r < 0 ? start_fail(st, -r, "set oomScoreAdj", text) : 0;
}

int start_set_limits(struct start *st)
{
	const struct oci_rlimits *limits = &st->spec->process.rlimits;

	if (st->limits_outside)
		return 0;
	for (size_t i = 0; i < limits->len; i++) {
		struct rlimit value = { .rlim_cur = limits->items[i].soft, .rlim_max = limits->items[i].hard };
		int which = limit_from_name(limits->items[i].type);

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
