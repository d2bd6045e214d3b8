/*
 * linux.resources of an OCI config.json: what a container may use of the machine. config-linux.md, "Control groups".
 *
 * The numbers are those of control groups of version 1, whatever the machine has; `unified` are files of version 2,
 * verbatim. A number counts only if its `has_` says that it is there.
 */
#pragma once

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

struct oci_memory {
	bool has_limit, has_reservation, has_swap, has_kernel, has_kernel_tcp, has_swappiness;
	int64_t limit, reservation; /* bytes; -1: without limit */
	int64_t swap;		    /* memory and swap together */
	int64_t kernel, kernel_tcp;
	uint64_t swappiness; /* 0 to 100 */
	bool has_disable_oom_killer, disable_oom_killer;
	bool use_hierarchy, check_before_update;
};

struct oci_cpu {
	bool has_shares, has_quota, has_period, has_burst, has_rt_runtime, has_rt_period, has_idle;
	uint64_t shares; /* relative; 2 to 262144, 1024 is usual */
	int64_t quota;	 /* microseconds of each period, -1: no limit */
	uint64_t period; /* microseconds */
	uint64_t burst;	 /* microseconds */
	int64_t rt_runtime;
	uint64_t rt_period;
	int64_t idle;
	char *cpus, *mems; /* "0-3,5" */
};

struct oci_device_rule {
	bool allow, has_major, has_minor;
	char *type; /* a (NULL), b or c */
	int64_t major, minor;
	char *access; /* of the letters r, w and m; NULL: all */
};
DEFINE_VEC(oci_device_rules, struct oci_device_rule)

struct oci_weight_device {
	int64_t major, minor;
	bool has_weight, has_leaf_weight;
	uint32_t weight, leaf_weight;
};
DEFINE_VEC(oci_weight_devices, struct oci_weight_device)

struct oci_throttle {
	int64_t major, minor;
	uint64_t rate;
};
DEFINE_VEC(oci_throttles, struct oci_throttle)

struct oci_block_io {
	bool has_weight, has_leaf_weight;
	uint32_t weight, leaf_weight; /* 10 to 1000 */
	struct oci_weight_devices weight_devices;
	struct oci_throttles read_bps, write_bps, read_iops, write_iops;
};

struct oci_hugepage_limit {
	char *page_size; /* "2MB" */
	uint64_t limit;
};
DEFINE_VEC(oci_hugepage_limits, struct oci_hugepage_limit)

struct oci_priority {
	char *name;
	uint32_t priority;
};
DEFINE_VEC(oci_priorities, struct oci_priority)

struct oci_rdma_limit {
	char *device; /* "mlx5_1" */
	bool has_handles, has_objects;
	uint32_t handles, objects;
};
DEFINE_VEC(oci_rdma_limits, struct oci_rdma_limit)

struct oci_resources {
	struct oci_memory memory;
	struct oci_cpu cpu;
	bool has_pids;
	int64_t pids; /* -1 or 0: without limit */
	struct oci_block_io block_io;
	struct oci_hugepage_limits hugepages;
	bool has_class_id;
	uint32_t class_id;
	struct oci_priorities priorities;
	struct oci_rdma_limits rdma;
	struct oci_device_rules devices;
	struct strv unified; /* file, value, file, value … */
};
void oci_resources_done(struct oci_resources *r);
#define autoresources CLEANUP(oci_resources_done)

/* Parses the object TEXT (NULL: nothing asked). -EBADMSG or -EOPNOTSUPP with the path of the field. RET starts empty. */
int oci_resources_parse(const char *text, struct oci_resources *ret, struct err *err);
/* Appends the object as JSON. */
int oci_resources_write(const struct oci_resources *r, struct buf *buf, struct err *err);
/* True if nothing but rules for devices is asked. */
bool oci_resources_only_devices(const struct oci_resources *r);
