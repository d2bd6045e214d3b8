/* The root folder that a side of `cp` is in. Private to cp*.c. */
#pragma once

#include "engine/container/container.h"
#include "engine/open.h"

struct cp_root {
	int fd;
	struct container_live live; /* of a container that doesn't run: nobody starts it meanwhile */
	struct store_tmp tmp;	    /* the overlay's work folder */
};
#define CP_ROOT_INIT ((struct cp_root){ -1, CONTAINER_LIVE_INIT, STORE_TMP_INIT })

/* CONTAINER NULL: the host's. Else E has the ids and layers of that container from here on. */
int cp_root_open(struct engine *e, const char *container, struct cp_root *ret, struct err *err);
void cp_root_done(struct cp_root *root);
