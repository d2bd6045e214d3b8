/*
 * After the start the supervisor can only make the system calls that its handlers need. The list is installed before
 * there is a container, while nobody waits for it, and so with the few calls that receive and join one; those are
 * taken away again when that has happened, before the first call is answered.
 */
#pragma once

#include "base/err.h"

/* Both hold for this thread and those that it starts. */
int confine_self(struct err *err);
int confine_joined(struct err *err);
