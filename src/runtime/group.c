/*
 * The container's control group (cgroup/group.h). It is chosen before there is a process, so that what can't be limited
 * here ends the start at once; the process waits early on until the caller has moved it there, and only then makes its
 * control group namespace, whose root is the group that it is in.
 */
#include "base/cleanup.h"
#include "base/timefmt.h"
#include "runtime/start.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Rules for devices: what a user namespace doesn't own it can't make, and only devices that were asked for are bound. So rules only add
 * to that for root, who may open what others may not, and are met as they are by everybody else.
 */
static bool obeys_device_rules(const struct start *st)
{
	return geteuid() == 0 && st->resources.devices.len > 0;
}

static bool wants_group(const struct start *st)
{
	const char *path = st->spec->linux_.cgroups_path;

	return !oci_resources_only_devices(&st->resources) || obeys_device_rules(st) || (path && *path);
}

static int add_rule(struct oci_device_rules *rules, bool allow, const char *type, int64_t major, int64_t minor)
{
	struct oci_device_rule rule = { .allow = allow,
					.has_major = major >= 0,
					.has_minor = minor >= 0,
					.type = strdup(type),
					.major = major,
					.minor = minor };

	if (!rule.type || oci_device_rules_push(rules, rule) < 0) {
		free(rule.type);
		return -ENOMEM;
	}
	return 0;
}

/*
 * In a user namespace nobody can make a device node that works. Without one, who has CAP_MKNOD could make that of the
 * machine's disk. So where the configuration has no rules, they are those that the specification implies ("Containers MAY NOT
 * access any device node that is not …"): its own devices, and the default ones.
 */
static int imply_device_rules(struct start *st, struct err *err)
{
	const struct oci_devices *devices = &st->spec->linux_.devices;
	struct oci_device_rules *rules = &st->resources.devices;
	int r = 0;

	if (oci_spec_namespace(st->spec, "user") || rules->len || geteuid() != 0 ||
	    !strv_contains(&st->spec->process.capabilities.bounding, "CAP_MKNOD"))
		return 0;
	r = add_rule(rules, false, "a", -1, -1);
	for (size_t i = 0; i < devices->len && r == 0; i++) {
		const struct oci_device *d = &devices->items[i];

		if (d->type[0] != 'p')
			r = add_rule(rules, true, d->type[0] == 'b' ? "b" : "c", d->major, d->minor);
	}
	return r < 0 ? err_oom(err) : 0;
}

int start_prepare_group(struct start *st, struct err *err)
{
	const char *path = st->spec->linux_.cgroups_path;
	char name[64];
	struct cgroup_request q = { .resources = &st->resources,
				    .path = path && *path ? path : NULL,
				    .name = st->options->group_name ? st->options->group_name : name };
	int r = oci_resources_parse(st->spec->linux_.resources, &st->resources, err);

	if (r == 0)
		r = imply_device_rules(st, err);
	if (r < 0 || !wants_group(st))
		return r;
	snprintf(name, sizeof(name), "cloche-%d-%llu", (int)getpid(), (unsigned long long)time_now_us());
	q.device_rules = obeys_device_rules(st);
	r = cgroup_choose(&q, &st->group, &st->settings, err);
	if (r < 0 && st->options->group_optional && oci_resources_only_devices(&st->resources)) {
		err_clear(err);
		return 0;
	}
	if (r < 0)
		return r;
	st->has_group = st->group.dirs.len > 0 || st->group.scope;
	if (st->has_group && st->clone_flags & CLONE_NEWCGROUP) {
		st->clone_flags &= ~(uint64_t)CLONE_NEWCGROUP;
		st->new_cgroup = true;
	}
	return 0;
}

static int tell_group(const struct cgroup *g, void *arg, struct err *err)
{
	const struct runtime_options *o = arg;
	autobuf struct buf text = BUF_INIT(CGROUP_RECORD_MAX);
	int r = cgroup_record(g, &text);

	if (r < 0)
		return err_errno(err, -r, "write down where the control group is");
	return o->on_group ? o->on_group(buf_str(&text), o->on_group_arg, err) : 0;
}

static void trace_group(const struct start *st, uint64_t start_us)
{
	const struct cgroup_dir *d = cgroup_unified(&st->group);
	char call[START_CALL_MAX];
	struct runtime_step step = { .what = "make the control group",
				     .call = call,
				     .effect = "what it may use of the machine, and what kills and freezes it whole",
				     .ns = (time_now_us() - start_us) * 1000 };

	if (!st->options->on_step)
		return;
	snprintf(call, sizeof(call), "%smkdir(\"%s\"); write(\"…/cgroup.procs\")",
		 st->group.scope ? "StartTransientUnit(); " : "",
		 d		      ? d->path
		 : st->group.dirs.len ? st->group.dirs.items[0].path
				      : "");
	st->options->on_step(&step, st->options->on_step_arg);
}

int start_make_group(struct start *st, pid_t pid, struct err *err)
{
	const struct cgroup_enter e = { .settings = &st->settings,
					.device_rules = obeys_device_rules(st) ? &st->resources : NULL,
					.pids = &pid,
					.pids_len = 1,
					.stay = true,
					.on_change = tell_group,
					.arg = (void *)(uintptr_t)st->options };
	uint64_t start_us = time_now_us();
	int r;

	if (!st->has_group)
		return 0;
	r = tell_group(&st->group, e.arg, err);
	if (r < 0)
		return r;
	st->group_made = true;
	r = cgroup_enter(&st->group, &e, err);
	if (r < 0)
		return err_wrap(err, "limit the container");
	trace_group(st, start_us);
	return 0;
}

int start_enter_group(struct start *st)
{
	int r;

	if (!st->is_attended)
		return 0;
	r = start_wait(st);
	if (r < 0)
		return start_fail(st, -r, "wait for the control group", NULL);
	if (st->new_cgroup && unshare(CLONE_NEWCGROUP) < 0)
		return start_fail(st, errno, "make a control group namespace", NULL);
	return 0;
}

void start_done_group(struct start *st)
{
	/* The process is gone by now, unless all went well. */
	if (st->group_made && !st->group_kept)
		cgroup_remove(&st->group, NULL);
	cgroup_done(&st->group);
	cgroup_settings_done(&st->settings);
	oci_resources_done(&st->resources);
}
