/*
 * A layer on its way from a registry: the fetch helper receives it and writes it to a pipe, the layer helper reads it
 * there, digests, decompresses, digests again, and writes both the blob and the unpacked tree, all at the same time.
 *
 * Two commands that want the same layer meet at its lock: whoever comes second finds the blob in the store and reads it
 * there, if it still has to be verified that blob and diff id belong together. Nothing is fetched twice.
 */
#include "engine/image/load_impl.h"

#include "base/cleanup.h"
#include "registry/registry.h"
#include "store/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { PIPE_SIZE = 1 << 20 };

static int is_needed(struct unpack *item, void *arg, struct err *err)
{
	struct load_remote *r = arg;
	struct store *s = r->l->engine->store;
	int here = blob_has(s, &r->layer->digest, r->layer->size, err);

	if (here < 0)
		return here;
	return here == 0 || !load_pair_is_known(s, &r->layer->digest, &item->in.diff_id);
}

static int start_transfer(struct load_remote *r, struct err *err)
{
	autoclose int in = -1, out = -1;
	int ends[2], e;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(err, errno, "make a pipe");
	in = ends[0];
	out = ends[1];
	(void)fcntl(in, F_SETPIPE_SZ, PIPE_SIZE);
	e = registry_start_get(r->l->registry, r->l->repo, &r->layer->digest, r->layer->size, out, &r->transfer, err);
	if (e < 0)
		return e;
	r->is_under_way = true;
	if (r->l->on_transfer)
		r->l->on_transfer(r->transfer, r->index, r->layer->size, r->l->on_transfer_arg);
	return TAKE_FD(in);
}

static int open_source(struct unpack *item, void *arg, struct err *err)
{
	struct load_remote *r = arg;
	struct store *s = r->l->engine->store;
	int here = blob_has(s, &r->layer->digest, r->layer->size, err);

	item->blob_name = here > 0 ? NULL : r->blob_name;
	if (here < 0)
		return here;
	return here > 0 ? blob_open(s, &r->layer->digest, NULL, err) : start_transfer(r, err);
}

static int wait_source(struct unpack *item, int job_fd, void *arg, struct err *err)
{
	struct load_remote *r = arg;

	(void)item;
	return r->is_under_way ? registry_pump(r->l->registry, job_fd, err) : 0;
}

static int close_source(struct unpack *item, void *arg, struct err *err)
{
	struct load_remote *r = arg;
	int e;

	(void)item;
	if (!r->is_under_way)
		return 0;
	r->is_under_way = false;
	e = registry_wait(r->l->registry, r->transfer, err);
	/* The layer helper stopped reading: then it has said why. */
	return e == -EPIPE ? 0 : e;
}

static int keep_source(struct unpack *item, void *arg, struct err *err)
{
	struct load_remote *r = arg;

	if (!item->blob_name)
		return 0;
	return blob_commit(r->l->tmp, item->blob_name, &item->result.digest, item->result.size, err);
}

void load_from_registry(struct loader *l, const struct load_layer *layer, size_t index, char *blob_name,
			struct load_remote *r, struct unpack *item)
{
	*r = (struct load_remote){ .l = l, .layer = layer, .index = index, .blob_name = blob_name };
	r->source = (struct unpack_source){ .is_needed = is_needed,
					    .open = open_source,
					    .wait = wait_source,
					    .close = close_source,
					    .keep = keep_source,
					    .arg = r };
	item->source = &r->source;
	item->blob_name = blob_name;
	item->always_read = true;
}
