/* `cloche export`: the files of a container, or of an image, merged into one plain tar. */
#pragma once

#include "engine/open.h"

/*
 * Writes them to OUT_FD. WHAT is a container (running or not), else an image. Owners, devices and attributes are
 * what the container sees.
 */
int engine_export(struct engine *e, const char *what, int out_fd, struct err *err);
