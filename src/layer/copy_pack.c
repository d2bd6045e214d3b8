#include "layer/copy_pack.h"

#include "base/buf.h"
#include "layer/sink.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct copy_pack {
	const struct layer_copy *q;
	struct sink *sink;
	struct buf header;
	uint64_t entries, entries_max, lost_xattrs;
	char name[LAYER_PATH_MAX + 2];
};

int copy_pack_new(const struct layer_copy *q, const struct layer_limits *limits, struct copy_pack **ret,
		  struct err *err)
{
	struct copy_pack *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return err_oom(err);
	p->q = q;
	p->entries_max = limits->entries ? limits->entries : LAYER_ENTRIES_MAX;
	p->header = BUF_INIT(2 * TAR_META_MAX);
	r = sink_open(q->out_fd, LAYER_GZIP, 0, &p->sink, err);
	if (r < 0) {
		copy_pack_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

void copy_pack_free(struct copy_pack *p)
{
	if (!p)
		return;
	sink_free(p->sink);
	buf_done(&p->header);
	free(p);
}

/* pax can't say names of attributes with "=". */
static void drop_unwritable(struct copy_pack *p, struct tar_entry *e, struct tar_xattr *kept)
{
	size_t len = 0;

	for (size_t i = 0; i < e->xattrs_len; i++) {
		if (strchr(e->xattrs[i].name, '='))
			p->lost_xattrs++;
		else
			kept[len++] = e->xattrs[i];
	}
	e->xattrs = kept;
	e->xattrs_len = len;
}

static int write_header(struct copy_pack *p, struct tar_entry *e, struct err *err)
{
	struct tar_xattr kept[TAR_XATTRS_MAX];
	int r;

	buf_reset(&p->header);
	r = tar_write_header(&p->header, e);
	if (r == -EINVAL) {
		drop_unwritable(p, e, kept);
		r = tar_write_header(&p->header, e);
	}
	return r < 0 ? err_errno(err, -r, "write its header") : 0;
}

int copy_pack_entry(struct copy_pack *p, struct tar_entry *e, struct err *err)
{
	int r;

	if (++p->entries > p->entries_max)
		return err_set(err, E2BIG, "the tree has more than %" PRIu64 " entries", p->entries_max);
	if (p->q->clamp_mtime && e->mtime >= p->q->max_mtime) {
		e->mtime = p->q->max_mtime;
		e->mtime_nsec = 0;
	}
	if (e->type == TAR_FOLDER) {
		size_t len = strlen(e->name);

		memcpy(p->name, e->name, len);
		memcpy(p->name + len, "/", 2);
		e->name = p->name;
	}
	r = write_header(p, e, err);
	return r < 0 ? r : sink_write(p->sink, p->header.data, p->header.len, err);
}

int copy_pack_data(struct copy_pack *p, const void *data, size_t len, struct err *err)
{
	return sink_write(p->sink, data, len, err);
}

int copy_pack_pad(struct copy_pack *p, uint64_t size, struct err *err)
{
	return sink_zeros(p->sink, tar_padding(size), err);
}

int copy_pack_finish(struct copy_pack *p, struct layer_result *result, struct err *err)
{
	int r;

	buf_reset(&p->header);
	if (tar_write_end(&p->header) < 0)
		return err_oom(err);
	r = sink_write(p->sink, p->header.data, p->header.len, err);
	if (r >= 0)
		r = sink_finish(p->sink, result, err);
	result->entries = p->entries;
	result->lost_xattrs += p->lost_xattrs;
	return r;
}
