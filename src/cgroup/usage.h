/* What a container's group has used so far, and how much it may. */
#pragma once

#include "cgroup/group.h"

struct cgroup_usage {
	bool has_cpu, has_memory, has_pids, has_io;
	uint64_t cpu_ns;
	uint64_t memory;       /* bytes, without the page cache that could be given back at once, as docker counts */
	uint64_t memory_limit; /* UINT64_MAX: none */
	uint64_t pids, pids_limit; /* the limit UINT64_MAX: none */
	uint64_t read_bytes, written_bytes;
};

/* What the group can't tell has no has_ flag. Never fails: a group that vanishes tells nothing. */
void cgroup_usage_read(const struct cgroup *g, struct cgroup_usage *ret);
/* How often the kernel ended a process in it for want of memory; 0 also where that isn't counted. */
uint64_t cgroup_oom_kills(const struct cgroup *g);

/* The parts that read text, for tests: io.stat of version 2, blkio.throttle.io_service_bytes of version 1. */
void cgroup_parse_io_v2(const char *text, uint64_t *ret_read, uint64_t *ret_written);
void cgroup_parse_io_v1(const char *text, uint64_t *ret_read, uint64_t *ret_written);
