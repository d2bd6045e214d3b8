/* What nothing uses any more: volumes, images, ended containers. */
#pragma once

#include "base/err.h"
#include "engine/open.h"
#include "engine/container/row_filter.h"
#include "engine/container/volumes.h"

#include <stdbool.h>
#include <stdint.h>

struct pruned {
	struct strv names; /* what went; of images lines as `rmi` prints them */
	uint64_t bytes;
};
void pruned_done(struct pruned *p);

/* Volumes that no container has: those without a name, or ALL. F may be NULL. */
int prune_volumes(struct engine *e, bool all, const struct volume_filter *f, struct pruned *ret, struct err *err);
/* Images without a name that no container was made from, or ALL that no container was made from. LABELS: as image filters. */
int prune_images(struct engine *e, bool all, const struct strv *filters, struct pruned *ret, struct err *err);
/* Containers that don't run and pass FILTERS (container/row_filter.h); their volumes stay. Those that went are in RET, also on failure. */
int prune_containers(struct engine *e, struct row_filters *filters, struct pruned *ret, struct err *err);
