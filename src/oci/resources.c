#include "oci/resources.h"

#include "oci/fields.h"

#include <errno.h>
#include <string.h>

enum { RESOURCES_MAX = 1 << 20 };

#define END                                                                                                            \
	{                                                                                                              \
		.name = NULL                                                                                           \
	}
#define HAS(n, k, type_, member, has)                                                                                  \
	{                                                                                                              \
		.name = n, .kind = k, .offset = offsetof(type_, member), .has_offset = offsetof(type_, has) + 1        \
	}
#define ALWAYS(n, k, type_, member)                                                                                    \
	{                                                                                                              \
		.name = n, .kind = k, .offset = offsetof(type_, member), .flags = FIELD_ALWAYS                         \
	}

static const struct field memory_fields[] = {
	HAS("limit", FIELD_I64, struct oci_memory, limit, has_limit),
	HAS("reservation", FIELD_I64, struct oci_memory, reservation, has_reservation),
	HAS("swap", FIELD_I64, struct oci_memory, swap, has_swap),
	HAS("kernel", FIELD_I64, struct oci_memory, kernel, has_kernel),
	HAS("kernelTCP", FIELD_I64, struct oci_memory, kernel_tcp, has_kernel_tcp),
	HAS("swappiness", FIELD_U64, struct oci_memory, swappiness, has_swappiness),
	HAS("disableOOMKiller", FIELD_BOOL, struct oci_memory, disable_oom_killer, has_disable_oom_killer),
	FIELD("useHierarchy", FIELD_BOOL, struct oci_memory, use_hierarchy),
	FIELD("checkBeforeUpdate", FIELD_BOOL, struct oci_memory, check_before_update),
	END,
};
static const struct field_type memory_type = { sizeof(struct oci_memory), memory_fields };

static const struct field cpu_fields[] = {
	HAS("shares", FIELD_U64, struct oci_cpu, shares, has_shares),
	HAS("quota", FIELD_I64, struct oci_cpu, quota, has_quota),
	HAS("period", FIELD_U64, struct oci_cpu, period, has_period),
	HAS("burst", FIELD_U64, struct oci_cpu, burst, has_burst),
	HAS("realtimeRuntime", FIELD_I64, struct oci_cpu, rt_runtime, has_rt_runtime),
	HAS("realtimePeriod", FIELD_U64, struct oci_cpu, rt_period, has_rt_period),
	HAS("idle", FIELD_I64, struct oci_cpu, idle, has_idle),
	FIELD("cpus", FIELD_STRING, struct oci_cpu, cpus),
	FIELD("mems", FIELD_STRING, struct oci_cpu, mems),
	END,
};
static const struct field_type cpu_type = { sizeof(struct oci_cpu), cpu_fields };

/* The number and its flag stand side by side in struct oci_resources. */
struct pids {
	bool has;
	int64_t limit;
};
_Static_assert(offsetof(struct oci_resources, pids) - offsetof(struct oci_resources, has_pids) ==
		       offsetof(struct pids, limit),
	       "pids");
static const struct field pids_fields[] = {
	HAS("limit", FIELD_I64, struct pids, limit, has),
	END,
};
static const struct field_type pids_type = { sizeof(struct pids), pids_fields };

static const struct field device_fields[] = {
	ALWAYS("allow", FIELD_BOOL, struct oci_device_rule, allow),
	FIELD("type", FIELD_STRING, struct oci_device_rule, type),
	HAS("major", FIELD_I64, struct oci_device_rule, major, has_major),
	HAS("minor", FIELD_I64, struct oci_device_rule, minor, has_minor),
	FIELD("access", FIELD_STRING, struct oci_device_rule, access),
	END,
};
static const struct field_type device_type = { sizeof(struct oci_device_rule), device_fields };

static const struct field weight_device_fields[] = {
	ALWAYS("major", FIELD_I64, struct oci_weight_device, major),
	ALWAYS("minor", FIELD_I64, struct oci_weight_device, minor),
	HAS("weight", FIELD_U32, struct oci_weight_device, weight, has_weight),
	HAS("leafWeight", FIELD_U32, struct oci_weight_device, leaf_weight, has_leaf_weight),
	END,
};
static const struct field_type weight_device_type = { sizeof(struct oci_weight_device), weight_device_fields };

static const struct field throttle_fields[] = {
	ALWAYS("major", FIELD_I64, struct oci_throttle, major),
	ALWAYS("minor", FIELD_I64, struct oci_throttle, minor),
	ALWAYS("rate", FIELD_U64, struct oci_throttle, rate),
	END,
};
static const struct field_type throttle_type = { sizeof(struct oci_throttle), throttle_fields };

static const struct field block_io_fields[] = {
	HAS("weight", FIELD_U32, struct oci_block_io, weight, has_weight),
	HAS("leafWeight", FIELD_U32, struct oci_block_io, leaf_weight, has_leaf_weight),
	FIELD_SUB("weightDevice", FIELD_ARRAY, struct oci_block_io, weight_devices, &weight_device_type),
	FIELD_SUB("throttleReadBpsDevice", FIELD_ARRAY, struct oci_block_io, read_bps, &throttle_type),
	FIELD_SUB("throttleWriteBpsDevice", FIELD_ARRAY, struct oci_block_io, write_bps, &throttle_type),
	FIELD_SUB("throttleReadIOPSDevice", FIELD_ARRAY, struct oci_block_io, read_iops, &throttle_type),
	FIELD_SUB("throttleWriteIOPSDevice", FIELD_ARRAY, struct oci_block_io, write_iops, &throttle_type),
	END,
};
static const struct field_type block_io_type = { sizeof(struct oci_block_io), block_io_fields };

static const struct field hugepage_fields[] = {
	{ .name = "pageSize",
	  .kind = FIELD_STRING,
	  .offset = offsetof(struct oci_hugepage_limit, page_size),
	  .flags = FIELD_ALWAYS | FIELD_REQUIRED },
	ALWAYS("limit", FIELD_U64, struct oci_hugepage_limit, limit),
	END,
};
static const struct field_type hugepage_type = { sizeof(struct oci_hugepage_limit), hugepage_fields };

static const struct field priority_fields[] = {
	{ .name = "name",
	  .kind = FIELD_STRING,
	  .offset = offsetof(struct oci_priority, name),
	  .flags = FIELD_ALWAYS | FIELD_REQUIRED },
	ALWAYS("priority", FIELD_U32, struct oci_priority, priority),
	END,
};
static const struct field_type priority_type = { sizeof(struct oci_priority), priority_fields };

/* Together in struct oci_resources. */
struct network {
	bool has_class_id;
	uint32_t class_id;
	struct oci_priorities priorities;
};
_Static_assert(offsetof(struct oci_resources, priorities) - offsetof(struct oci_resources, has_class_id) ==
		       offsetof(struct network, priorities),
	       "network");
static const struct field network_fields[] = {
	HAS("classID", FIELD_U32, struct network, class_id, has_class_id),
	FIELD_SUB("priorities", FIELD_ARRAY, struct network, priorities, &priority_type),
	END,
};
static const struct field_type network_type = { sizeof(struct network), network_fields };

static const struct field rdma_fields[] = {
	HAS("hcaHandles", FIELD_U32, struct oci_rdma_limit, handles, has_handles),
	HAS("hcaObjects", FIELD_U32, struct oci_rdma_limit, objects, has_objects),
	END,
};
static const struct field_type rdma_type = { sizeof(struct oci_rdma_limit), rdma_fields };

static const struct field resources_fields[] = {
	FIELD_SUB("devices", FIELD_ARRAY, struct oci_resources, devices, &device_type),
	FIELD_SUB("memory", FIELD_OBJECT, struct oci_resources, memory, &memory_type),
	FIELD_SUB("cpu", FIELD_OBJECT, struct oci_resources, cpu, &cpu_type),
	FIELD_SUB("pids", FIELD_OBJECT, struct oci_resources, has_pids, &pids_type),
	FIELD_SUB("blockIO", FIELD_OBJECT, struct oci_resources, block_io, &block_io_type),
	FIELD_SUB("hugepageLimits", FIELD_ARRAY, struct oci_resources, hugepages, &hugepage_type),
	FIELD_SUB("network", FIELD_OBJECT, struct oci_resources, has_class_id, &network_type),
	FIELD_SUB("rdma", FIELD_KEYED, struct oci_resources, rdma, &rdma_type),
	FIELD("unified", FIELD_MAP, struct oci_resources, unified),
	END,
};
static const struct field_type resources_type = { sizeof(struct oci_resources), resources_fields };

void oci_resources_done(struct oci_resources *r)
{
	fields_done(&resources_type, r);
}

static int check_devices(const struct oci_device_rules *rules, struct err *err)
{
	for (size_t i = 0; i < rules->len; i++) {
		const struct oci_device_rule *d = &rules->items[i];

		if (d->type && strcmp(d->type, "a") != 0 && strcmp(d->type, "b") != 0 && strcmp(d->type, "c") != 0)
			return err_set(err, EBADMSG, "devices[%zu].type: '%s' is not a, b or c", i, d->type);
		if (d->access && (strspn(d->access, "rwm") != strlen(d->access) || strlen(d->access) > 3))
			return err_set(err, EBADMSG, "devices[%zu].access: '%s' is not of r, w and m", i, d->access);
	}
	return 0;
}

static int check_unified(const struct strv *unified, struct err *err)
{
	for (size_t i = 0; i + 1 < unified->len; i += 2) {
		const char *name = unified->items[i];

		if (strchr(name, '/') || !strchr(name, '.') || name[0] == '.' || strlen(name) > 100)
			return err_set(err, EBADMSG, "unified: '%s' is not a file of a control group", name);
	}
	return 0;
}

static int check_rdma(const struct oci_rdma_limits *limits, struct err *err)
{
	for (size_t i = 0; i < limits->len; i++) {
		const struct oci_rdma_limit *l = &limits->items[i];

		if (!l->device[0] || strpbrk(l->device, " \n") || strlen(l->device) > 60)
			return err_set(err, EBADMSG, "rdma: '%s' is not a device", l->device);
		if (!l->has_handles && !l->has_objects)
			return err_set(err, EBADMSG, "rdma '%s': neither hcaHandles nor hcaObjects is there",
				       l->device);
	}
	return 0;
}

int oci_resources_parse(const char *text, struct oci_resources *ret, struct err *err)
{
	autoresources struct oci_resources r = { 0 };
	json_t *root = NULL;
	int result;

	if (!text)
		return 0;
	if (strlen(text) > RESOURCES_MAX)
		return err_set(err, E2BIG, "linux.resources: longer than %d bytes", RESOURCES_MAX);
	result = json_parse_text(text, strlen(text), &root, err);
	if (result >= 0)
		result = fields_parse(&resources_type, root, &r, err);
	json_decref(root);
	if (result >= 0)
		result = check_devices(&r.devices, err);
	if (result >= 0)
		result = check_rdma(&r.rdma, err);
	if (result >= 0)
		result = check_unified(&r.unified, err);
	if (result < 0)
		return err_wrap(err, "linux.resources");
	*ret = r;
	r = (struct oci_resources){ 0 };
	return 0;
}

int oci_resources_write(const struct oci_resources *r, struct buf *buf, struct err *err)
{
	fields_write(&resources_type, r, buf);
	return buf->error ? err_errno(err, -buf->error, "write the limits") : 0;
}

bool oci_resources_only_devices(const struct oci_resources *r)
{
	const struct oci_memory *m = &r->memory;
	const struct oci_cpu *c = &r->cpu;
	const struct oci_block_io *b = &r->block_io;

	if (m->has_limit || m->has_reservation || m->has_swap || m->has_kernel || m->has_kernel_tcp ||
	    m->has_swappiness || m->disable_oom_killer)
		return false;
	if (c->has_shares || c->has_quota || c->has_period || c->has_burst || c->has_rt_runtime || c->has_rt_period ||
	    c->has_idle || c->cpus || c->mems)
		return false;
	if (b->has_weight || b->has_leaf_weight || b->weight_devices.len || b->read_bps.len || b->write_bps.len ||
	    b->read_iops.len || b->write_iops.len)
		return false;
	return !r->has_pids && !r->hugepages.len && !r->has_class_id && !r->priorities.len && !r->rdma.len &&
	       !r->unified.len;
}
