/* What a container whose monitor or command was killed may leave running. */
#pragma once

#include "store/store.h"

/*
 * With a pid namespace of its own a container ends with its pid 1, by the kernel. In one that it shares (the machine's, another
 * container's) the other processes go on; whoever ran it would have ended them (sys/processes.h), and was killed. The caller
 * holds the container's lock.
 */
void container_end_leftovers(struct store *s, const char *id);
