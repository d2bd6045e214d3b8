/* An archive of archives: its members become files with names of ours, or are just found. */
#include "layer/job.h"

#include "base/cleanup.h"
#include "codec/tar.h"
#include "layer/sha256.h"
#include "layer/source.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

enum {
	/* Images have up to 127 layers, and each has two or three members. */
	MEMBERS_MAX = 65536,
	INDEX_READ = 4096,
};

struct splitter {
	struct job *job;
	struct tar_reader *reader;
	int fd; /* of the member that is being written; -1: none */
	char staged[16];
	struct sha256 sha;
	uint64_t written;
};

static int describe(struct splitter *s, const struct tar_entry *e, struct layer_member *ret, struct err *err)
{
	*ret = (struct layer_member){ .name = e->name, .link = e->link, .staged = "", .size = e->size };
	if (++s->job->result.entries > MEMBERS_MAX)
		return err_set(err, E2BIG, "the archive has more than %d members", MEMBERS_MAX);
	if (strlen(e->name) > LAYER_PATH_MAX || strlen(e->link) > LAYER_PATH_MAX)
		return err_set(err, E2BIG, "the name '%.64s…' is longer than %d bytes", e->name, LAYER_PATH_MAX);
	while (ret->name[0] == '.' && ret->name[1] == '/')
		ret->name += 2;
	if (e->type != TAR_FILE && e->type != TAR_FOLDER && e->type != TAR_SYMLINK && e->type != TAR_HARDLINK)
		return err_set(err, EBADMSG, "the member '%.256s' is neither a file nor a link", e->name);
	return 0;
}

static int start_member(struct splitter *s, const struct tar_entry *e, struct err *err)
{
	struct layer_member m;
	int r = describe(s, e, &m, err);

	if (r < 0 || e->type == TAR_FOLDER)
		return r;
	if (e->type != TAR_FILE)
		return job_tell_member(s->job, &m, err);
	snprintf(s->staged, sizeof(s->staged), "m%" PRIu64, s->job->result.entries);
	s->fd = fs_open_beneath(s->job->q.split.staging_fd, s->staged, O_WRONLY | O_CREAT | O_EXCL, 0600, err);
	s->written = 0;
	sha256_init(&s->sha);
	return s->fd < 0 ? s->fd : 0;
}

static int write_member(struct splitter *s, const struct tar_event *ev, struct err *err)
{
	/* The digest is of the bytes in order, and a hole would have to be made of zeros. */
	if (ev->offset != s->written)
		return err_set(err, EBADMSG, "it is a sparse file");
	sha256_add(&s->sha, ev->data, ev->len);
	s->written += ev->len;
	s->job->result.file_bytes += ev->len;
	return fs_write_all(s->fd, ev->data, ev->len, err);
}

static int finish_member(struct splitter *s, const struct tar_entry *e, struct err *err)
{
	struct layer_member m = { .name = e->name, .link = "", .staged = s->staged, .size = e->size };

	if (s->written != e->size)
		return err_set(err, EBADMSG, "it is a sparse file");
	while (m.name[0] == '.' && m.name[1] == '/')
		m.name += 2;
	sha256_end(&s->sha, &m.digest);
	close(TAKE_FD(s->fd));
	return job_tell_member(s->job, &m, err);
}

static int take_event(struct splitter *s, const struct tar_event *ev, struct err *err)
{
	int r = 0;

	if (ev->kind == TAR_EVENT_ENTRY)
		r = start_member(s, ev->entry, err);
	else if (s->fd >= 0)
		r = ev->kind == TAR_EVENT_DATA ? write_member(s, ev, err) : finish_member(s, ev->entry, err);
	return r < 0 ? err_wrap(err, "member '%.256s'", ev->entry->name) : 0;
}

static int split_stream(struct splitter *s, struct source *source, struct err *err)
{
	const uint8_t *data;
	int64_t n;

	while ((n = source_read(source, &data, err)) > 0) {
		struct tar_event ev;
		int r;

		tar_reader_feed(s->reader, data, (size_t)n);
		while ((r = tar_reader_next(s->reader, &ev, err)) > 0) {
			r = take_event(s, &ev, err);
			if (r < 0)
				return r;
		}
		if (r < 0)
			return r;
	}
	return (int)n;
}

static int split(struct splitter *s, struct err *err)
{
	struct source *source = NULL;
	int r = source_open(&s->job->q.split.in, &s->job->q.limits, &source, err);

	if (r >= 0)
		r = split_stream(s, source, err);
	if (r >= 0)
		r = source_finish(source, &s->job->result, err);
	source_free(source);
	return r;
}

/* --- index --- */

/* A header has been read: where its data is, and how much is to be left out. */
static int index_member(struct splitter *s, const struct tar_event *ev, uint64_t base, uint64_t file_size,
			uint64_t *next, struct err *err)
{
	struct layer_member m;
	uint64_t at = base + tar_reader_position(s->reader), skip;
	int r;

	if (ev->kind != TAR_EVENT_ENTRY)
		return 0;
	r = describe(s, ev->entry, &m, err);
	if (r < 0)
		return r;
	skip = tar_reader_skip(s->reader);
	m.offset = at;
	*next = at + skip;
	if (skip != m.size + tar_padding(m.size))
		return err_set(err, EBADMSG, "the member '%.256s' is a sparse file", ev->entry->name);
	/* Nothing need follow the last member's bytes, padding included. */
	if (at + m.size > file_size)
		return err_set(err, EBADMSG, "the archive is cut off in its member '%.256s'", ev->entry->name);
	s->job->result.file_bytes += m.size;
	return ev->entry->type == TAR_FOLDER ? 0 : job_tell_member(s->job, &m, err);
}

static int index_file(struct splitter *s, struct err *err)
{
	const struct layer_input *in = &s->job->q.split.in;
	uint64_t base = in->size ? in->offset : (uint64_t)lseek(in->fd, 0, SEEK_CUR), at = base;
	uint8_t room[INDEX_READ];
	struct stat st;
	ssize_t n;

	if (fstat(in->fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "only a file can be indexed");
	while ((n = pread(in->fd, room, sizeof(room), (off_t)at)) > 0 && !tar_reader_ended(s->reader)) {
		struct tar_event ev;
		int r;

		tar_reader_feed(s->reader, room, (size_t)n);
		at += (uint64_t)n;
		while ((r = tar_reader_next(s->reader, &ev, err)) > 0) {
			r = index_member(s, &ev, base, (uint64_t)st.st_size, &at, err);
			if (r < 0)
				return r;
		}
		if (r < 0)
			return r;
	}
	return n < 0 ? err_errno(err, errno, "read the archive") : 0;
}

int job_split(struct job *j, struct err *err)
{
	struct splitter s = { .job = j, .fd = -1, .reader = tar_reader_new() };
	int r = s.reader ? 0 : err_oom(err);

	if (r >= 0)
		r = j->q.split.index_only ? index_file(&s, err) : split(&s, err);
	/* What an archive of archives holds is checked by digests: a missing end mark hides nothing. */
	if (r >= 0)
		r = tar_reader_finish(s.reader, err);
	if (s.fd >= 0)
		close(s.fd);
	tar_reader_free(s.reader);
	return r < 0 ? r : 0;
}
