#include "engine/container/inspect_limits.h"

#include "base/str.h"
#include "oci/json.h"
#include "oci/resources.h"

#include <string.h>

static void add_memory(json_t *o, const struct oci_memory *m)
{
	json_add_int(o, "Memory", m->has_limit ? m->limit : 0);
	json_add_int(o, "MemorySwap", m->has_swap ? m->swap : 0);
	json_add_int(o, "MemoryReservation", m->has_reservation ? m->reservation : 0);
	json_object_set_new(o, "MemorySwappiness",
			    m->has_swappiness ? json_integer((json_int_t)m->swappiness) : json_null());
	json_add_bool(o, "OomKillDisable", m->disable_oom_killer);
}

/* --cpus is a period of 0.1 s and a quota; docker shows the one form or the other. */
static void add_cpu(json_t *o, const struct oci_cpu *c)
{
	bool nano = c->has_period && c->has_quota && c->period == 100000 && c->quota > 0;

	json_add_int(o, "NanoCpus", nano ? c->quota * 10000 : 0);
	json_add_int(o, "CpuShares", c->has_shares ? (int64_t)c->shares : 0);
	json_add_int(o, "CpuPeriod", c->has_period && !nano ? (int64_t)c->period : 0);
	json_add_int(o, "CpuQuota", c->has_quota && !nano ? c->quota : 0);
	json_add_int(o, "CpuRealtimePeriod", c->has_rt_period ? (int64_t)c->rt_period : 0);
	json_add_int(o, "CpuRealtimeRuntime", c->has_rt_runtime ? c->rt_runtime : 0);
	json_object_set_new(o, "CpusetCpus", json_string(c->cpus ? c->cpus : ""));
	json_object_set_new(o, "CpusetMems", json_string(c->mems ? c->mems : ""));
}

static json_t *throttles(const struct oci_throttles *list)
{
	json_t *a = json_array();

	for (size_t i = 0; i < list->len; i++) {
		const struct oci_throttle *t = &list->items[i];
		char *path = str_format("/dev/block/%lld:%lld", (long long)t->major, (long long)t->minor);
		json_t *o = json_object();

		json_add_string(o, "Path", path);
		json_add_int(o, "Rate", (int64_t)t->rate);
		json_array_append_new(a, o);
		free(path);
	}
	return a;
}

static void add_disks(json_t *o, const struct oci_block_io *b)
{
	json_add_int(o, "BlkioWeight", b->has_weight ? b->weight : 0);
	json_object_set_new(o, "BlkioDeviceReadBps", throttles(&b->read_bps));
	json_object_set_new(o, "BlkioDeviceWriteBps", throttles(&b->write_bps));
	json_object_set_new(o, "BlkioDeviceReadIOps", throttles(&b->read_iops));
	json_object_set_new(o, "BlkioDeviceWriteIOps", throttles(&b->write_iops));
}

/* docker's names for them are those of `ulimit`. */
static json_t *ulimits(const struct oci_rlimits *limits)
{
	json_t *a = json_array();

	for (size_t i = 0; i < limits->len; i++) {
		const struct oci_rlimit *l = &limits->items[i];
		const char *name = str_skip_prefix(l->type, "RLIMIT_");
		char lower[32] = "";
		json_t *o = json_object();

		for (size_t k = 0; name && name[k] && k + 1 < sizeof(lower); k++)
			lower[k] = (char)(name[k] | 0x20);
		json_add_string(o, "Name", lower);
		json_add_int(o, "Hard", l->hard == UINT64_MAX ? -1 : (int64_t)l->hard);
		json_add_int(o, "Soft", l->soft == UINT64_MAX ? -1 : (int64_t)l->soft);
		json_array_append_new(a, o);
	}
	return a;
}

/* "a.slice:cloche:ID" and "/a/cloche-ID" are what --cgroup-parent made of "a.slice" and "/a". */
static json_t *parent_of(const char *path)
{
	const char *end = path ? strstr(path, ".slice:") : NULL;

	if (end)
		return json_stringn(path, (size_t)(end - path) + strlen(".slice"));
	end = path ? strrchr(path, '/') : NULL;
	return end ? json_stringn(path, (size_t)(end - path)) : json_string("");
}

void inspect_add_limits(json_t *o, const struct oci_spec *spec)
{
	autoresources struct oci_resources r = { 0 };

	/* What we wrote we can read; what was edited by hand shows as nothing. */
	oci_resources_parse(spec->linux_.resources, &r, NULL);
	add_memory(o, &r.memory);
	add_cpu(o, &r.cpu);
	json_object_set_new(o, "PidsLimit", r.has_pids ? json_integer(r.pids) : json_null());
	add_disks(o, &r.block_io);
	json_add_int(o, "OomScoreAdj", spec->process.has_oom_score_adj ? spec->process.oom_score_adj : 0);
	json_object_set_new(o, "Ulimits", ulimits(&spec->process.rlimits));
	json_object_set_new(o, "CgroupParent", parent_of(spec->linux_.cgroups_path));
}
