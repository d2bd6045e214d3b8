#include "cgroup/settings.h"

#include "base/str.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void cgroup_settings_done(struct cgroup_settings *s)
{
	for (size_t i = 0; i < s->len; i++) {
		free(s->items[i].value);
		free(s->items[i].other_value);
	}
	free(s->items);
	*s = (struct cgroup_settings){ 0 };
}

/*
 * The curve through (2, 1), (1024, 100) and (262144, 10000), quadratic in logarithms, that crun 1.23 and runc 1.3.2 have
 * as well. The straight line of older ones gave the usual 1024 shares a weight of 39, less than a neighbour that asked for nothing.
 */
uint64_t cgroup_weight_of_shares(uint64_t shares)
{
	double l;

	if (shares == 0)
		return 0;
	if (shares <= 2)
		return 1;
	if (shares >= 262144)
		return 10000;
	l = log2((double)shares);
	return (uint64_t)ceil(pow(10, (l * l + 125 * l) / 612.0 - 7.0 / 34.0));
}

uint64_t cgroup_io_weight(uint64_t weight)
{
	if (weight == 0)
		return 0;
	if (weight < 10)
		weight = 10;
	if (weight > 1000)
		weight = 1000;
	return 1 + (weight - 10) * 9999 / 990;
}

/* --- one setting --- */

struct plan {
	const struct oci_resources *resources;
	const struct cgroup_trees *trees;
	struct cgroup_settings *settings;
	struct err *err;
};

/* Which version has CONTROLLER: 1, 2, or an error that names it. */
static int version_of(const struct plan *p, const char *controller)
{
	const struct cgroup_tree *tree = cgroup_trees_with(p->trees, controller);

	if (tree)
		return tree->version;
	err_set(p->err, EOPNOTSUPP, "the control group controller '%s' is not there", controller);
	return err_hint(p->err,
			p->trees->len ? "the kernel has none of that name, or it isn't mounted; 'cloche doctor' lists "
					"what is there"
				      : "no control groups are mounted: mount -t cgroup2 none /sys/fs/cgroup");
}

static int lacking(const struct plan *p, const char *what)
{
	err_set(p->err, EOPNOTSUPP, "%s: control groups of version 2 can't do that", what);
	return err_hint(p->err, "only a machine with version 1 can; leave it out");
}

static struct cgroup_setting *add(struct plan *p, int version, const char *controller, const char *file,
				  const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* NULL: no memory. What it returns lives until the next one is added. */
static struct cgroup_setting *add(struct plan *p, int version, const char *controller, const char *file,
				  const char *fmt, ...)
{
	struct cgroup_setting s = { .version = version };
	va_list ap;
	int n;

	snprintf(s.controller, sizeof(s.controller), "%s", controller);
	snprintf(s.file, sizeof(s.file), "%s", file);
	va_start(ap, fmt);
	n = vasprintf(&s.value, fmt, ap);
	va_end(ap);
	if (n < 0 || cgroup_settings_push(p->settings, s) < 0) {
		if (n >= 0)
			free(s.value);
		err_oom(p->err);
		return NULL;
	}
	return &p->settings->items[p->settings->len - 1];
}

/* A number of which -1 means "without limit". */
static struct cgroup_setting *add_limit(struct plan *p, int version, const char *controller, const char *file,
					int64_t value)
{
	if (value < 0)
		return add(p, version, controller, file, version == 2 ? "max" : "-1");
	return add(p, version, controller, file, "%" PRId64, value);
}

/* --- memory --- */

static int plan_memory_v1(struct plan *p)
{
	const struct oci_memory *m = &p->resources->memory;
	struct cgroup_setting *s;

	if (m->has_limit) {
		s = add_limit(p, 1, "memory", "memory.limit_in_bytes", m->limit);
		if (!s)
			return -ENOMEM;
		s->swaps_with_next = m->has_swap;
	}
	if (m->has_swap) {
		s = add_limit(p, 1, "memory", "memory.memsw.limit_in_bytes", m->swap);
		if (!s)
			return -ENOMEM;
		s->limits_swap = true;
	}
	if (m->has_reservation && !add_limit(p, 1, "memory", "memory.soft_limit_in_bytes", m->reservation))
		return -ENOMEM;
	if (m->has_kernel && !add_limit(p, 1, "memory", "memory.kmem.limit_in_bytes", m->kernel))
		return -ENOMEM;
	if (m->has_kernel_tcp && !add_limit(p, 1, "memory", "memory.kmem.tcp.limit_in_bytes", m->kernel_tcp))
		return -ENOMEM;
	if (m->has_swappiness && !add(p, 1, "memory", "memory.swappiness", "%" PRIu64, m->swappiness))
		return -ENOMEM;
	if (m->has_disable_oom_killer && !add(p, 1, "memory", "memory.oom_control", "%d", m->disable_oom_killer))
		return -ENOMEM;
	return 0;
}

/* memory.swap.max counts swap alone, where memory.memsw counts both. */
static int plan_swap_v2(struct plan *p)
{
	const struct oci_memory *m = &p->resources->memory;
	struct cgroup_setting *s;

	if (m->swap >= 0 && (!m->has_limit || m->limit < 0))
		return err_set(p->err, EINVAL, "memory and swap are limited to %" PRId64 " bytes, but memory is not",
			       m->swap);
	if (m->swap >= 0 && m->swap < m->limit)
		return err_set(p->err, EINVAL,
			       "memory and swap together (%" PRId64 ") are less than memory (%" PRId64 ")", m->swap,
			       m->limit);
	s = add_limit(p, 2, "memory", "memory.swap.max", m->swap < 0 ? -1 : m->swap - m->limit);
	if (!s)
		return -ENOMEM;
	s->limits_swap = true;
	return 0;
}

static int plan_memory_v2(struct plan *p)
{
	const struct oci_memory *m = &p->resources->memory;

	if (m->has_kernel && m->kernel >= 0)
		return lacking(p, "memory.kernel");
	if (m->has_kernel_tcp && m->kernel_tcp >= 0)
		return lacking(p, "memory.kernelTCP");
	if (m->has_swappiness)
		return lacking(p, "memory.swappiness");
	if (m->disable_oom_killer)
		return lacking(p, "memory.disableOOMKiller");
	if (m->has_limit && !add_limit(p, 2, "memory", "memory.max", m->limit))
		return -ENOMEM;
	if (m->has_reservation && !add_limit(p, 2, "memory", "memory.low", m->reservation))
		return -ENOMEM;
	return m->has_swap ? plan_swap_v2(p) : 0;
}

static int plan_memory(struct plan *p)
{
	const struct oci_memory *m = &p->resources->memory;
	int version;

	if (!m->has_limit && !m->has_reservation && !m->has_swap && !m->has_kernel && !m->has_kernel_tcp &&
	    !m->has_swappiness && !m->has_disable_oom_killer)
		return 0;
	version = version_of(p, "memory");
	if (version < 0)
		return version;
	return version == 1 ? plan_memory_v1(p) : plan_memory_v2(p);
}

/* --- processors --- */

static int plan_cpu_v1(struct plan *p)
{
	const struct oci_cpu *c = &p->resources->cpu;

	if (c->has_shares && !add(p, 1, "cpu", "cpu.shares", "%" PRIu64, c->shares))
		return -ENOMEM;
	if (c->has_rt_period && !add(p, 1, "cpu", "cpu.rt_period_us", "%" PRIu64, c->rt_period))
		return -ENOMEM;
	if (c->has_rt_runtime && !add(p, 1, "cpu", "cpu.rt_runtime_us", "%" PRId64, c->rt_runtime))
		return -ENOMEM;
	if (c->has_period && !add(p, 1, "cpu", "cpu.cfs_period_us", "%" PRIu64, c->period))
		return -ENOMEM;
	if (c->has_quota && !add(p, 1, "cpu", "cpu.cfs_quota_us", "%" PRId64, c->quota > 0 ? c->quota : -1))
		return -ENOMEM;
	if (c->has_burst && !add(p, 1, "cpu", "cpu.cfs_burst_us", "%" PRIu64, c->burst))
		return -ENOMEM;
	if (c->has_idle && !add(p, 1, "cpu", "cpu.idle", "%" PRId64, c->idle))
		return -ENOMEM;
	return 0;
}

static int plan_cpu_v2(struct plan *p)
{
	const struct oci_cpu *c = &p->resources->cpu;
	uint64_t period = c->has_period && c->period ? c->period : 100000;

	if ((c->has_rt_period && c->rt_period) || (c->has_rt_runtime && c->rt_runtime))
		return lacking(p, "cpu.realtimeRuntime");
	if (c->has_shares && c->shares &&
	    !add(p, 2, "cpu", "cpu.weight", "%" PRIu64, cgroup_weight_of_shares(c->shares)))
		return -ENOMEM;
	if ((c->has_quota || c->has_period) && c->has_quota && c->quota > 0 &&
	    !add(p, 2, "cpu", "cpu.max", "%" PRId64 " %" PRIu64, c->quota, period))
		return -ENOMEM;
	if ((c->has_quota || c->has_period) && !(c->has_quota && c->quota > 0) &&
	    !add(p, 2, "cpu", "cpu.max", "max %" PRIu64, period))
		return -ENOMEM;
	if (c->has_burst && !add(p, 2, "cpu", "cpu.max.burst", "%" PRIu64, c->burst))
		return -ENOMEM;
	if (c->has_idle && !add(p, 2, "cpu", "cpu.idle", "%" PRId64, c->idle))
		return -ENOMEM;
	return 0;
}

static int plan_cpu(struct plan *p)
{
	const struct oci_cpu *c = &p->resources->cpu;
	int version;

	if (!c->has_shares && !c->has_quota && !c->has_period && !c->has_burst && !c->has_rt_runtime &&
	    !c->has_rt_period && !c->has_idle)
		return 0;
	version = version_of(p, "cpu");
	if (version < 0)
		return version;
	return version == 1 ? plan_cpu_v1(p) : plan_cpu_v2(p);
}

static int plan_cpuset(struct plan *p)
{
	const struct oci_cpu *c = &p->resources->cpu;
	int version;

	if (!c->cpus && !c->mems)
		return 0;
	version = version_of(p, "cpuset");
	if (version < 0)
		return version;
	if (c->cpus && !add(p, version, "cpuset", "cpuset.cpus", "%s", c->cpus))
		return -ENOMEM;
	return !c->mems || add(p, version, "cpuset", "cpuset.mems", "%s", c->mems) ? 0 : -ENOMEM;
}

static int plan_pids(struct plan *p)
{
	int version;

	if (!p->resources->has_pids)
		return 0;
	version = version_of(p, "pids");
	if (version < 0)
		return version;
	if (p->resources->pids > 0)
		return add(p, version, "pids", "pids.max", "%" PRId64, p->resources->pids) ? 0 : -ENOMEM;
	return add(p, version, "pids", "pids.max", "max") ? 0 : -ENOMEM;
}

/* --- disks --- */

/* BFQ's weights have the range of version 1; io.weight has its own. */
static int add_weight(struct plan *p, int version, const char *device, uint32_t weight)
{
	struct cgroup_setting *s;

	if (version == 1) {
		s = add(p, 1, "blkio", *device ? "blkio.weight_device" : "blkio.weight", "%s%" PRIu32, device, weight);
		if (s)
			s->other_file = *device ? "blkio.bfq.weight_device" : "blkio.bfq.weight";
		return s ? 0 : -ENOMEM;
	}
	s = add(p, 2, "io", "io.bfq.weight", "%s%" PRIu32, device, weight);
	if (!s)
		return -ENOMEM;
	s->other_file = "io.weight";
	s->other_value = str_format("%s%" PRIu64, *device ? device : "default ", cgroup_io_weight(weight));
	return s->other_value ? 0 : err_oom(p->err);
}

static int plan_weight_devices(struct plan *p, int version)
{
	const struct oci_weight_devices *devices = &p->resources->block_io.weight_devices;
	int r = 0;

	for (size_t i = 0; r == 0 && i < devices->len; i++) {
		const struct oci_weight_device *d = &devices->items[i];
		char device[48];

		snprintf(device, sizeof(device), "%" PRId64 ":%" PRId64 " ", d->major, d->minor);
		if (d->has_leaf_weight && version == 2)
			return lacking(p, "blockIO.weightDevice.leafWeight");
		if (d->has_leaf_weight &&
		    !add(p, 1, "blkio", "blkio.leaf_weight_device", "%s%" PRIu32, device, d->leaf_weight))
			return -ENOMEM;
		if (d->has_weight)
			r = add_weight(p, version, device, d->weight);
	}
	return r;
}

static int plan_throttles(struct plan *p, int version)
{
	const struct oci_block_io *b = &p->resources->block_io;
	const struct {
		const struct oci_throttles *list;
		const char *file, *key;
	} kinds[] = {
		{ &b->read_bps, "blkio.throttle.read_bps_device", "rbps" },
		{ &b->write_bps, "blkio.throttle.write_bps_device", "wbps" },
		{ &b->read_iops, "blkio.throttle.read_iops_device", "riops" },
		{ &b->write_iops, "blkio.throttle.write_iops_device", "wiops" },
	};

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		for (size_t i = 0; i < kinds[k].list->len; i++) {
			const struct oci_throttle *t = &kinds[k].list->items[i];
			struct cgroup_setting *s;

			if (version == 1)
				s = add(p, 1, "blkio", kinds[k].file, "%" PRId64 ":%" PRId64 " %" PRIu64, t->major,
					t->minor, t->rate);
			else if (t->rate)
				s = add(p, 2, "io", "io.max", "%" PRId64 ":%" PRId64 " %s=%" PRIu64, t->major, t->minor,
					kinds[k].key, t->rate);
			else
				s = add(p, 2, "io", "io.max", "%" PRId64 ":%" PRId64 " %s=max", t->major, t->minor,
					kinds[k].key);
			if (!s)
				return -ENOMEM;
		}
	}
	return 0;
}

static int plan_block_io(struct plan *p)
{
	const struct oci_block_io *b = &p->resources->block_io;
	int version, r = 0;

	if (!b->has_weight && !b->has_leaf_weight && !b->weight_devices.len && !b->read_bps.len && !b->write_bps.len &&
	    !b->read_iops.len && !b->write_iops.len)
		return 0;
	version = version_of(p, "blkio");
	if (version < 0)
		return version;
	if (b->has_leaf_weight && version == 2)
		return lacking(p, "blockIO.leafWeight");
	if (b->has_leaf_weight && !add(p, 1, "blkio", "blkio.leaf_weight", "%" PRIu32, b->leaf_weight))
		return -ENOMEM;
	if (b->has_weight && b->weight)
		r = add_weight(p, version, "", b->weight);
	if (r == 0)
		r = plan_weight_devices(p, version);
	return r == 0 ? plan_throttles(p, version) : r;
}

/* --- the rest --- */

static int plan_hugepages(struct plan *p)
{
	const struct oci_hugepage_limits *limits = &p->resources->hugepages;
	int version = limits->len ? version_of(p, "hugetlb") : 0;

	for (size_t i = 0; version > 0 && i < limits->len; i++) {
		const char *size = limits->items[i].page_size;
		char file[64];

		if (strspn(size, "0123456789KMGTB") != strlen(size) || strlen(size) > 16)
			return err_set(p->err, EINVAL, "hugepageLimits: '%s' is not a size of pages", size);
		snprintf(file, sizeof(file), version == 2 ? "hugetlb.%s.max" : "hugetlb.%s.limit_in_bytes", size);
		if (!add(p, version, "hugetlb", file, "%" PRIu64, limits->items[i].limit))
			return -ENOMEM;
	}
	return version < 0 ? version : 0;
}

static int plan_network(struct plan *p)
{
	const struct oci_resources *r = p->resources;
	int version;

	if (r->has_class_id) {
		version = version_of(p, "net_cls");
		if (version < 0)
			return version;
		if (!add(p, version, "net_cls", "net_cls.classid", "%" PRIu32, r->class_id))
			return -ENOMEM;
	}
	for (size_t i = 0; i < r->priorities.len; i++) {
		version = version_of(p, "net_prio");
		if (version < 0)
			return version;
		if (!add(p, version, "net_prio", "net_prio.ifpriomap", "%s %" PRIu32, r->priorities.items[i].name,
			 r->priorities.items[i].priority))
			return -ENOMEM;
	}
	return 0;
}

/* The file is the same in both versions. */
static int plan_rdma(struct plan *p)
{
	const struct oci_rdma_limits *limits = &p->resources->rdma;
	int version = limits->len ? version_of(p, "rdma") : 0;

	for (size_t i = 0; version > 0 && i < limits->len; i++) {
		const struct oci_rdma_limit *l = &limits->items[i];
		char handles[32] = "", objects[32] = "";

		if (l->has_handles)
			snprintf(handles, sizeof(handles), " hca_handle=%" PRIu32, l->handles);
		if (l->has_objects)
			snprintf(objects, sizeof(objects), " hca_object=%" PRIu32, l->objects);
		if (!add(p, version, "rdma", "rdma.max", "%s%s%s", l->device, handles, objects))
			return -ENOMEM;
	}
	return version < 0 ? version : 0;
}

/* Files of version 2, as they stand there: so that tree has to have their controller. */
static int plan_unified(struct plan *p)
{
	const struct strv *u = &p->resources->unified;
	const struct cgroup_tree *tree = cgroup_trees_unified(p->trees);

	for (size_t i = 0; i + 1 < u->len; i += 2) {
		char controller[32];

		snprintf(controller, sizeof(controller), "%.*s", (int)strcspn(u->items[i], "."), u->items[i]);
		if (!tree || (strcmp(controller, "cgroup") != 0 && !cgroup_list_has(tree->controllers, controller))) {
			err_set(p->err, EOPNOTSUPP, "unified '%s': no tree of version 2 has the controller '%s'",
				u->items[i], controller);
			return err_hint(p->err, "boot with systemd.unified_cgroup_hierarchy=1, or cgroup_no_v1=all");
		}
		if (!add(p, 2, controller, u->items[i], "%s", u->items[i + 1]))
			return -ENOMEM;
	}
	return 0;
}

int cgroup_plan(const struct oci_resources *r, const struct cgroup_trees *trees, struct cgroup_settings *ret,
		struct err *err)
{
	static int (*const parts[])(struct plan * p) = { plan_cpuset,  plan_cpu,      plan_memory,
							 plan_pids,    plan_block_io, plan_hugepages,
							 plan_network, plan_rdma,     plan_unified };
	struct plan p = { r, trees, ret, err };

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		int result = parts[i](&p);

		if (result < 0)
			return result;
	}
	return 0;
}
