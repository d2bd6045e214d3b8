/* Staying with a program that was started in a container, or leaving it. */
#pragma once

#include "codec/detach_keys.h"
#include "runtime/runtime.h"

#include <stdbool.h>

/* Leaves it running on its own; P owns nothing any more. */
int exec_leave(struct container_process *p, struct err *err);
/* Passes terminal and signals on until its end: its exit code. 0 if KEYS (NULL: none) are typed, and it is left. */
int exec_wait(struct container_process *p, bool interactive, struct detach_keys *keys, struct err *err);
