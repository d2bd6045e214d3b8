/* All containers with what they are and how they are. */
#pragma once

#include "base/cleanup.h"
#include "engine/container/container.h"
#include "engine/container/summary.h"

struct container_row {
	struct container_summary summary;
	struct container_status status;
};

/* Newest first. */
struct container_rows {
	struct container_row *items;
	size_t len;
	struct buf index;    /* what the summaries of most point to */
	struct strv entries; /* and of the others */
};
void container_rows_done(struct container_rows *rows);
#define autorows CLEANUP(container_rows_done)

/* Sweeps on the way (containers_sweep), for one look at each. One that vanishes or is just being made while we look is left out. */
int container_rows_read(struct store *s, struct container_rows *ret, struct err *err);

/* What the monitor last found: "starting", "healthy" or "unhealthy"; "none" where nothing is checked or it doesn't run. DST holds 16. */
void container_health_status(struct store *s, const struct container_row *row, char dst[static 16]);
