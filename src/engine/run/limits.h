/* --ulimit, --sysctl, --shm-size, --oom-score-adj: numbers with docker's forms. */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct run_ulimit {
	const char *type;    /* static: "RLIMIT_NOFILE" */
	uint64_t soft, hard; /* UINT64_MAX: unlimited */
};

/* "name=soft[:hard]"; -1 or "unlimited" for no limit. */
int run_parse_ulimit(const char *word, struct run_ulimit *ret, struct err *err);

/* What a container may set: those of the kernel that a namespace of its own holds. */
struct run_sysctl_rights {
	bool own_network, own_ipc, own_uts;
};
/* Checks "name=value" and its namespace; *RET_VALUE points into WORD behind the "=". */
int run_check_sysctl(const char *word, const struct run_sysctl_rights *rights, const char **ret_value, struct err *err);
