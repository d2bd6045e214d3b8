/* LAYER_LAZY: reads the table of contents, makes the tree, and stays for as long as somebody may open its files. */
#include "layer/job.h"

#include "base/cleanup.h"
#include "codec/tar.h"
#include "layer/apply.h"
#include "layer/lazy.h"
#include "layer/source.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static const char toc_name[] = "stargz.index.json";

/* --- reading the table --- */

static int add_text(struct buf *text, const void *data, size_t len, struct err *err)
{
	return buf_add(text, data, len) < 0
		       ? err_set(err, E2BIG, "the table of contents has more than %d bytes", TOC_SIZE_MAX)
		       : 0;
}

/* eStargz: a tar with the table as its one member. */
static int take_tar(struct tar_reader *reader, const uint8_t *data, size_t len, bool *inside, struct buf *text,
		    struct err *err)
{
	struct tar_event ev;
	int r;

	tar_reader_feed(reader, data, len);
	while ((r = tar_reader_next(reader, &ev, err)) > 0) {
		if (ev.kind == TAR_EVENT_ENTRY)
			*inside = ev.entry->type == TAR_FILE && strcmp(ev.entry->name, toc_name) == 0 && text->len == 0;
		else if (ev.kind == TAR_EVENT_DATA && *inside)
			r = add_text(text, ev.data, ev.len, err);
		if (r < 0)
			break;
	}
	return r;
}

static int read_all(struct job *j, struct source *source, struct tar_reader *reader, struct buf *text, struct err *err)
{
	bool inside = false;
	const uint8_t *data;
	int64_t n;

	while ((n = source_read(source, &data, err)) > 0) {
		int r = j->q.lazy.kind == LAYER_TOC_ESTARGZ ? take_tar(reader, data, (size_t)n, &inside, text, err)
							    : add_text(text, data, (size_t)n, err);

		if (r < 0)
			return r;
	}
	return (int)n;
}

static int check_digest(const struct job *j, const struct buf *text, struct err *err)
{
	struct digest digest;

	digest_of(buf_str(text), text->len, &digest);
	if (digest_equal(&digest, &j->q.lazy.toc_digest))
		return 0;
	return err_set(err, EBADMSG, "the table of contents is not the one that the manifest names");
}

static int read_toc(struct job *j, struct toc *ret, struct err *err)
{
	struct buf autobuf text = BUF_INIT(TOC_SIZE_MAX + 1);
	struct layer_limits limits = { .bytes = TOC_SIZE_MAX + (1 << 20) };
	struct tar_reader *reader = tar_reader_new();
	struct layer_result result;
	struct source *source = NULL;
	struct layer_input *in = &j->q.lazy.apply.in;
	int r = reader ? 0 : err_oom(err);

	in->has_digest = j->q.lazy.kind == LAYER_TOC_CHUNKED;
	in->digest = j->q.lazy.toc_digest;
	in->has_diff_id = false;
	if (r >= 0)
		r = source_open(in, &limits, &source, err);
	if (r >= 0)
		r = read_all(j, source, reader, &text, err);
	if (r >= 0)
		r = source_finish(source, &result, err);
	source_free(source);
	tar_reader_free(reader);
	if (r >= 0 && j->q.lazy.kind == LAYER_TOC_ESTARGZ)
		r = check_digest(j, &text, err);
	return r < 0 ? r : toc_parse(buf_str(&text), text.len, j->q.lazy.data_end, ret, err);
}

/* --- the tree --- */

struct making {
	struct lazy *lazy;
	const struct toc_entry *entry;
};

static int hold(void *arg, int fd, struct err *err)
{
	struct making *m = arg;

	return lazy_hold(m->lazy, m->entry, fd, err);
}

static int make_tree(struct job *j, struct lazy *l, const struct toc *toc, struct err *err)
{
	struct apply *a = NULL;
	int r = apply_new(j->tree_fd, "", 0, j->single, &j->q.limits, &a, err);

	for (size_t i = 0; r >= 0 && i < toc->len; i++) {
		struct making m = { l, &toc->entries[i] };

		r = apply_entry(a, &toc->entries[i].e, hold, &m, err);
	}
	if (r >= 0)
		r = apply_finish_entries(a, &j->result, err);
	apply_free(a);
	if (r >= 0 && j->result.stand_ins > 0)
		r = err_set(err, EOPNOTSUPP, "the store's file system can't hold whiteouts");
	return r;
}

/* An error was told, and is acted upon: until that is done, nothing may be let go. */
static void stay(const struct job *j)
{
	struct pollfd f = { j->sock, 0, 0 };

	while (poll(&f, 1, -1) <= 0 || !(f.revents & (POLLHUP | POLLERR)))
		;
}

int job_lazy(struct job *j, struct err *err)
{
	struct lazy l = { .compression = j->q.lazy.kind == LAYER_TOC_ESTARGZ ? LAYER_GZIP : LAYER_ZSTD };
	struct toc toc = { 0 };
	int r = read_toc(j, &toc, err);

	if (r >= 0)
		r = lazy_init(&l, j, &toc, err);
	if (r >= 0)
		r = make_tree(j, &l, &toc, err);
	if (r < 0)
		return r;
	lazy_keep_chunks(&l, &toc);
	r = lazy_serve(&l, err);
	if (r < 0) {
		job_report_error(j, err);
		stay(j);
	}
	/* What is held ends with the process. */
	return r;
}
