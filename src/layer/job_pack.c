/*
 * Files -> one archive. Uncompressed, the members' bytes go from file to file in the kernel; what is to
 * be decompressed on the way (docker-archive wants plain tars) goes through a source.
 */
#include "layer/job.h"

#include "base/cleanup.h"
#include "codec/tar.h"
#include "layer/sink.h"
#include "layer/smallest.h"
#include "layer/source.h"
#include "sys/fs.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_CHUNK = 1 << 30 };

struct packer {
	struct job *job;
	struct sink *sink;	   /* NULL: uncompressed, straight to the output */
	struct smallest *smallest; /* instead */
	size_t padding;		   /* behind the last member, written only if there is another */
	struct buf header;
	uint64_t size;
};

static int put(struct packer *p, const void *data, size_t len, struct err *err)
{
	p->size += len;
	if (p->smallest)
		return smallest_write(p->smallest, data, len, err);
	return p->sink ? sink_write(p->sink, data, len, err) : fs_write_all(p->job->q.pack.out_fd, data, len, err);
}

static int put_zeros(struct packer *p, size_t len, struct err *err)
{
	static const uint8_t zeros[2 * TAR_BLOCK_SIZE];

	return put(p, zeros, len, err);
}

/* In the kernel where it can, LEN bytes from the start of FD. Returns how many are left to be copied otherwise. */
static int64_t copy_in_kernel(const struct packer *p, int fd, uint64_t len, struct err *err)
{
	off_t at = 0;

	while (len > 0) {
		ssize_t n = copy_file_range(fd, &at, p->job->q.pack.out_fd, NULL,
					    len < COPY_CHUNK ? (size_t)len : COPY_CHUNK, 0);

		/* Not between these file systems, or the output is a pipe. */
		if (n < 0 &&
		    (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS || errno == EBADF))
			n = sendfile(p->job->q.pack.out_fd, fd, &at, len < COPY_CHUNK ? (size_t)len : COPY_CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EINVAL || errno == ENOSYS))
			break;
		if (n < 0)
			return err_errno(err, errno, "write the archive");
		if (n == 0)
			return err_set(err, EAGAIN, "a member became shorter while it was read");
		len -= (uint64_t)n;
	}
	return (int64_t)len;
}

static int copy_by_hand(struct packer *p, int fd, uint64_t at, uint64_t len, struct err *err)
{
	uint8_t chunk[65536];

	while (len > 0) {
		ssize_t n = pread(fd, chunk, len < sizeof(chunk) ? (size_t)len : sizeof(chunk), (off_t)at);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "read a member");
		if (n == 0)
			return err_set(err, EAGAIN, "a member became shorter while it was read");
		r = put(p, chunk, (size_t)n, err);
		if (r < 0)
			return r;
		at += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return 0;
}

static int copy_member(struct packer *p, int fd, uint64_t len, struct err *err)
{
	int64_t left = p->sink || p->smallest ? (int64_t)len : copy_in_kernel(p, fd, len, err);

	if (left < 0)
		return (int)left;
	p->size += len - (uint64_t)left;
	return copy_by_hand(p, fd, len - (uint64_t)left, (uint64_t)left, err);
}

/* The header has promised plain_size bytes, so it must be exactly those. */
static int unpack_member(struct packer *p, const struct layer_item *item, struct err *err)
{
	const struct layer_input in = { .fd = item->fd, .tee_fd = -1 };
	struct source *source = NULL;
	uint64_t size = 0;
	const uint8_t *data;
	int64_t n;
	int r = source_open(&in, &p->job->q.limits, &source, err);

	if (r < 0)
		return r;
	while (r >= 0 && (n = source_read(source, &data, err)) != 0) {
		size += n > 0 ? (uint64_t)n : 0;
		r = n < 0 ? (int)n : size > item->plain_size ? -E2BIG : put(p, data, (size_t)n, err);
	}
	source_free(source);
	if (r == -E2BIG || (r >= 0 && size != item->plain_size))
		return err_set(err, EBADMSG, "it unpacks to another size than the %" PRIu64 " bytes that are stated",
			       item->plain_size);
	return r;
}

static int pack_item(struct packer *p, const struct layer_item *item, struct err *err)
{
	bool unpack = item->flags & LAYER_ITEM_DECOMPRESS, is_folder = item->fd < 0 && !item->link;
	struct tar_entry e = {
		.type = item->link  ? TAR_SYMLINK
			: is_folder ? TAR_FOLDER
				    : TAR_FILE,
		.name = item->dest ? item->dest : "",
		.link = item->link ? item->link : "",
		.mode = item->link  ? 0777
			: is_folder ? 0755
				    : 0644,
		.uid = p->job->q.pack.uid,
		.gid = p->job->q.pack.gid,
		.size = unpack ? item->plain_size : 0,
	};
	struct stat st;
	int r;

	if (item->fd >= 0 && !unpack) {
		if (fstat(item->fd, &st) < 0 || !S_ISREG(st.st_mode))
			return err_set(err, EINVAL, "a member must be a file");
		e.size = (uint64_t)st.st_size;
	}
	r = put_zeros(p, p->padding, err);
	if (r < 0)
		return r;
	p->padding = tar_padding(e.size);
	buf_reset(&p->header);
	if (p->job->q.pack.smallest)
		e.mode = 0;
	r = p->job->q.pack.smallest ? tar_write_smallest(&p->header, &e) : tar_write_header(&p->header, &e);
	if (r < 0)
		return err_errno(err, -r, "write its header");
	r = put(p, p->header.data, p->header.len, err);
	if (r < 0 || e.type != TAR_FILE)
		return r;
	p->job->result.entries++;
	p->job->result.file_bytes += e.size;
	return unpack ? unpack_member(p, item, err) : copy_member(p, item->fd, e.size, err);
}

static int pack_all(struct packer *p, struct err *err)
{
	struct layer_item item;
	int r;

	while ((r = job_next_item(p->job, &item, err)) > 0) {
		r = pack_item(p, &item, err);
		if (r < 0)
			return err_wrap(err, "member '%.256s'", item.dest ? item.dest : "");
	}
	if (r < 0 || p->job->q.pack.smallest)
		return r;
	r = put_zeros(p, p->padding, err);
	return r < 0 ? r : put_zeros(p, 2 * TAR_BLOCK_SIZE, err);
}

static int open_output(struct packer *p, struct err *err)
{
	const struct layer_pack *q = &p->job->q.pack;

	if (q->smallest)
		return smallest_new(q->out_fd, q->compression, q->total, &p->smallest, err);
	return q->compression == LAYER_PLAIN_TAR ? 0 : sink_open(q->out_fd, q->compression, 0, &p->sink, err);
}

int job_pack(struct job *j, struct err *err)
{
	struct packer p = { .job = j, .header = BUF_INIT(TAR_META_MAX) };
	int r = open_output(&p, err);

	if (r >= 0)
		r = pack_all(&p, err);
	j->result.size = p.size;
	if (r >= 0 && p.sink)
		r = sink_finish(p.sink, &j->result, err);
	if (r >= 0 && p.smallest)
		r = smallest_finish(p.smallest, &j->result.size, err);
	smallest_free(p.smallest);
	sink_free(p.sink);
	buf_done(&p.header);
	return r;
}
