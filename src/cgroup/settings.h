/*
 * From linux.resources to what is written into which file of a control group, for either version. No I/O.
 *
 * The numbers of the specification are those of version 1. Version 2 has other ranges and other files: what has no
 * counterpart there is refused with its name, never dropped.
 */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "base/vec.h"
#include "cgroup/trees.h"
#include "oci/resources.h"

struct cgroup_setting {
	int version;
	char controller[32];
	char file[128];
	char *value;		/* owned */
	const char *other_file; /* static: where `file` is missing; NULL: none */
	char *other_value;	/* owned; NULL: the same value */
	/*
	 * The kernel holds memory to at most memory and swap: while both are changed the one order or the other is refused
	 * (EINVAL). Such a setting is tried again behind the next.
	 */
	bool swaps_with_next;
	bool limits_swap; /* nothing to limit on a machine without swap, where the file may be missing */
};
DEFINE_VEC(cgroup_settings, struct cgroup_setting)
void cgroup_settings_done(struct cgroup_settings *s);
#define autosettings CLEANUP(cgroup_settings_done)

/*
 * Appends what R asks for, in the order in which it is to be written, rules for devices aside. TREES say where each
 * controller is. -EOPNOTSUPP: a controller, or a limit in that version, isn't there; the hint says what would help.
 */
int cgroup_plan(const struct oci_resources *r, const struct cgroup_trees *trees, struct cgroup_settings *ret,
		struct err *err);

/* cpu.shares (2 to 262144) to cpu.weight (1 to 10000): 1024 is 100, the defaults of both, and the ends meet. 0 stays 0. */
uint64_t cgroup_weight_of_shares(uint64_t shares);
/* blkio.weight (10 to 1000) to io.weight (1 to 10000). 0 stays 0. */
uint64_t cgroup_io_weight(uint64_t weight);
