/*
 * What running containers use: from their control groups where they have such, else from their processes in /proc. Then memory
 * counts shared pages once for each process, and what ended processes have used is missing.
 */
#pragma once

#include "base/err.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct container_sample {
	uint64_t when_us; /* time_now_us; 0: none was taken */
	bool from_group;  /* processor time and memory are the control group's */
	uint64_t cpu_ns;
	uint64_t memory, memory_limit; /* bytes; without a limit the machine's memory */
	uint64_t pids;
	bool has_network; /* it has one of its own */
	uint64_t received, sent;
	uint64_t read, written; /* bytes from and to disks */
};

/* Of the running container ID, whose pid 1 is INIT. A container that ends meanwhile shows nothing (-ESRCH). */
int container_sample_read(struct store *s, const char *id, pid_t init, struct container_sample *ret, struct err *err);

/* Hundredths of a percent of one processor between two samples. */
uint64_t container_cpu_share(const struct container_sample *before, const struct container_sample *now);

/* /proc/PID/net/dev: sums over all interfaces but lo. For tests. */
void container_parse_net_dev(const char *text, uint64_t *ret_received, uint64_t *ret_sent);
