/*
 * What else the kernel keeps for a process: how it is scheduled, where its memory comes from, which machine it
 * believes to be on, and what a security module calls it. Two kinds: what is done from outside, by the caller, since
 * in a new user namespace even root has no right to it; and what the process does to itself.
 */
#include "base/cleanup.h"
#include "base/str.h"
#include "runtime/lists.h"
#include "runtime/nature.h"
#include "runtime/start.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ioprio.h>
#include <linux/magic.h>
#include <linux/mempolicy.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef MPOL_PREFERRED_MANY
#define MPOL_PREFERRED_MANY 5
#endif
#ifndef MPOL_F_NUMA_BALANCING
#define MPOL_F_NUMA_BALANCING (1 << 13)
#endif
enum { POLICY_WEIGHTED_INTERLEAVE = 6 /* since 6.9 */, POLICY_ISO = 4 /* reserved by the kernel, never there */ };

struct named {
	const char *name;
	unsigned value;
};

static int value_of(const struct named *table, size_t len, const char *name)
{
	for (size_t i = 0; i < len; i++)
		if (strcmp(table[i].name, name) == 0)
			return (int)table[i].value;
	return -1;
}

/* --- scheduler: sched_setattr(2) --- */

/* struct sched_attr: linux/sched/types.h can't be included beside sched.h. */
struct sched_attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

static int scheduler_of(const struct oci_scheduler *s, struct sched_attributes *ret, struct err *err)
{
	static const struct named policies[] = {
		{ "SCHED_OTHER", SCHED_NORMAL },      { "SCHED_FIFO", SCHED_FIFO }, { "SCHED_RR", SCHED_RR },
		{ "SCHED_BATCH", SCHED_BATCH },	      { "SCHED_ISO", POLICY_ISO },  { "SCHED_IDLE", SCHED_IDLE },
		{ "SCHED_DEADLINE", SCHED_DEADLINE },
	};
	static const struct named flags[] = {
		{ "SCHED_FLAG_RESET_ON_FORK", SCHED_FLAG_RESET_ON_FORK },
		{ "SCHED_FLAG_RECLAIM", SCHED_FLAG_RECLAIM },
		{ "SCHED_FLAG_DL_OVERRUN", SCHED_FLAG_DL_OVERRUN },
		{ "SCHED_FLAG_KEEP_POLICY", SCHED_FLAG_KEEP_POLICY },
		{ "SCHED_FLAG_KEEP_PARAMS", SCHED_FLAG_KEEP_PARAMS },
		{ "SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN },
		{ "SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX },
	};
	struct sched_attributes a = { .size = sizeof(a), .nice = s->nice, .priority = (unsigned)s->priority };
	int policy = value_of(policies, ARRAY_SIZE(policies), s->policy);

	if (policy < 0)
		return err_set(err, EINVAL, "process.scheduler: there is no policy '%s'", s->policy);
	if (s->priority < 0 || s->nice < -20 || s->nice > 19)
		return err_set(err, EINVAL, "process.scheduler: a priority is 0 or more, nice is -20 to 19");
	a.policy = (unsigned)policy;
	a.runtime = s->runtime;
	a.deadline = s->deadline;
	a.period = s->period;
	for (size_t i = 0; i < s->flags.len; i++) {
		int flag = value_of(flags, ARRAY_SIZE(flags), s->flags.items[i]);

		if (flag < 0)
			return err_set(err, EINVAL, "process.scheduler: there is no flag '%s'", s->flags.items[i]);
		a.flags |= (unsigned)flag;
	}
	*ret = a;
	return 0;
}

static int set_scheduler(const struct oci_scheduler *s, pid_t pid, struct err *err)
{
	struct sched_attributes a;
	int r = scheduler_of(s, &a, err);

	if (r < 0)
		return r;
	if (syscall(SYS_sched_setattr, pid, &a, 0) == 0)
		return 0;
	r = err_errno(err, errno, "set process.scheduler to %s", s->policy);
	if (r == -EPERM)
		err_hint(err,
			 "real-time policies and a nice value below 0 are root's, or of who has a limit (ulimit -e, "
			 "ulimit -r) that lets them");
	return r;
}

/* --- priority of input and output: ioprio_set(2) --- */

static int io_priority_of(const struct oci_io_priority *p, int *ret, struct err *err)
{
	static const struct named classes[] = {
		{ "IOPRIO_CLASS_RT", IOPRIO_CLASS_RT },
		{ "IOPRIO_CLASS_BE", IOPRIO_CLASS_BE },
		{ "IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE },
	};
	int class = value_of(classes, ARRAY_SIZE(classes), p->class_);

	if (class < 0)
		return err_set(err, EINVAL, "process.ioPriority: there is no class '%s'", p->class_);
	if (p->priority < 0 || p->priority > 7)
		return err_set(err, EINVAL, "process.ioPriority: a priority is 0 to 7, not %d", (int)p->priority);
	*ret = class << IOPRIO_CLASS_SHIFT | p->priority;
	return 0;
}

static int set_io_priority(const struct oci_io_priority *p, pid_t pid, struct err *err)
{
	int value = 0, r = io_priority_of(p, &value, err);

	if (r < 0)
		return r;
	if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, pid, value) == 0)
		return 0;
	r = err_errno(err, errno, "set process.ioPriority to %s", p->class_);
	if (r == -EPERM)
		err_hint(err, "the class IOPRIO_CLASS_RT is root's");
	return r;
}

bool nature_is_outside(const struct oci_spec *spec)
{
	return spec->process.has_scheduler || spec->process.has_io_priority;
}

int nature_set_outside(const struct oci_spec *spec, pid_t pid, struct err *err)
{
	const struct oci_process *p = &spec->process;
	int r = p->has_scheduler ? set_scheduler(&p->scheduler, pid, err) : 0;

	return r == 0 && p->has_io_priority ? set_io_priority(&p->io_priority, pid, err) : r;
}

/* --- memory policy: set_mempolicy(2) --- */

static int policy_of(const struct oci_memory_policy *p, int *ret, struct number_set *ret_nodes, struct err *err)
{
	static const struct named modes[] = {
		{ "MPOL_DEFAULT", MPOL_DEFAULT },
		{ "MPOL_PREFERRED", MPOL_PREFERRED },
		{ "MPOL_BIND", MPOL_BIND },
		{ "MPOL_INTERLEAVE", MPOL_INTERLEAVE },
		{ "MPOL_LOCAL", MPOL_LOCAL },
		{ "MPOL_PREFERRED_MANY", MPOL_PREFERRED_MANY },
		{ "MPOL_WEIGHTED_INTERLEAVE", POLICY_WEIGHTED_INTERLEAVE },
	};
	static const struct named flags[] = {
		{ "MPOL_F_NUMA_BALANCING", MPOL_F_NUMA_BALANCING },
		{ "MPOL_F_RELATIVE_NODES", MPOL_F_RELATIVE_NODES },
		{ "MPOL_F_STATIC_NODES", MPOL_F_STATIC_NODES },
	};
	int mode = value_of(modes, ARRAY_SIZE(modes), p->mode);

	if (mode < 0)
		return err_set(err, EINVAL, "linux.memoryPolicy: there is no mode '%s'", p->mode);
	for (size_t i = 0; i < p->flags.len; i++) {
		int flag = value_of(flags, ARRAY_SIZE(flags), p->flags.items[i]);

		if (flag < 0)
			return err_set(err, EINVAL, "linux.memoryPolicy: there is no flag '%s'", p->flags.items[i]);
		mode |= flag;
	}
	if (p->nodes && number_set_parse(p->nodes, ret_nodes) < 0)
		return err_set(err, EINVAL, "linux.memoryPolicy: '%s' is no list of nodes", p->nodes);
	*ret = mode;
	return 0;
}

static int set_memory_policy(struct start *st)
{
	struct number_set nodes = { 0 };
	int mode = 0;

	if (!st->spec->linux_.has_memory_policy)
		return 0;
	/* Understood before, in nature_check. */
	policy_of(&st->spec->linux_.memory_policy, &mode, &nodes, NULL);
	if (syscall(SYS_set_mempolicy, mode, nodes.bits, NUMBERS_MAX + 1) < 0)
		return start_fail(st, errno, "set linux.memoryPolicy", st->spec->linux_.memory_policy.mode);
	start_note(st, 0, "set the memory policy", NULL, "", "set_mempolicy(%d, …)", mode);
	return 0;
}

/* --- personality(2) --- */

static int set_personality(struct start *st)
{
	const char *domain = st->spec->linux_.personality_domain;

	if (!domain)
		return 0;
	if (personality(strcmp(domain, "LINUX32") == 0 ? PER_LINUX32 : PER_LINUX) < 0)
		return start_fail(st, errno, "set linux.personality", domain);
	start_note(st, 0, "set the personality", NULL, "", "personality(PER_%s)", domain);
	return 0;
}

/* --- security modules --- */

static bool file_begins_with(const char *path, const char *text)
{
	autobuf struct buf is = BUF_INIT(64);

	return fs_read_file(AT_FDCWD, path, is.max, &is, NULL) >= 0 && str_starts_with(buf_str(&is), text);
}

static bool has_apparmor(void)
{
	return file_begins_with("/sys/module/apparmor/parameters/enabled", "Y");
}

static bool has_selinux(void)
{
	return access("/sys/fs/selinux/enforce", F_OK) == 0;
}

bool nature_is_label(const char *label)
{
	return label && label[0] && strcmp(label, "unconfined") != 0;
}

static int check_labels(const struct oci_spec *spec, struct err *err)
{
	const struct oci_process *p = &spec->process;

	if (nature_is_label(p->apparmor_profile) && !has_apparmor()) {
		err_set(err, EOPNOTSUPP, "process.apparmorProfile '%s': this kernel has no AppArmor, or it is off",
			p->apparmor_profile);
		return err_hint(err, "leave it out of the configuration, or boot with apparmor=1 security=apparmor");
	}
	if ((nature_is_label(p->selinux_label) || nature_is_label(spec->linux_.mount_label)) && !has_selinux()) {
		err_set(err, EOPNOTSUPP, "%s: this kernel has no SELinux, or it is off",
			nature_is_label(p->selinux_label) ? "process.selinuxLabel" : "linux.mountLabel");
		return err_hint(err,
				"leave the label out of the configuration, or boot with selinux=1 security=selinux");
	}
	return 0;
}

/*
 * What the next exec changes it to. /proc is the machine's here, never one that a container or an image could have made up
 * (CVE-2019-16884, CVE-2019-19921); that it is procfs is looked at all the same.
 */
static int write_label(struct start *st, const char *file, const char *text)
{
	autoclose int fd = open(file, O_WRONLY | O_CLOEXEC);
	struct statfs what;

	if (fd < 0 || fstatfs(fd, &what) < 0)
		return -errno;
	if (what.f_type != PROC_SUPER_MAGIC)
		return start_fail(st, EXDEV, "write to a /proc that is none", file);
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static int set_labels(struct start *st)
{
	const struct oci_process *p = &st->spec->process;
	char text[START_PATH_MAX];
	int r = 0;

	if (nature_is_label(p->apparmor_profile)) {
		snprintf(text, sizeof(text), "exec %s", p->apparmor_profile);
		r = write_label(st, "/proc/thread-self/attr/apparmor/exec", text);
		/* The old place, until 5.8. */
		if (r == -ENOENT)
			r = write_label(st, "/proc/thread-self/attr/exec", text);
		if (r < 0)
			return start_fail(st, -r, "set process.apparmorProfile", p->apparmor_profile);
	}
	if (nature_is_label(p->selinux_label)) {
		r = write_label(st, "/proc/thread-self/attr/exec", p->selinux_label);
		if (r < 0)
			return start_fail(st, -r, "set process.selinuxLabel", p->selinux_label);
	}
	return 0;
}

int start_set_nature(struct start *st)
{
	int r = set_personality(st);

	if (r == 0)
		r = set_memory_policy(st);
	return r == 0 ? set_labels(st) : r;
}

/* --- processors of who enters: execCPUAffinity --- */

int start_set_affinity(struct start *st, const char *list)
{
	struct number_set cpus;

	if (!list || !*list)
		return 0;
	if (number_set_parse(list, &cpus) < 0 || syscall(SYS_sched_setaffinity, 0, sizeof(cpus.bits), cpus.bits) < 0)
		return start_fail(st, errno ? errno : EINVAL, "set process.execCPUAffinity", list);
	return 0;
}

/* --- before there is a process --- */

static int check_affinity(const char *list, struct err *err)
{
	struct number_set cpus;

	if (list && *list && number_set_parse(list, &cpus) < 0)
		return err_set(err, EINVAL, "process.execCPUAffinity: '%s' is no list of processors", list);
	return 0;
}

int nature_check(const struct oci_spec *spec, struct err *err)
{
	const struct oci_process *p = &spec->process;
	const struct oci_linux *l = &spec->linux_;
	struct sched_attributes scheduler;
	struct number_set nodes;
	int value, r = 0;

	if (p->has_scheduler)
		r = scheduler_of(&p->scheduler, &scheduler, err);
	if (r == 0 && p->has_io_priority)
		r = io_priority_of(&p->io_priority, &value, err);
	if (r == 0 && l->has_memory_policy)
		r = policy_of(&l->memory_policy, &value, &nodes, err);
	if (r == 0)
		r = check_affinity(p->exec_cpu_affinity.initial, err);
	if (r == 0)
		r = check_affinity(p->exec_cpu_affinity.final, err);
	if (r == 0 && l->personality_domain && strcmp(l->personality_domain, "LINUX") != 0 &&
	    strcmp(l->personality_domain, "LINUX32") != 0)
		return err_set(err, EINVAL, "linux.personality: there is no domain '%s', only LINUX and LINUX32",
			       l->personality_domain);
	if (r == 0 && l->personality_flags.len)
		return err_set(err, EINVAL, "linux.personality: the specification has no flag '%s'",
			       l->personality_flags.items[0]);
	return r == 0 ? check_labels(spec, err) : r;
}
