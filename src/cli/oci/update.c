/* `update`. */
#include "cli/oci/global.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "lifecycle/pause.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>

enum { RESOURCES_MAX = 1 << 20 };

struct update_options {
	const char *resources;
	const char *blkio_weight, *cpu_period, *cpu_quota, *cpu_burst, *cpu_share, *cpu_rt_period, *cpu_rt_runtime;
	const char *cpuset_cpus, *cpuset_mems, *cpu_idle;
	const char *memory, *memory_reservation, *memory_swap, *kernel_memory, *pids_limit;
};

#define NUMBER(n, field, h) OPTION_STRING(n, 0, struct update_options, field, "N", h, NULL)

static const struct option table[] = {
	OPTION_STRING("resources", 'r', struct update_options, resources, "FILE",
		      "a JSON object as linux.resources; -: standard input", "file"),
	NUMBER("blkio-weight", blkio_weight, "weight of its input and output, 10 to 1000"),
	NUMBER("cpu-period", cpu_period, "microseconds in which --cpu-quota counts"),
	NUMBER("cpu-quota", cpu_quota, "microseconds of a period; -1: no limit"),
	NUMBER("cpu-burst", cpu_burst, "microseconds that may be saved up"),
	NUMBER("cpu-share", cpu_share, "weight beside others, 2 to 262144"),
	NUMBER("cpu-rt-period", cpu_rt_period, "microseconds in which --cpu-rt-runtime counts"),
	NUMBER("cpu-rt-runtime", cpu_rt_runtime, "microseconds of real-time scheduling"),
	NUMBER("cpu-idle", cpu_idle, "1: only what others leave"),
	OPTION_STRING("cpuset-cpus", 0, struct update_options, cpuset_cpus, "LIST", "processors: 0-3,5", NULL),
	OPTION_STRING("cpuset-mems", 0, struct update_options, cpuset_mems, "LIST", "memory nodes", NULL),
	OPTION_STRING("memory", 0, struct update_options, memory, "BYTES", "most memory; -1: no limit", NULL),
	OPTION_STRING("memory-reservation", 0, struct update_options, memory_reservation, "BYTES",
		      "memory that is left to it when others want some", NULL),
	OPTION_STRING("memory-swap", 0, struct update_options, memory_swap, "BYTES",
		      "most memory and swap together; -1: no limit", NULL),
	OPTION_STRING("kernel-memory", 0, struct update_options, kernel_memory, "BYTES", "most memory of the kernel's",
		      NULL),
	NUMBER("pids-limit", pids_limit, "most processes; -1: no limit"),
	OPTION_END,
};

/* A number, or bytes with a unit; "" (which runc takes) is as if it were not there. */
static int read_number(const char *name, const char *text, bool bytes, int64_t *value, bool *has, struct err *err)
{
	uint64_t size;

	if (!text || !*text)
		return 0;
	if (num_parse_i64(text, value) < 0) {
		if (!bytes || num_parse_size(text, &size) < 0 || size > INT64_MAX)
			return err_set(err, EINVAL, "--%s '%s' is no number", name, text);
		*value = (int64_t)size;
	}
	*has = true;
	return 0;
}

static int read_unsigned(const char *name, const char *text, uint64_t *value, bool *has, struct err *err)
{
	int64_t n = 0;
	int r = read_number(name, text, false, &n, has, err);

	if (r == 0 && n < 0)
		return err_set(err, EINVAL, "--%s '%s' is less than 0", name, text);
	*value = (uint64_t)n;
	return r;
}

static int read_cpu(const struct update_options *o, struct oci_cpu *c, struct err *err)
{
	int r = read_unsigned("cpu-period", o->cpu_period, &c->period, &c->has_period, err);

	if (r == 0)
		r = read_number("cpu-quota", o->cpu_quota, false, &c->quota, &c->has_quota, err);
	if (r == 0)
		r = read_unsigned("cpu-burst", o->cpu_burst, &c->burst, &c->has_burst, err);
	if (r == 0)
		r = read_unsigned("cpu-share", o->cpu_share, &c->shares, &c->has_shares, err);
	if (r == 0)
		r = read_unsigned("cpu-rt-period", o->cpu_rt_period, &c->rt_period, &c->has_rt_period, err);
	if (r == 0)
		r = read_number("cpu-rt-runtime", o->cpu_rt_runtime, false, &c->rt_runtime, &c->has_rt_runtime, err);
	if (r == 0)
		r = read_number("cpu-idle", o->cpu_idle, false, &c->idle, &c->has_idle, err);
	if (r == 0 && o->cpuset_cpus && *o->cpuset_cpus && !(c->cpus = strdup(o->cpuset_cpus)))
		r = err_oom(err);
	if (r == 0 && o->cpuset_mems && *o->cpuset_mems && !(c->mems = strdup(o->cpuset_mems)))
		r = err_oom(err);
	return r;
}

static int read_memory(const struct update_options *o, struct oci_memory *m, struct err *err)
{
	int r = read_number("memory", o->memory, true, &m->limit, &m->has_limit, err);

	if (r == 0)
		r = read_number("memory-reservation", o->memory_reservation, true, &m->reservation, &m->has_reservation,
				err);
	if (r == 0)
		r = read_number("memory-swap", o->memory_swap, true, &m->swap, &m->has_swap, err);
	if (r == 0)
		r = read_number("kernel-memory", o->kernel_memory, true, &m->kernel, &m->has_kernel, err);
	return r;
}

static int read_options(const struct update_options *o, struct oci_resources *r, struct err *err)
{
	uint64_t weight = 0;
	int result = read_cpu(o, &r->cpu, err);

	if (result == 0)
		result = read_memory(o, &r->memory, err);
	if (result == 0)
		result = read_number("pids-limit", o->pids_limit, false, &r->pids, &r->has_pids, err);
	if (result == 0)
		result = read_unsigned("blkio-weight", o->blkio_weight, &weight, &r->block_io.has_weight, err);
	r->block_io.weight = (uint32_t)weight;
	return result;
}

static int read_file(const char *path, struct oci_resources *r, struct err *err)
{
	autobuf struct buf text = BUF_INIT(RESOURCES_MAX);
	int result = strcmp(path, "-") == 0 ? fs_read_fd(0, RESOURCES_MAX, &text, err)
					    : fs_read_file(AT_FDCWD, path, RESOURCES_MAX, &text, err);

	if (result >= 0)
		result = oci_resources_parse(buf_str(&text), r, err);
	return result < 0 ? err_wrap(err, "--resources '%s'", path) : 0;
}

static int run_update(const void *options, const struct strv *args, struct err *err)
{
	const struct update_options *o = options;
	autoresources struct oci_resources r = { 0 };
	int root = -1, result = o->resources ? read_file(o->resources, &r, err) : read_options(o, &r, err);

	if (result >= 0)
		result = root = oci_open_root(err);
	if (result >= 0)
		result = life_update(root, args->items[0], &r, err);
	return result < 0 ? -1 : 0;
}

const struct command oci_cmd_update = {
	.name = "update",
	.summary = "change the limits of a running container",
	.usage = "ID",
	.complete = "container",
	.see_also = "events",
	.options = table,
	.options_size = sizeof(struct update_options),
	.min_args = 1,
	.max_args = 1,
	.run = run_update,
};
