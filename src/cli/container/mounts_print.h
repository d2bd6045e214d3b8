/* `inspect --mounts`: a container's mounts as a tree. */
#pragma once

#include "engine/container/inspect.h"

#include <stdio.h>

void mounts_print(FILE *out, const struct container_mounts *mounts);
