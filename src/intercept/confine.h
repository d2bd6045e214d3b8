/* After the start the supervisor can only make the system calls that its handlers need. */
#pragma once

#include "base/err.h"

/* Installs the list on this thread and those that it starts. */
int confine_self(struct err *err);
