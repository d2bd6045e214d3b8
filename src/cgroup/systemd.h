/*
 * Asking systemd for a control group of our own: org.freedesktop.systemd1(5), StartTransientUnit.
 *
 * The manager of the machine is asked by root, over the system's bus; the user's manager by others, over theirs. The client
 * is a few calls of our own (codec/dbus.h) over one socket: libsystemd can't be linked statically, and in a helper it
 * would cost more than the whole conversation.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* True if there is a bus with a systemd manager behind it, as far as can be seen without asking. */
bool systemd_can_be_asked(void);

/*
 * Makes the unit NAME ("x.scope") in SLICE (NULL: the manager's usual one) with control groups handed over to us, and moves PIDS
 * into it. Waits until that is done, at most ten seconds. Errors name the bus and what systemd said.
 */
int systemd_start_scope(const char *name, const char *slice, const pid_t *pids, size_t pids_len, struct err *err);
