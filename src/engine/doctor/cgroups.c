/* Control groups: which controllers this user can use, and by which way. */
#include "engine/doctor/check.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "cgroup/group.h"
#include "cgroup/systemd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A small limit of each controller that matters, to see where it would go. */
static const struct {
	const char *controller, *resources, *cost;
} probes[] = {
	{ "memory", "{\"memory\":{\"limit\":67108864}}", "--memory" },
	{ "cpu", "{\"cpu\":{\"shares\":1024}}", "--cpus, --cpu-shares" },
	{ "cpuset", "{\"cpu\":{\"cpus\":\"0\"}}", "--cpuset-cpus" },
	{ "pids", "{\"pids\":{\"limit\":100}}", "--pids-limit" },
	{ "blkio", "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":1}]}}",
	  "--device-read-bps, --blkio-weight" },
};

struct found {
	struct buf usable, missing, way;
	struct err why; /* of the first that is missing */
};

static void done(struct found *f)
{
	buf_done(&f->usable);
	buf_done(&f->missing);
	buf_done(&f->way);
}

/* Of a user's manager it is known beforehand what it hands on: its own group's list. */
static bool manager_has(const char *controller)
{
	autotrees struct cgroup_trees trees = { 0 };
	const struct cgroup_tree *tree;
	autofree char *path = NULL;
	char text[256];

	if (geteuid() == 0 || cgroup_trees_read(0, &trees, NULL) < 0 || !(tree = cgroup_trees_unified(&trees)))
		return true;
	path = str_format("%s/user.slice/user-%u.slice/user@%u.service/cgroup.controllers", tree->mount, geteuid(),
			  geteuid());
	if (!path || access(path, R_OK) < 0)
		return true;
	doctor_read(path, text, sizeof(text));
	return cgroup_list_has(text, strcmp(controller, "blkio") == 0 ? "io" : controller);
}

static void probe(size_t i, struct found *f)
{
	autoresources struct oci_resources r = { 0 };
	autosettings struct cgroup_settings settings = { 0 };
	autocgroup struct cgroup g = { 0 };
	struct cgroup_request q = { .resources = &r, .name = "cloche-doctor" };
	struct err err = { 0 };
	bool usable =
		oci_resources_parse(probes[i].resources, &r, &err) >= 0 && cgroup_choose(&q, &g, &settings, &err) >= 0;

	if (usable && g.scope && !manager_has(probes[i].controller)) {
		usable = false;
		err_set(&err, EACCES, "systemd's manager of this user doesn't hand it on");
		err_hint(
			&err,
			"as root: /etc/systemd/system/user@.service.d/delegate.conf with [Service] Delegate=cpu cpuset "
			"io memory pids; then log in anew (docs/limits.md)");
	}
	if (usable) {
		buf_addf(&f->usable, "%s%s", f->usable.len ? " " : "", probes[i].controller);
		if (!f->way.len)
			buf_add_str(&f->way, g.scope ? "a scope that systemd is asked for"
					     : cgroup_unified(&g) && settings.len && settings.items[0].version == 2
						     ? "a group that is delegated to us (version 2)"
						     : "groups of version 1 below our own");
		return;
	}
	buf_addf(&f->missing, "%s%s", f->missing.len ? ", " : "", probes[i].cost);
	if (!f->why.code)
		f->why = err;
}

int doctor_check_cgroups(struct doctor *d)
{
	CLEANUP(done)
	struct found f = { .usable = BUF_INIT(4096), .missing = BUF_INIT(4096), .way = BUF_INIT(4096) };
	autotrees struct cgroup_trees trees = { 0 };
	const struct cgroup_tree *unified;
	autofree char *found = NULL, *cost = NULL;

	if (cgroup_trees_read(0, &trees, NULL) < 0 || !trees.len)
		return doctor_add(d, "cgroups", DOCTOR_MISSING, "not mounted", NULL, "no limits can be set",
				  "mount -t cgroup2 none /sys/fs/cgroup");
	unified = cgroup_trees_unified(&trees);
	for (size_t i = 0; i < ARRAY_SIZE(probes); i++)
		probe(i, &f);
	found = str_format("%s; usable: %s",
			   !unified	    ? "version 1"
			   : trees.len == 1 ? "version 2"
					    : "versions 1 and 2 (hybrid)",
			   f.usable.len ? buf_str(&f.usable) : "none");
	if (f.missing.len)
		cost = str_format("these are refused: %s (%s)", buf_str(&f.missing), f.why.msg);
	if (!found || (f.missing.len && !cost))
		return -ENOMEM;
	return doctor_add(d, "cgroups", f.missing.len ? DOCTOR_LESS : DOCTOR_OK, found, buf_str(&f.way), cost,
			  f.why.hint);
}
