#include "engine/run/resources.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* docker's bounds. */
enum {
	MEMORY_MIN = 6 << 20,
	CPU_PERIOD = 100000,
	CPU_PERIOD_MIN = 1000,
	CPU_PERIOD_MAX = 1000000,
	CPU_QUOTA_MIN = 1000,
	WEIGHT_MIN = 10,
	WEIGHT_MAX = 1000,
	CPUSET_MAX = 4096,
};

static int not_a(const char *option, const char *word, const char *what, struct err *err)
{
	return err_set(err, EINVAL, "--%s '%s': not %s", option, word, what);
}

/* --- memory --- */

/* A size, or -1 for "without limit" where that can be said. */
static int parse_bytes(const char *option, const char *word, bool may_be_unlimited, int64_t *ret, struct err *err)
{
	uint64_t bytes;

	if (may_be_unlimited && strcmp(word, "-1") == 0) {
		*ret = -1;
		return 0;
	}
	if (num_parse_size(word, &bytes) < 0 || bytes > INT64_MAX)
		return not_a(option, word, "a size, as in 512m or 1.5g", err);
	*ret = (int64_t)bytes;
	return 0;
}

static int set_memory_limit(const struct run_limits *l, struct oci_memory *m, struct err *err)
{
	int64_t bytes;
	int r = l->memory ? parse_bytes("memory", l->memory, false, &bytes, err) : 0;

	/* 0 is docker's way to say nothing. */
	if (r < 0 || !l->memory || !bytes)
		return r;
	if (bytes < MEMORY_MIN) {
		err_set(err, EINVAL, "--memory '%s': at least 6m", l->memory);
		return err_hint(err, "a container can't even start with less");
	}
	m->has_limit = true;
	m->limit = bytes;
	return 0;
}

/* Memory and swap together; unsaid twice the memory, as docker has it. */
static int set_swap(const struct run_limits *l, struct oci_memory *m, struct err *err)
{
	int64_t bytes = 0;
	int r = l->memory_swap ? parse_bytes("memory-swap", l->memory_swap, true, &bytes, err) : 0;

	if (r < 0)
		return r;
	if (!bytes && l->memory && m->has_limit && !m->has_swap) {
		m->has_swap = true;
		m->swap = m->limit > INT64_MAX / 2 ? INT64_MAX : m->limit * 2;
	} else if (bytes) {
		if (!m->has_limit)
			return err_set(err, EINVAL, "--memory-swap '%s': it goes with --memory", l->memory_swap);
		m->has_swap = true;
		m->swap = bytes;
	}
	if (!m->has_swap || m->swap < 0 || m->swap >= m->limit)
		return 0;
	err_set(err, EINVAL, "--memory-swap: memory and swap together (%lld bytes) are less than the memory (%lld)",
		(long long)m->swap, (long long)m->limit);
	return err_hint(err, "give both at once; --memory-swap -1 is without limit");
}

static int set_reservation(const struct run_limits *l, struct oci_memory *m, struct err *err)
{
	int64_t bytes;
	int r = l->memory_reservation ? parse_bytes("memory-reservation", l->memory_reservation, false, &bytes, err)
				      : 0;

	if (r < 0 || !l->memory_reservation || !bytes)
		return r;
	if (m->has_limit && bytes > m->limit)
		return err_set(err, EINVAL, "--memory-reservation '%s': more than --memory", l->memory_reservation);
	m->has_reservation = true;
	m->reservation = bytes;
	return 0;
}

static int set_swappiness(const struct run_limits *l, struct oci_memory *m, struct err *err)
{
	uint32_t value;

	if (!l->memory_swappiness || strcmp(l->memory_swappiness, "-1") == 0)
		return 0;
	if (num_parse_u32(l->memory_swappiness, 100, &value) < 0)
		return not_a("memory-swappiness", l->memory_swappiness, "a number from 0 to 100", err);
	m->has_swappiness = true;
	m->swappiness = value;
	return 0;
}

static int set_memory(const struct run_limits *l, struct oci_resources *r, struct err *err)
{
	struct oci_memory *m = &r->memory;
	int result = set_memory_limit(l, m, err);

	if (result >= 0)
		result = set_swap(l, m, err);
	if (result >= 0)
		result = set_reservation(l, m, err);
	if (result >= 0)
		result = set_swappiness(l, m, err);
	if (result < 0)
		return result;
	if (l->oom_kill_disable)
		m->has_disable_oom_killer = m->disable_oom_killer = true;
	if (!l->kernel_memory)
		return 0;
	err_set(err, EOPNOTSUPP, "--kernel-memory: kernels since 5.4 have no such limit");
	return err_hint(err, "--memory counts the kernel's memory too");
}

/* --- processors --- */

int run_parse_cpus(const char *word, long processors, uint64_t *ret_nano, struct err *err)
{
	size_t len = strcspn(word, ".");
	autofree char *whole = strndup(word, len);
	const char *fraction = word[len] ? word + len + 1 : "";
	uint64_t nano = 0, unit = 1000000000;

	if (!whole)
		return err_oom(err);
	if ((len && num_parse_u64(whole, 10, &nano) < 0) || (!len && !*fraction) || nano > 100000 ||
	    strspn(fraction, "0123456789") != strlen(fraction) || strlen(fraction) > 9)
		return not_a("cpus", word, "a number of processors, as in 1.5", err);
	nano *= unit;
	for (const char *p = fraction; *p; p++) {
		unit /= 10;
		nano += (uint64_t)(*p - '0') * unit;
	}
	if (nano < 10000000 || nano > (uint64_t)processors * 1000000000)
		return err_set(err, EINVAL, "--cpus '%s': from 0.01 to %ld, as many as there are", word, processors);
	*ret_nano = nano;
	return 0;
}

static int set_cpus(const struct run_limits *l, struct oci_cpu *c, struct err *err)
{
	uint64_t nano;
	int r;

	if (!l->cpus || strcmp(l->cpus, "0") == 0)
		return 0;
	if (l->cpu_period || l->cpu_quota)
		return err_set(err, EINVAL,
			       "--cpus says with one number what --cpu-period and --cpu-quota say with two: "
			       "not both");
	r = run_parse_cpus(l->cpus, sysconf(_SC_NPROCESSORS_ONLN), &nano, err);
	if (r < 0)
		return r;
	c->has_period = c->has_quota = true;
	c->period = CPU_PERIOD;
	c->quota = (int64_t)(nano / (1000000000 / CPU_PERIOD));
	return 0;
}

static int set_quota(const struct run_limits *l, struct oci_cpu *c, struct err *err)
{
	uint64_t period;
	int64_t quota;

	if (l->cpu_period && strcmp(l->cpu_period, "0") != 0) {
		if (num_parse_u64(l->cpu_period, 10, &period) < 0 || period < CPU_PERIOD_MIN || period > CPU_PERIOD_MAX)
			return not_a("cpu-period", l->cpu_period, "a number of microseconds from 1000 to 1000000", err);
		c->has_period = true;
		c->period = period;
	}
	if (l->cpu_quota && strcmp(l->cpu_quota, "0") != 0) {
		if (num_parse_i64(l->cpu_quota, &quota) < 0 || (quota < CPU_QUOTA_MIN && quota != -1))
			return not_a("cpu-quota", l->cpu_quota, "a number of microseconds, 1000 or more", err);
		c->has_quota = true;
		c->quota = quota;
	}
	return 0;
}

static int set_shares(const struct run_limits *l, struct oci_cpu *c, struct err *err)
{
	uint64_t shares;

	if (!l->cpu_shares || strcmp(l->cpu_shares, "0") == 0)
		return 0;
	if (num_parse_u64(l->cpu_shares, 10, &shares) < 0)
		return not_a("cpu-shares", l->cpu_shares, "a number", err);
	/* The kernel's own bounds, silently, as with docker. */
	c->has_shares = true;
	c->shares = shares < 2 ? 2 : shares > 262144 ? 262144 : shares;
	return 0;
}

static int set_realtime(const struct run_limits *l, struct oci_cpu *c, struct err *err)
{
	if (l->cpu_rt_period) {
		if (num_parse_u64(l->cpu_rt_period, 10, &c->rt_period) < 0)
			return not_a("cpu-rt-period", l->cpu_rt_period, "a number of microseconds", err);
		c->has_rt_period = c->rt_period > 0;
	}
	if (l->cpu_rt_runtime) {
		if (num_parse_i64(l->cpu_rt_runtime, &c->rt_runtime) < 0)
			return not_a("cpu-rt-runtime", l->cpu_rt_runtime, "a number of microseconds", err);
		c->has_rt_runtime = c->rt_runtime != 0;
	}
	return 0;
}

/* "0-3,7": cpuset(7), "List format". The kernel judges the numbers. */
static int set_list(const char *option, const char *word, char **to, struct err *err)
{
	if (!word || !*word)
		return 0;
	if (strspn(word, "0123456789,-") != strlen(word) || strlen(word) > CPUSET_MAX || !strchr("0123456789", word[0]))
		return not_a(option, word, "a list of numbers, as in 0-3,7", err);
	free(*to);
	*to = strdup(word);
	return *to ? 0 : err_oom(err);
}

static int set_processors(const struct run_limits *l, struct oci_resources *r, struct err *err)
{
	int result = set_cpus(l, &r->cpu, err);

	if (result >= 0)
		result = set_quota(l, &r->cpu, err);
	if (result >= 0)
		result = set_shares(l, &r->cpu, err);
	if (result >= 0)
		result = set_realtime(l, &r->cpu, err);
	if (result >= 0)
		result = set_list("cpuset-cpus", l->cpuset_cpus, &r->cpu.cpus, err);
	return result < 0 ? result : set_list("cpuset-mems", l->cpuset_mems, &r->cpu.mems, err);
}

static int set_pids(const struct run_limits *l, struct oci_resources *r, struct err *err)
{
	int64_t value;

	if (!l->pids_limit)
		return 0;
	if (num_parse_i64(l->pids_limit, &value) < 0 || value < -1)
		return not_a("pids-limit", l->pids_limit, "a number; -1 is without limit", err);
	/* A new container is without limit anyway. */
	if (value <= 0 && !r->has_pids)
		return 0;
	r->has_pids = true;
	r->pids = value > 0 ? value : -1;
	return 0;
}

/* --- disks --- */

static int parse_weight(const char *option, const char *word, const char *digits, uint32_t *ret, struct err *err)
{
	uint32_t value;

	if (num_parse_u32(digits, WEIGHT_MAX, &value) < 0 || (value && value < WEIGHT_MIN))
		return not_a(option, word, "a weight from 10 to 1000", err);
	*ret = value;
	return 0;
}

/* "/dev/sda:1mb": the device's numbers, and what stands behind the last colon (points into WORD). */
static int parse_device(const char *option, const char *word, int64_t *ret_major, int64_t *ret_minor,
			const char **ret_value, struct err *err)
{
	const char *colon = strrchr(word, ':');
	autofree char *path = colon ? strndup(word, (size_t)(colon - word)) : NULL;
	struct stat st;

	if (!colon)
		return err_set(err, EINVAL, "--%s '%s': the form is DEVICE:VALUE", option, word);
	if (!path)
		return err_oom(err);
	if (stat(path, &st) < 0)
		return err_errno(err, errno, "--%s '%s'", option, word);
	if (!S_ISBLK(st.st_mode))
		return err_set(err, EINVAL, "--%s '%s': '%s' is not a disk", option, word, path);
	*ret_major = major(st.st_rdev);
	*ret_minor = minor(st.st_rdev);
	*ret_value = colon + 1;
	return 0;
}

static int add_throttles(const char *option, const struct strv *words, bool bytes, struct oci_throttles *to,
			 struct err *err)
{
	for (size_t i = 0; i < words->len; i++) {
		struct oci_throttle t = { 0 };
		const char *value;
		int r = parse_device(option, words->items[i], &t.major, &t.minor, &value, err);

		if (r < 0)
			return r;
		if ((bytes ? num_parse_size(value, &t.rate) : num_parse_u64(value, 10, &t.rate)) < 0)
			return not_a(option, words->items[i], bytes ? "a size a second" : "a number a second", err);
		if (oci_throttles_push(to, t) < 0)
			return err_oom(err);
	}
	return 0;
}

static int add_weight_devices(const struct strv *words, struct oci_weight_devices *to, struct err *err)
{
	for (size_t i = 0; i < words->len; i++) {
		struct oci_weight_device d = { .has_weight = true };
		const char *value;
		int r = parse_device("blkio-weight-device", words->items[i], &d.major, &d.minor, &value, err);

		if (r >= 0)
			r = parse_weight("blkio-weight-device", words->items[i], value, &d.weight, err);
		if (r < 0)
			return r;
		if (oci_weight_devices_push(to, d) < 0)
			return err_oom(err);
	}
	return 0;
}

static int set_disks(const struct run_limits *l, struct oci_resources *r, struct err *err)
{
	struct oci_block_io *b = &r->block_io;
	int result = 0;

	if (l->blkio_weight) {
		result = parse_weight("blkio-weight", l->blkio_weight, l->blkio_weight, &b->weight, err);
		b->has_weight = b->weight > 0;
	}
	if (result >= 0)
		result = add_weight_devices(&l->blkio_weight_devices, &b->weight_devices, err);
	if (result >= 0)
		result = add_throttles("device-read-bps", &l->read_bps, true, &b->read_bps, err);
	if (result >= 0)
		result = add_throttles("device-write-bps", &l->write_bps, true, &b->write_bps, err);
	if (result >= 0)
		result = add_throttles("device-read-iops", &l->read_iops, false, &b->read_iops, err);
	if (result >= 0)
		result = add_throttles("device-write-iops", &l->write_iops, false, &b->write_iops, err);
	return result;
}

/* --- devices --- */

/* A number or "*". */
static int parse_device_number(const char *word, bool *ret_has, int64_t *ret)
{
	uint32_t value;

	if (strcmp(word, "*") == 0)
		return 0;
	if (num_parse_u32(word, INT32_MAX, &value) < 0)
		return -EINVAL;
	*ret_has = true;
	*ret = value;
	return 0;
}

int run_parse_device_rule(const char *word, struct oci_device_rule *ret, struct err *err)
{
	autofree char *copy = strdup(word);
	char *rest = copy, *type = strsep(&rest, " "), *numbers = rest ? strsep(&rest, " ") : NULL;
	char *major_word = numbers ? strsep(&numbers, ":") : NULL, *access = rest;
	struct oci_device_rule rule = { .allow = true };

	if (!copy)
		return err_oom(err);
	if (strlen(type) != 1 || !strchr("abc", type[0]) || !numbers || !access || !*access || strlen(access) > 3 ||
	    strspn(access, "rwm") != strlen(access) ||
	    parse_device_number(major_word, &rule.has_major, &rule.major) < 0 ||
	    parse_device_number(numbers, &rule.has_minor, &rule.minor) < 0)
		return err_set(err, EINVAL,
			       "--device-cgroup-rule '%s': the form is 'c 10:200 rwm', with b or a for c "
			       "and * for a number",
			       word);
	rule.type = strdup(type);
	rule.access = strdup(access);
	if (rule.type && rule.access) {
		*ret = rule;
		return 0;
	}
	free(rule.type);
	free(rule.access);
	return err_oom(err);
}

static int push_rule(struct oci_device_rules *to, struct oci_device_rule rule, struct err *err)
{
	if (oci_device_rules_push(to, rule) == 0)
		return 0;
	free(rule.type);
	free(rule.access);
	return err_oom(err);
}

static int set_devices(const struct run_limits *l, struct oci_resources *r, struct err *err)
{
	int result = 0;

	if (!l->device_rules.len)
		return 0;
	if (geteuid() != 0) {
		err_set(err, EPERM, "--device-cgroup-rule: only root can have rules for devices");
		return err_hint(err, "nobody else can make devices that work: '--device' shows those that are there");
	}
	/* The runtime adds what every container may open. */
	if (!r->devices.len) {
		struct oci_device_rule none = { .allow = false, .access = strdup("rwm") };

		result = none.access ? push_rule(&r->devices, none, err) : err_oom(err);
	}
	for (size_t i = 0; result >= 0 && i < l->device_rules.len; i++) {
		struct oci_device_rule rule;

		result = run_parse_device_rule(l->device_rules.items[i], &rule, err);
		if (result >= 0)
			result = push_rule(&r->devices, rule, err);
	}
	return result;
}

int run_limits_apply(const struct run_limits *l, struct oci_resources *r, struct err *err)
{
	int result = set_memory(l, r, err);

	if (result >= 0)
		result = set_processors(l, r, err);
	if (result >= 0)
		result = set_pids(l, r, err);
	if (result >= 0)
		result = set_disks(l, r, err);
	return result < 0 ? result : set_devices(l, r, err);
}

/* "x.slice" is a slice of systemd; "/x" counts from the top of the trees, "x" from our own group. */
int run_cgroup_path(const char *parent, const char *id, char **ret, struct err *err)
{
	if (!parent || !*parent)
		return 0;
	if (strchr(parent, ':') || strchr(parent, '\n') || strstr(parent, ".."))
		return not_a("cgroup-parent", parent, "a path of a control group", err);
	if (str_ends_with(parent, ".slice") && !strchr(parent, '/'))
		*ret = str_format("%s:cloche:%s", parent, id);
	else
		*ret = str_format("%s/cloche-%s", parent, id);
	return *ret ? 0 : err_oom(err);
}
