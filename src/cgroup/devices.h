/*
 * Which devices a container may open: linux.resources.devices, by version 1's controller or by a program that is attached
 * to a group of version 2. Private to cgroup/.
 */
#pragma once

#include "base/err.h"
#include "cgroup/group.h"
#include "oci/resources.h"

#include <linux/bpf.h>
#include <stddef.h>

enum { DEVICE_PROGRAM_MAX = 4096, DEVICE_RULES_MAX = 256 };

int cgroup_set_devices_v1(const struct cgroup *g, const struct oci_device_rules *rules, struct err *err);
int cgroup_set_devices_v2(const char *path, const struct oci_device_rules *rules, struct err *err);

/*
 * The program for RULES, of which the last that matches counts, as in version 1: it returns 1 (allowed) or 0. PROGRAM has room for
 * DEVICE_PROGRAM_MAX instructions. Returns how many, or -E2BIG. Without a rule that matches nothing is allowed.
 */
int cgroup_device_program(const struct oci_device_rules *rules, struct bpf_insn *program);
