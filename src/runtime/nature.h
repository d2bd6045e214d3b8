/* What the kernel keeps for a process besides limits and identity: nature.c has the theory. Private to runtime/. */
#pragma once

#include "base/err.h"
#include "oci/spec.h"

#include <stdbool.h>
#include <sys/types.h>

/* Refuses what is no such thing, or what this kernel has no part for. */
int nature_check(const struct oci_spec *spec, struct err *err);
/* True for a label that asks for something. */
bool nature_is_label(const char *label);
/* True if the caller has something to do to the new process. */
bool nature_is_outside(const struct oci_spec *spec);
/* Does that to PID (0: ourselves): how it is scheduled. */
int nature_set_outside(const struct oci_spec *spec, pid_t pid, struct err *err);
