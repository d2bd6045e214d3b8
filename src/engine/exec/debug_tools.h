/* The image of tools that `debug` uses where none is named: the host's busybox. */
#pragma once

#include "engine/open.h"

/* Makes DEBUG_TOOLS_IMAGE if it isn't there. -ENOENT, with a hint: the host has no static busybox. */
int debug_tools_ensure(struct engine *e, struct err *err);
