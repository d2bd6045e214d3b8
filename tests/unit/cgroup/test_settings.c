#include "tests/unit/test.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "cgroup/devices.h"
#include "cgroup/settings.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

static struct cgroup_tree v1_trees[] = {
	{ .version = 1, .controllers = (char *)"memory", .mount = (char *)"/m" },
	{ .version = 1, .controllers = (char *)"cpu,cpuacct", .mount = (char *)"/c" },
	{ .version = 1, .controllers = (char *)"pids", .mount = (char *)"/p" },
	{ .version = 1, .controllers = (char *)"cpuset", .mount = (char *)"/s" },
	{ .version = 1, .controllers = (char *)"blkio", .mount = (char *)"/b" },
};
static struct cgroup_tree v2_trees[] = {
	{ .version = 2, .controllers = (char *)"cpuset cpu io memory hugetlb pids", .mount = (char *)"/u" },
};
static const struct cgroup_trees v1 = { v1_trees, ARRAY_SIZE(v1_trees), 0 }, v2 = { v2_trees, ARRAY_SIZE(v2_trees), 0 };

/* "file=value file=value …" of what RESOURCES means in TREES, or the error. */
static char *plan(const char *resources, const struct cgroup_trees *trees)
{
	autoresources struct oci_resources r = { 0 };
	autosettings struct cgroup_settings s = { 0 };
	struct buf text = BUF_INIT(8192);
	struct err err = { 0 };

	assert_int_equal(oci_resources_parse(resources, &r, &err), 0);
	if (cgroup_plan(&r, trees, &s, &err) < 0)
		buf_addf(&text, "%s", err.msg);
	for (size_t i = 0; !err.code && i < s.len; i++)
		buf_addf(&text, "%s%s=%s", i ? "; " : "", s.items[i].file, s.items[i].value);
	return buf_take(&text);
}

static void limits_become_files_of_either_version(void **state)
{
	static const struct {
		const char *resources, *one, *two;
	} cases[] = {
		{ "{}", "", "" },
		{ "{\"memory\":{\"limit\":100,\"swap\":150,\"reservation\":50}}",
		  "memory.limit_in_bytes=100; memory.memsw.limit_in_bytes=150; memory.soft_limit_in_bytes=50",
		  "memory.max=100; memory.low=50; memory.swap.max=50" },
		{ "{\"memory\":{\"limit\":-1,\"swap\":-1}}", "memory.limit_in_bytes=-1; memory.memsw.limit_in_bytes=-1",
		  "memory.max=max; memory.swap.max=max" },
		{ "{\"memory\":{\"swap\":150}}", "memory.memsw.limit_in_bytes=150",
		  "memory and swap are limited to 150 bytes, but memory is not" },
		{ "{\"memory\":{\"swappiness\":10}}", "memory.swappiness=10",
		  "memory.swappiness: control groups of version 2 can't do that" },
		{ "{\"cpu\":{\"shares\":1024,\"quota\":50000,\"period\":100000}}",
		  "cpu.shares=1024; cpu.cfs_period_us=100000; cpu.cfs_quota_us=50000",
		  "cpu.weight=100; cpu.max=50000 100000" },
		{ "{\"cpu\":{\"quota\":-1}}", "cpu.cfs_quota_us=-1", "cpu.max=max 100000" },
		{ "{\"cpu\":{\"cpus\":\"0-1\",\"mems\":\"0\"}}", "cpuset.cpus=0-1; cpuset.mems=0",
		  "cpuset.cpus=0-1; cpuset.mems=0" },
		{ "{\"pids\":{\"limit\":7}}", "pids.max=7", "pids.max=7" },
		{ "{\"pids\":{\"limit\":-1}}", "pids.max=max", "pids.max=max" },
		{ "{\"blockIO\":{\"weight\":500,\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":9}]}}",
		  "blkio.weight=500; blkio.throttle.read_bps_device=8:0 9", "io.bfq.weight=500; io.max=8:0 rbps=9" },
		{ "{\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":4}]}",
		  "the control group controller 'hugetlb' is not there", "hugetlb.2MB.max=4" },
		{ "{\"unified\":{\"memory.high\":\"5\"}}",
		  "unified 'memory.high': no tree of version 2 has the controller 'memory'", "memory.high=5" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autofree char *one = plan(cases[i].resources, &v1), *two = plan(cases[i].resources, &v2);

		assert_string_equal(one, cases[i].one);
		assert_string_equal(two, cases[i].two);
	}
}

static void weights_are_converted(void **state)
{
	(void)state;
	assert_int_equal(cgroup_weight_of_shares(0), 0);
	assert_int_equal(cgroup_weight_of_shares(2), 1);
	assert_int_equal(cgroup_weight_of_shares(1024), 100);
	assert_int_equal(cgroup_weight_of_shares(262144), 10000);
	for (uint64_t shares = 3, last = 1; shares <= 262144; shares += 97) {
		uint64_t weight = cgroup_weight_of_shares(shares);

		assert_true(weight >= last && weight <= 10000);
		last = weight;
	}
	assert_int_equal(cgroup_io_weight(10), 1);
	assert_int_equal(cgroup_io_weight(1000), 10000);
	assert_int_equal(cgroup_io_weight(0), 0);
}

/* Runs the few instructions that a program for devices is made of. */
static int run(const struct bpf_insn *program, int len, uint32_t type, uint32_t access, uint32_t major, uint32_t minor)
{
	const uint32_t context[] = { access << 16 | type, major, minor };
	uint32_t reg[16] = { 0 };

	for (int at = 0; at < len; at++) {
		const struct bpf_insn *i = &program[at];
		uint32_t operand = (i->code & BPF_X) ? reg[i->src_reg] : (uint32_t)i->imm;

		if (i->code == (BPF_JMP | BPF_EXIT))
			return (int)reg[0];
		if ((i->code & 7) == BPF_LDX)
			reg[i->dst_reg] = context[i->off / 4];
		else if ((i->code & 7) == BPF_ALU && (i->code & 0xf0) == BPF_MOV)
			reg[i->dst_reg] = operand;
		else if ((i->code & 7) == BPF_ALU && (i->code & 0xf0) == BPF_AND)
			reg[i->dst_reg] &= operand;
		else if ((i->code & 7) == BPF_ALU && (i->code & 0xf0) == BPF_RSH)
			reg[i->dst_reg] >>= operand;
		else if ((i->code & 0xf0) == BPF_JNE)
			at += reg[i->dst_reg] != operand ? i->off : 0;
		else if ((i->code & 0xf0) == BPF_JEQ)
			at += reg[i->dst_reg] == operand ? i->off : 0;
		else
			fail_msg("instruction %02x", i->code);
	}
	fail_msg("the program has no end");
	return -1;
}

static void the_last_rule_for_a_device_counts(void **state)
{
	autoresources struct oci_resources r = { 0 };
	struct bpf_insn program[DEVICE_PROGRAM_MAX];
	int n;

	(void)state;
	assert_int_equal(
		oci_resources_parse("{\"devices\":[{\"allow\":true},{\"allow\":false,\"access\":\"rwm\"},"
				    "{\"allow\":true,\"type\":\"c\",\"major\":1,\"minor\":3,\"access\":\"r\"},"
				    "{\"allow\":true,\"type\":\"c\",\"major\":5},"
				    "{\"allow\":false,\"type\":\"c\",\"major\":5,\"minor\":2,\"access\":\"w\"}]}",
				    &r, NULL),
		0);
	n = cgroup_device_program(&r.devices, program);
	assert_true(n > 0);
	assert_int_equal(run(program, n, BPF_DEVCG_DEV_CHAR, BPF_DEVCG_ACC_READ, 1, 3), 1);
	assert_int_equal(run(program, n, BPF_DEVCG_DEV_CHAR, BPF_DEVCG_ACC_WRITE, 1, 3), 0);
	assert_int_equal(run(program, n, BPF_DEVCG_DEV_CHAR, BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE, 1, 3), 0);
	assert_int_equal(run(program, n, BPF_DEVCG_DEV_BLOCK, BPF_DEVCG_ACC_READ, 1, 3), 0);
	assert_int_equal(run(program, n, BPF_DEVCG_DEV_CHAR, BPF_DEVCG_ACC_WRITE, 5, 7), 1);
	assert_int_equal(run(program, n, BPF_DEVCG_DEV_CHAR, BPF_DEVCG_ACC_WRITE, 5, 2), 0);
	assert_int_equal(run(program, n, BPF_DEVCG_DEV_CHAR, BPF_DEVCG_ACC_READ, 5, 2), 1);
	assert_int_equal(run(program, n, BPF_DEVCG_DEV_BLOCK, BPF_DEVCG_ACC_READ, 8, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits_become_files_of_either_version),
		cmocka_unit_test(weights_are_converted),
		cmocka_unit_test(the_last_rule_for_a_device_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
