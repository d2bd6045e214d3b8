#include "layer/lazy.h"

#include "base/cleanup.h"
#include "codec/owner.h"
#include "layer/inflate.h"
#include "layer/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { IN_SIZE = 128 << 10, OUT_SIZE = 256 << 10, OTHER_FDS = 200 };

/* --- holding --- */

static int check_limit(const struct toc *toc, struct err *err)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return err_errno(err, errno, "read the limit of open files");
	if (limit.rlim_cur > OTHER_FDS && toc->files <= limit.rlim_cur - OTHER_FDS)
		return 0;
	return err_set(err, E2BIG, "it has %zu files, and only %llu may be open at a time (ulimit -Hn)", toc->files,
		       (unsigned long long)limit.rlim_cur);
}

int lazy_init(struct lazy *l, struct job *j, const struct toc *toc, struct err *err)
{
	size_t len = toc->files ? toc->files : 1;
	sigset_t signals;
	int r = check_limit(toc, err);

	if (r < 0)
		return r;
	l->job = j;
	l->files = calloc(len, sizeof(*l->files));
	l->queue = calloc(len, sizeof(*l->queue));
	l->in = malloc(IN_SIZE);
	l->out = malloc(OUT_SIZE);
	if (!l->files || !l->queue || !l->in || !l->out)
		return err_oom(err);
	sigemptyset(&signals);
	sigaddset(&signals, SIGRTMIN);
	sigaddset(&signals, SIGIO);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	l->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	return l->signal_fd < 0 ? err_errno(err, errno, "make a signalfd") : 0;
}

static int note_fd(struct lazy *l, int fd, size_t file, struct err *err)
{
	if ((size_t)fd >= l->by_fd_len) {
		size_t len = 2 * (size_t)fd + 64;
		uint32_t *more = reallocarray(l->by_fd, len, sizeof(*more));

		if (!more)
			return err_oom(err);
		memset(more + l->by_fd_len, 0, (len - l->by_fd_len) * sizeof(*more));
		l->by_fd = more;
		l->by_fd_len = len;
	}
	l->by_fd[fd] = (uint32_t)file + 1;
	return 0;
}

static int keep_capability(struct lazy_file *f, const struct tar_entry *e)
{
	for (size_t i = 0; i < e->xattrs_len; i++) {
		if (strcmp(e->xattrs[i].name, OWNER_ATTR_CAPABILITY) != 0)
			continue;
		f->capability = malloc(e->xattrs[i].len + 1);
		if (!f->capability)
			return -ENOMEM;
		memcpy(f->capability, e->xattrs[i].value, e->xattrs[i].len);
		f->capability_len = e->xattrs[i].len;
	}
	return 0;
}

int lazy_hold(struct lazy *l, const struct toc_entry *entry, int fd, struct err *err)
{
	struct lazy_file *f = &l->files[l->len];

	*f = (struct lazy_file){ .fd = fcntl(fd, F_DUPFD_CLOEXEC, 3),
				 .mode = entry->e.mode,
				 .mtime = entry->e.mtime,
				 .mtime_nsec = entry->e.mtime_nsec,
				 .from = entry->from,
				 .end = entry->end,
				 .skip = entry->skip,
				 .size = entry->e.size,
				 .chunks_from = entry->chunks_from,
				 .chunks_len = entry->chunks_len,
				 .name = strdup(entry->e.name) };
	if (f->fd < 0)
		return err_errno(err, errno, "keep it open");
	if (!f->name || keep_capability(f, &entry->e) < 0)
		return err_oom(err);
	/* By the number that the signal will bring. */
	if (fcntl(f->fd, F_SETSIG, SIGRTMIN) < 0 || fcntl(f->fd, F_SETLEASE, F_WRLCK) < 0)
		return err_set(err, EOPNOTSUPP, "the store's file system has no leases: %s", strerror(errno));
	l->len++;
	return note_fd(l, f->fd, l->len - 1, err);
}

void lazy_keep_chunks(struct lazy *l, struct toc *toc)
{
	l->chunks = TAKE_PTR(toc->chunks);
	toc_done(toc);
}

/* --- what is wanted --- */

static int tell(struct lazy *l, struct layer_lazy_event *e, struct err *err)
{
	struct buf autobuf out = BUF_INIT(MSG_MAX);
	struct wire w = { .out = &out };

	buf_add_char(&out, WIRE_LAZY);
	wire_lazy_event(&w, e);
	if (w.bad)
		return err_oom(err);
	return msg_send(l->job->sock, out.data, out.len, NULL, 0, err);
}

static int want(struct lazy *l, struct lazy_file *f, struct err *err)
{
	struct layer_lazy_event e = { .kind = LAYER_LAZY_WANT, .from = f->from, .end = f->end };

	if (f->wanted || f->fd < 0)
		return 0;
	f->wanted = true;
	l->queue[l->queue_len++] = (uint32_t)(f - l->files);
	snprintf(e.name, sizeof(e.name), "%s", f->name);
	return tell(l, &e, err);
}

/* More signals than the kernel keeps: it says only that there were some. */
static int want_broken(struct lazy *l, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < l->len; i++)
		if (l->files[i].fd >= 0 && fcntl(l->files[i].fd, F_GETLEASE) != F_WRLCK)
			r = want(l, &l->files[i], err);
	return r;
}

static int take_signals(struct lazy *l, struct err *err)
{
	struct signalfd_siginfo s;
	int r = 0;

	while (r >= 0 && read(l->signal_fd, &s, sizeof(s)) == sizeof(s)) {
		size_t fd = (size_t)s.ssi_fd;

		if (s.ssi_signo != (uint32_t)SIGRTMIN)
			r = want_broken(l, err);
		else if (s.ssi_fd >= 0 && fd < l->by_fd_len && l->by_fd[fd])
			r = want(l, &l->files[l->by_fd[fd] - 1], err);
	}
	return r;
}

/* Until FD is readable; what is wanted meanwhile is told at once, since the kernel's patience ends. */
static int wait_for(struct lazy *l, int fd, struct err *err)
{
	for (;;) {
		struct pollfd fds[] = { { fd, POLLIN, 0 }, { l->signal_fd, POLLIN, 0 } };
		int r = poll(fds, ARRAY_SIZE(fds), -1);

		if (r < 0 && errno != EINTR)
			return err_errno(err, errno, "wait");
		if (r > 0 && fds[1].revents) {
			r = take_signals(l, err);
			if (r < 0)
				return r;
		}
		if (fds[0].revents)
			return 0;
	}
}

/* --- filling --- */

/* Compressed bytes as they come. */
struct stream {
	struct lazy *lazy;
	struct inflate *inflate;
	int fd;
	const uint8_t *in;
	size_t in_len;
	uint64_t left; /* that may still be read */
};

/* 1: there are bytes; 0: the end. */
static int refill(struct stream *s, struct err *err)
{
	size_t want = s->left < IN_SIZE ? (size_t)s->left : IN_SIZE;
	ssize_t n;
	int r;

	do {
		r = want ? wait_for(s->lazy, s->fd, err) : 0;
		if (r < 0)
			return r;
		n = want ? read(s->fd, s->lazy->in, want) : 0;
	} while (n < 0 && (errno == EINTR || errno == EAGAIN));
	if (n < 0)
		return err_errno(err, errno, "read what comes");
	s->in = s->lazy->in;
	s->in_len = (size_t)n;
	s->left -= (uint64_t)n;
	return n > 0;
}

/* LEN bytes, at most OUT_SIZE, into l->out. */
static int decompress(struct stream *s, size_t len, struct err *err)
{
	uint8_t *out = s->lazy->out;

	for (;;) {
		int r = inflate_run(s->inflate, &s->in, &s->in_len, &out, &len, err);

		if (r < 0 || len == 0)
			return r;
		r = refill(s, err);
		if (r < 0)
			return r;
		if (r == 0)
			return err_set(err, EBADMSG, "its bytes end early");
	}
}

static int write_out(int fd, const uint8_t *p, size_t len, uint64_t offset, struct err *err)
{
	while (len > 0) {
		ssize_t n = pwrite(fd, p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "write");
		p += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int skip(struct stream *s, uint64_t len, struct err *err)
{
	int r = 0;

	while (r >= 0 && len > 0) {
		size_t n = len < OUT_SIZE ? (size_t)len : OUT_SIZE;

		r = decompress(s, n, err);
		len -= n;
	}
	return r;
}

static int fill_chunk(struct stream *s, const struct lazy_file *f, const struct toc_chunk *c, uint64_t offset,
		      struct err *err)
{
	struct digest digest;
	struct sha256 sha;

	sha256_init(&sha);
	for (uint64_t done = 0; done < c->size;) {
		size_t n = c->size - done < OUT_SIZE ? (size_t)(c->size - done) : OUT_SIZE;
		int r = decompress(s, n, err);

		if (r >= 0)
			r = write_out(f->fd, s->lazy->out, n, offset + done, err);
		if (r < 0)
			return r;
		sha256_add(&sha, s->lazy->out, n);
		done += n;
	}
	sha256_end(&sha, &digest);
	if (digest_equal(&digest, &c->digest))
		return 0;
	return err_set(err, EBADMSG, "its content is not what the image's table of contents says");
}

/* Writing has changed the time, and taken what lets a program do more than its user. */
static int restore(const struct lazy_file *f, struct err *err)
{
	const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { f->mtime, (long)f->mtime_nsec } };

	if (f->mode & 06000 && fchmod(f->fd, f->mode & 07777) < 0)
		return err_errno(err, errno, "set its mode");
	/* Where it could not be given at first, it is not missed now. */
	if (f->capability)
		(void)fsetxattr(f->fd, OWNER_ATTR_CAPABILITY, f->capability, f->capability_len, 0);
	return futimens(f->fd, times) < 0 ? err_errno(err, errno, "set its time") : 0;
}

static int fill_from(struct stream *s, struct lazy_file *f, struct err *err)
{
	struct lazy *l = s->lazy;
	uint64_t offset = 0;
	int r = skip(s, f->skip, err);

	for (size_t i = 0; r >= 0 && i < f->chunks_len; i++) {
		const struct toc_chunk *c = &l->chunks[f->chunks_from + i];

		r = fill_chunk(s, f, c, offset, err);
		offset += c->size;
	}
	if (r >= 0)
		r = restore(f, err);
	if (r < 0)
		return r;
	/* Whoever waits goes on from here. */
	l->by_fd[f->fd] = 0;
	close(TAKE_FD(f->fd));
	return 0;
}

static int fill(struct lazy *l, int fd, struct err *err)
{
	struct lazy_file *f = &l->files[l->queue[l->queue_done]];
	struct layer_lazy_event done = { .kind = LAYER_LAZY_DONE };
	struct stream s = { .lazy = l, .fd = fd, .left = f->end - f->from };
	int r = inflate_new(l->compression, &s.inflate, err);

	if (r >= 0)
		r = fill_from(&s, f, err);
	inflate_free(s.inflate);
	if (r < 0)
		return err_wrap(err, "'%.512s'", f->name);
	/* What is left belongs to others. It is taken, so that whoever sends it comes to its end. */
	do
		r = refill(&s, err);
	while (r > 0);
	if (r < 0)
		return r;
	l->queue_done++;
	free(TAKE_PTR(f->name));
	return tell(l, &done, err);
}

static int take_given(struct lazy *l, struct err *err)
{
	struct buf autobuf message = BUF_INIT(MSG_MAX + 1);
	autoclose int fd = -1;
	int r = msg_receive(l->job->sock, &message, &fd, 1, err);

	if (r < 0)
		return r;
	if (r != 1 || message.len != 1 || message.data[0] != WIRE_GIVE || l->queue_done == l->queue_len)
		return err_set(err, EPROTO, "bytes that nobody asked for");
	return fill(l, fd, err);
}

int lazy_serve(struct lazy *l, struct err *err)
{
	struct layer_lazy_event ready = { .kind = LAYER_LAZY_READY, .files = l->len };
	int r = tell(l, &ready, err);

	while (r >= 0) {
		r = wait_for(l, l->job->sock, err);
		if (r >= 0)
			r = take_given(l, err);
	}
	return r == -ECONNRESET ? 0 : r;
}
