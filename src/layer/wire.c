#include "layer/wire.h"

#include <string.h>

static void wire_bytes(struct wire *w, void *data, size_t len)
{
	if (w->out) {
		w->bad |= buf_add(w->out, data, len) < 0;
		return;
	}
	if (w->bad || w->in_len < len) {
		w->bad = true;
		memset(data, 0, len);
		return;
	}
	memcpy(data, w->in, len);
	w->in += len;
	w->in_len -= len;
}

void wire_u64(struct wire *w, uint64_t *v)
{
	wire_bytes(w, v, sizeof(*v));
}

static void wire_u32(struct wire *w, uint32_t *v)
{
	wire_bytes(w, v, sizeof(*v));
}

static void wire_int(struct wire *w, int *v)
{
	wire_bytes(w, v, sizeof(*v));
}

static void wire_bool(struct wire *w, bool *v)
{
	uint8_t byte = *v;

	wire_bytes(w, &byte, 1);
	*v = byte != 0;
}

/* NULL and "" are told apart: the length of NULL is all ones. */
static void wire_str(struct wire *w, const char **s)
{
	uint32_t len = w->out && *s ? (uint32_t)strlen(*s) : UINT32_MAX;

	wire_u32(w, &len);
	if (w->out) {
		if (*s)
			wire_bytes(w, (void *)(uintptr_t)*s, len + 1);
		return;
	}
	*s = NULL;
	if (w->bad || len == UINT32_MAX)
		return;
	if (len >= w->in_len || strnlen(w->in, (size_t)len + 1) != len) {
		w->bad = true;
		return;
	}
	*s = w->in;
	w->in += len + 1;
	w->in_len -= len + 1;
}

/* Negative stays -1; 0 counts as none where ZERO_IS_NONE. */
static void wire_fd(struct wire *w, int *fd, bool zero_is_none)
{
	uint32_t index = UINT32_MAX;

	if (w->out && (*fd > 0 || (*fd == 0 && !zero_is_none))) {
		index = (uint32_t)w->fds_len;
		if (w->fds_len == MSG_FDS_MAX)
			w->bad = true;
		else
			w->fds[w->fds_len++] = *fd;
	}
	wire_u32(w, &index);
	if (w->out)
		return;
	*fd = -1;
	if (index == UINT32_MAX)
		return;
	if (index >= w->fds_len)
		w->bad = true;
	else
		*fd = w->fds[index];
}

static void wire_digest(struct wire *w, struct digest *d)
{
	wire_bytes(w, d->bytes, sizeof(d->bytes));
}

static void wire_enum(struct wire *w, void *v, uint32_t count)
{
	uint32_t n;

	memcpy(&n, v, sizeof(n));
	wire_u32(w, &n);
	if (n >= count) {
		w->bad = true;
		n = 0;
	}
	memcpy(v, &n, sizeof(n));
}
_Static_assert(sizeof(enum layer_verb) == sizeof(uint32_t), "enumerations are as wide as wire_enum says");

static void wire_input(struct wire *w, struct layer_input *in)
{
	wire_fd(w, &in->fd, false);
	wire_u64(w, &in->offset);
	wire_u64(w, &in->size);
	wire_bool(w, &in->has_digest);
	wire_bool(w, &in->has_diff_id);
	wire_digest(w, &in->digest);
	wire_digest(w, &in->diff_id);
	wire_u64(w, &in->expected_size);
	wire_fd(w, &in->tee_fd, true);
}

static void wire_make(struct wire *w, struct layer_make *m)
{
	wire_fd(w, &m->tree_fd, false);
	wire_fd(w, &m->out_fd, false);
	wire_enum(w, &m->compression, LAYER_ZSTD + 1);
	wire_int(w, &m->level);
	wire_bool(w, &m->plain);
	wire_bool(w, &m->clamp_mtime);
	wire_u64(w, (uint64_t *)&m->max_mtime);
}

static void wire_copy(struct wire *w, struct layer_copy *c)
{
	wire_fd(w, &c->context_fd, false);
	wire_fd(w, &c->root_fd, false);
	wire_u32(w, &c->uid);
	wire_u32(w, &c->gid);
	wire_bool(w, &c->keep_owners);
	wire_bool(w, &c->has_mode);
	wire_u32(w, &c->mode);
	wire_fd(w, &c->out_fd, true);
	wire_bool(w, &c->clamp_mtime);
	wire_u64(w, (uint64_t *)&c->max_mtime);
	wire_bool(w, &c->hash);
}

static void wire_apply(struct wire *w, struct layer_apply *a)
{
	wire_input(w, &a->in);
	wire_fd(w, &a->dir_fd, false);
	wire_str(w, &a->name);
	wire_int(w, &a->flags);
}

void wire_lazy_event(struct wire *w, struct layer_lazy_event *e)
{
	wire_enum(w, &e->kind, LAYER_LAZY_DONE + 1);
	wire_u64(w, &e->from);
	wire_u64(w, &e->end);
	wire_u64(w, &e->files);
	wire_bytes(w, e->name, sizeof(e->name));
	e->name[sizeof(e->name) - 1] = '\0';
}

void wire_request(struct wire *w, struct layer_request *q)
{
	wire_enum(w, &q->verb, LAYER_LAZY + 1);
	wire_u64(w, &q->limits.entries);
	wire_u64(w, &q->limits.bytes);
	wire_u64(w, &q->limits.ratio);
	switch (q->verb) {
	case LAYER_APPLY:
		wire_apply(w, &q->apply);
		break;
	case LAYER_LAZY:
		wire_apply(w, &q->lazy.apply);
		wire_enum(w, &q->lazy.kind, LAYER_TOC_CHUNKED + 1);
		wire_digest(w, &q->lazy.toc_digest);
		wire_u64(w, &q->lazy.data_end);
		break;
	case LAYER_MAKE:
		wire_make(w, &q->make);
		break;
	case LAYER_LIST:
		wire_input(w, &q->list);
		break;
	case LAYER_DIGEST:
		wire_input(w, &q->digest);
		break;
	case LAYER_SPLIT:
		wire_input(w, &q->split.in);
		wire_fd(w, &q->split.staging_fd, false);
		wire_bool(w, &q->split.index_only);
		break;
	case LAYER_PACK:
		wire_fd(w, &q->pack.out_fd, false);
		wire_u32(w, &q->pack.uid);
		wire_u32(w, &q->pack.gid);
		wire_enum(w, &q->pack.compression, LAYER_ZSTD + 1);
		wire_bool(w, &q->pack.smallest);
		wire_u64(w, &q->pack.total);
		break;
	case LAYER_SHRINK:
		wire_input(w, &q->shrink.in);
		wire_fd(w, &q->shrink.out_fd, false);
		break;
	case LAYER_COPY:
		wire_copy(w, &q->copy);
		break;
	case LAYER_HASH:
		wire_fd(w, &q->hash.context_fd, false);
		wire_bool(w, &q->hash.keep_owners);
		break;
	case LAYER_REMOVE:
		wire_fd(w, &q->remove.dir_fd, false);
		wire_str(w, &q->remove.name);
		break;
	case LAYER_RECORD:
		wire_fd(w, &q->record.tree_fd, false);
		wire_fd(w, &q->record.out_fd, false);
		break;
	case LAYER_DIFF:
		wire_make(w, &q->diff.make);
		wire_fd(w, &q->diff.record_fd, false);
		break;
	}
}

void wire_item(struct wire *w, struct layer_item *item)
{
	wire_str(w, &item->dest);
	wire_str(w, &item->source);
	wire_str(w, &item->link);
	wire_int(w, &item->flags);
	wire_fd(w, &item->fd, true);
	wire_u64(w, &item->plain_size);
}

void wire_entry(struct wire *w, struct layer_entry *e)
{
	wire_str(w, &e->name);
	wire_str(w, &e->link);
	wire_bytes(w, &e->type, 1);
	wire_u32(w, &e->mode);
	wire_u32(w, &e->uid);
	wire_u32(w, &e->gid);
	wire_u32(w, &e->dev_major);
	wire_u32(w, &e->dev_minor);
	wire_u64(w, &e->size);
	wire_u64(w, (uint64_t *)&e->mtime);
	wire_u32(w, &e->mtime_nsec);
	if (!w->out && (!e->name || !e->link))
		w->bad = true;
}

void wire_member(struct wire *w, struct layer_member *m)
{
	wire_str(w, &m->name);
	wire_str(w, &m->link);
	wire_str(w, &m->staged);
	wire_u64(w, &m->offset);
	wire_u64(w, &m->size);
	wire_digest(w, &m->digest);
	if (!w->out && (!m->name || !m->link || !m->staged))
		w->bad = true;
}

void wire_result(struct wire *w, struct layer_result *r)
{
	wire_digest(w, &r->digest);
	wire_u64(w, &r->size);
	wire_digest(w, &r->diff_id);
	wire_digest(w, &r->content);
	wire_u64(w, &r->diff_size);
	wire_enum(w, &r->compression, LAYER_XZ + 1);
	wire_u64(w, &r->entries);
	wire_u64(w, &r->file_bytes);
	wire_u64(w, &r->lost_xattrs);
	wire_u64(w, &r->lost_owners);
	wire_u64(w, &r->skipped_sockets);
	wire_u64(w, &r->added);
	wire_u64(w, &r->changed);
	wire_u64(w, &r->removed);
	wire_u64(w, &r->stand_ins);
	wire_int(w, &r->landlock_abi);
}

void wire_error(struct wire *w, struct err *e)
{
	const char *msg = e->msg, *hint = e->hint;
	uint32_t code = (uint32_t)e->code;

	wire_u32(w, &code);
	wire_str(w, &msg);
	wire_str(w, &hint);
	if (w->out)
		return;
	if (w->bad || !msg || !hint || code == 0 || code > 4095) {
		w->bad = true;
		return;
	}
	err_set(e, (int)code, "%s", msg);
	if (hint[0])
		err_hint(e, "%s", hint);
}
