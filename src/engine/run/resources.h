/*
 * What a container may use of the machine, in the words of docker's command line: --memory, --cpus and their like, for
 * `run`, `create` and `update`.
 */
#pragma once

#include "base/err.h"
#include "base/vec.h"
#include "oci/resources.h"

#include <stdbool.h>

struct run_limits {
	const char *memory, *memory_swap, *memory_reservation, *memory_swappiness, *kernel_memory;
	const char *cpus, *cpu_period, *cpu_quota, *cpu_shares, *cpu_rt_period, *cpu_rt_runtime;
	const char *cpuset_cpus, *cpuset_mems;
	const char *pids_limit, *blkio_weight, *cgroup_parent;
	bool oom_kill_disable;
	struct strv blkio_weight_devices, read_bps, write_bps, read_iops, write_iops;
	struct strv device_rules;
};

/*
 * Puts what was said into R, over what is there: empty for a new container, what config.json says for `update`. Refuses what
 * docker refuses, with the name of the option; what the machine can't do is the runtime's to find.
 */
int run_limits_apply(const struct run_limits *l, struct oci_resources *r, struct err *err);

/* --cgroup-parent: linux.cgroupsPath for the container ID, owned by the caller; NULL with *RET for NULL. */
int run_cgroup_path(const char *parent, const char *id, char **ret, struct err *err);

/* The parts, for tests. */

/* "1.5": billionths of a processor; at least 0.01, not more than PROCESSORS. */
int run_parse_cpus(const char *word, long processors, uint64_t *ret_nano, struct err *err);
/* "c 10:200 rwm": docker's form of a rule for devices. */
int run_parse_device_rule(const char *word, struct oci_device_rule *ret, struct err *err);
