#include "engine/open.h"

#include "base/log.h"
#include "layer/ensure.h"
#include "store/gc.h"

int engine_open(const char *root, const char *runroot, struct engine *ret, struct err *err)
{
	struct store_options options = { .root = root, .runroot = runroot };
	struct engine e = { .store = NULL };
	int r = idmap_detect(&e.ids, err);

	if (r < 0)
		return r;
	options.single = e.ids.mode == ID_MODE_SINGLE;
	r = store_open(&options, &e.store, err);
	if (r < 0)
		return r;
	*ret = e;
	return 0;
}

void engine_done(struct engine *e)
{
	store_close(e->store);
	e->store = NULL;
}

void engine_tidy(struct engine *e, bool force)
{
	struct gc_result collected = { 0 };
	struct err err = { 0 };
	int r;

	/* First, since what it finds of killed commands may be a reason to collect. */
	layers_sweep(e->store, &e->ids);
	r = force ? gc_collect(e->store, &collected, &err) : gc_if_wanted(e->store, &collected, &err);
	if (r < 0)
		log_debug("tidy: %s", err.msg);
	if (collected.blobs > 0 || collected.layers > 0)
		layers_sweep(e->store, &e->ids);
}
