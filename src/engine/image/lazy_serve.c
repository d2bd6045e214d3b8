/* The server of a lazy image: its trees, its background, its life. */
#include "engine/image/lazy_impl.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"
#include "codec/toc_place.h"
#include "engine/image/load_impl.h"
#include "layer/ensure.h"
#include "store/blob.h"
#include "store/layers.h"
#include "sys/fs.h"
#include "sys/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANNOTATION_STARGZ_TOC "containerd.io/snapshot/stargz/toc.digest"
#define ANNOTATION_CHUNKED_TOC "io.github.containers.zstd-chunked.manifest-checksum"
#define ANNOTATION_CHUNKED_POSITION "io.github.containers.zstd-chunked.manifest-position"

/* Compressed, the table is smaller than what the layer helper takes of it. */
enum { TOC_BYTES_MAX = 16 << 20, FOREVER_S = 600, PATIENCE_MIN_S = 8 };

/* --- which layers --- */

/* Does the manifest vouch for a table of contents of this layer? */
static bool has_toc(const struct descriptor *d, struct lazy_layer *ret)
{
	const char *stargz = str_map_get(&d->annotations, ANNOTATION_STARGZ_TOC);
	const char *chunked = str_map_get(&d->annotations, ANNOTATION_CHUNKED_TOC);

	ret->kind = stargz ? LAYER_TOC_ESTARGZ : LAYER_TOC_CHUNKED;
	if (!stargz && (!chunked || !str_map_get(&d->annotations, ANNOTATION_CHUNKED_POSITION)))
		return false;
	return digest_parse(stargz ? stargz : chunked, &ret->toc_digest, NULL) >= 0;
}

static int choose_layers(struct lazy_server *s, struct err *err)
{
	const struct image_manifest *m = &s->pull.manifest;

	if (s->config.diff_ids_len != m->layers_len)
		return err_set(err, EBADMSG, "the manifest has %zu layers, the configuration %zu diff ids",
			       m->layers_len, s->config.diff_ids_len);
	s->layers = calloc(m->layers_len ? m->layers_len : 1, sizeof(*s->layers));
	if (!s->layers)
		return err_oom(err);
	for (size_t i = 0; i < m->layers_len; i++) {
		struct lazy_layer *layer = &s->layers[s->layers_len];
		int r = layer_exists(s->engine->store, &s->config.diff_ids[i], err);

		if (r < 0)
			return r;
		/* One that is in the image twice is brought once. */
		if (r > 0 || image_config_layer_again(&s->config, i) || !has_toc(&m->layers[i], layer))
			continue;
		layer->descriptor = &m->layers[i];
		layer->index = i;
		snprintf(layer->folder, sizeof(layer->folder), "lazy%zu", i);
		s->layers_len++;
	}
	return 0;
}

/* --- their tables and trees --- */

/* SIZE bytes of LAYER from OFFSET on, as a memory file. */
static int get_part(struct lazy_server *s, const struct lazy_layer *layer, uint64_t offset, uint64_t size,
		    struct err *err)
{
	autoclose int fd = memfd_create("toc", MFD_CLOEXEC);
	uint64_t transfer;
	int r;

	if (size > TOC_BYTES_MAX)
		return err_set(err, E2BIG, "its table of contents is larger than %d MiB", TOC_BYTES_MAX >> 20);
	if (fd < 0)
		return err_errno(err, errno, "make a memory file");
	r = registry_start_part(s->pull.remote.registry, s->pull.remote.repo, &layer->descriptor->digest, offset, size,
				fd, &transfer, err);
	if (r >= 0)
		r = registry_wait(s->pull.remote.registry, transfer, err);
	if (r >= 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = err_errno(err, errno, "read a memory file");
	return r < 0 ? r : TAKE_FD(fd);
}

static int find_toc(struct lazy_server *s, const struct lazy_layer *layer, struct toc_place *ret, struct err *err)
{
	const struct descriptor *d = layer->descriptor;
	uint8_t footer[ESTARGZ_FOOTER_SIZE];
	autoclose int fd = -1;

	if (layer->kind == LAYER_TOC_CHUNKED)
		return chunked_position_parse(str_map_get(&d->annotations, ANNOTATION_CHUNKED_POSITION), d->size, ret,
					      err);
	if (d->size <= ESTARGZ_FOOTER_SIZE)
		return err_set(err, EBADMSG, "it is too small to be an eStargz");
	fd = get_part(s, layer, d->size - ESTARGZ_FOOTER_SIZE, ESTARGZ_FOOTER_SIZE, err);
	if (fd < 0)
		return fd;
	if (read(fd, footer, sizeof(footer)) != (ssize_t)sizeof(footer))
		return err_set(err, EBADMSG, "its end has not come");
	return estargz_footer_parse(footer, d->size, ret, err);
}

static int start_layer(struct lazy_server *s, struct lazy_layer *layer, struct err *err)
{
	struct layer_request q = { .verb = LAYER_LAZY, .ids = &s->engine->ids };
	struct layer_lazy_event event;
	autoclose int toc = -1, folder = -1;
	struct toc_place place;
	int r = find_toc(s, layer, &place, err);

	if (r < 0)
		return r;
	toc = get_part(s, layer, place.offset, place.size, err);
	if (toc < 0)
		return toc;
	if (mkdirat(s->tmp.dir_fd, layer->folder, 0700) < 0)
		return err_errno(err, errno, "make a folder");
	folder = openat(s->tmp.dir_fd, layer->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return err_errno(err, errno, "open a folder");
	q.lazy = (struct layer_lazy){ .apply = { .in = { .fd = toc }, .dir_fd = folder, .name = "fs" },
				      .kind = layer->kind,
				      .toc_digest = layer->toc_digest,
				      .data_end = place.offset };
	r = layer_job_start(&q, &layer->job, err);
	if (r >= 0)
		r = layer_lazy_next(layer->job, &event, err);
	if (r >= 0 && event.kind != LAYER_LAZY_READY)
		r = err_set(err, EPROTO, "the layer helper says what makes no sense");
	return r;
}

/* A layer that can't be lazy is brought whole, like those that have no table. Only what no layer would survive is an error. */
static int start_layers(struct lazy_server *s, struct buf *why, struct err *err)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->layers_len; i++) {
		struct lazy_layer *layer = &s->layers[i];
		struct err reason = { 0 };
		int r = start_layer(s, layer, &reason);

		if (r == -EACCES || r == -ECONNREFUSED || r == -ETIMEDOUT || r == -ENOSPC || r == -EDQUOT) {
			*err = reason;
			return r;
		}
		if (r >= 0) {
			s->layers[kept++] = *layer;
			continue;
		}
		layer_job_free(TAKE_PTR(layer->job));
		if (why->len == 0)
			buf_addf(why, "layer %zu of %zu: %s", layer->index + 1, s->pull.manifest.layers_len,
				 reason.msg);
	}
	s->layers_len = kept;
	return 0;
}

/* --- what has to be there first --- */

static int bring_others(struct lazy_server *s, struct err *err)
{
	const struct image_manifest *m = &s->pull.manifest;
	autofree bool *left_out = calloc(m->layers_len ? m->layers_len : 1, sizeof(*left_out));
	struct loader l = {
		.engine = s->engine, .tmp = &s->tmp, .registry = s->pull.remote.registry, .repo = s->pull.remote.repo
	};
	int r = 0;

	if (!left_out)
		return err_oom(err);
	for (size_t i = 0; r >= 0 && i < m->layers_len; i++) {
		r = layer_exists(s->engine->store, &s->config.diff_ids[i], err);
		left_out[i] = r > 0 || image_config_layer_again(&s->config, i);
	}
	for (size_t i = 0; i < s->layers_len; i++)
		left_out[s->layers[i].index] = true;
	if (r >= 0)
		r = load_bring_rest(&l, m, &s->config, left_out, err);
	if (r >= 0)
		r = blob_put(s->engine->store, buf_str(&s->config_text), s->config_text.len, NULL, err);
	return r < 0 ? r : blob_put(s->engine->store, buf_str(&s->pull.text), s->pull.text.len, NULL, err);
}

/* As the command: by registries.conf, mirrors first. */
static int open_pull(struct lazy_server *s, struct err *err)
{
	static const struct pull_events none = { 0 };
	const struct remote_options options = { 0 };
	bool mirror = true;
	int r = -ENXIO;

	for (s->place = 0; r < 0 && mirror; s->place++) {
		err_clear(err);
		s->pull = (struct pulling){ .engine = s->engine,
					    .events = &none,
					    .text = BUF_INIT(REGISTRY_DOCUMENT_MAX + 1) };
		r = remote_open(&options, s->image, s->place, &s->pull.remote, err);
		mirror = s->pull.remote.is_mirror;
		if (r >= 0) {
			reference_format(&s->pull.remote.ref, s->pull.result.name);
			r = platform_parse(NULL, &s->pull.platform, err);
		}
		if (r >= 0)
			r = pulling_get_manifest(&s->pull, err);
		if (r >= 0)
			return pulling_get_config(&s->pull, &s->config_text, &s->config, err);
		pulling_done(&s->pull);
	}
	return r;
}

static int read_patience(struct lazy_server *s, struct err *err)
{
	struct buf autobuf text = BUF_INIT(64);
	uint64_t seconds = 45;
	int r = fs_read_file(AT_FDCWD, "/proc/sys/fs/lease-break-time", 32, &text, err);

	if (r < 0)
		return r;
	if (text.len && text.data[text.len - 1] == '\n')
		text.data[text.len - 1] = '\0';
	if (num_parse_u64(buf_str(&text), 10, &seconds) < 0)
		return err_set(err, EOPNOTSUPP, "fs.lease-break-time is no number");
	/* 0: for ever. */
	if (seconds > 0 && seconds < PATIENCE_MIN_S)
		return err_set(err, EOPNOTSUPP,
			       "the kernel lets programs wait for only %" PRIu64 " s "
			       "(fs.lease-break-time)",
			       seconds);
	s->patience_us = (seconds == 0 || seconds > FOREVER_S ? FOREVER_S : seconds - seconds / 8 - 1) * 1000000;
	return 0;
}

/* 1: there are layers to start with; 0: not, and WHY says it. */
static int prepare(struct lazy_server *s, struct buf *why, struct err *err)
{
	struct err no = { 0 };
	int r;

	if (read_patience(s, &no) < 0) {
		buf_addf(why, "%s", no.msg);
		return 0;
	}
	r = open_pull(s, err);
	if (r >= 0)
		r = choose_layers(s, err);
	if (r < 0)
		return r;
	if (s->layers_len == 0)
		return 0;
	r = store_tmp_open(s->engine->store, &s->tmp, err);
	if (r >= 0)
		r = start_layers(s, why, err);
	if (r < 0 || s->layers_len == 0)
		return r < 0 ? r : 0;
	r = bring_others(s, err);
	return r < 0 ? r : 1;
}

static int tell_ready(struct lazy_server *s, struct err *err)
{
	size_t len = s->pull.manifest.layers_len;
	autofree const char **texts = calloc(len + 1, sizeof(*texts));
	autostrv struct strv folders = { 0 };
	char digest[DIGEST_STR_MAX];
	int r = 0;

	if (!texts)
		return err_oom(err);
	digest_format(&s->pull.result.manifest, digest);
	texts[0] = digest;
	for (size_t i = 0; i < len; i++)
		texts[i + 1] = "";
	for (size_t i = 0; r >= 0 && i < s->layers_len; i++)
		r = strv_addf(&folders, "%s/%s/%s/fs", s->engine->store->root, s->tmp.name, s->layers[i].folder);
	if (r < 0)
		return err_oom(err);
	for (size_t i = 0; i < s->layers_len; i++)
		texts[s->layers[i].index + 1] = folders.items[i];
	return lazy_send(s->sock, LAZY_READY, texts, len + 1, err);
}

/* --- the background --- */

/* The pull as any other, with a connection of its own. What the server has opened is not touched, but for what was read. */
static int pull_all(struct lazy_server *s, struct err *err)
{
	const struct remote_options options = { 0 };
	struct store_tmp autotmp tmp = STORE_TMP_INIT;
	int r = remote_open(&options, s->image, s->place, &s->pull.remote, err);

	if (r >= 0)
		r = store_tmp_open(s->engine->store, &tmp, err);
	if (r >= 0)
		r = pulling_bring(&s->pull, &tmp, err);
	return r < 0 ? r : pulling_name(&s->pull, err);
}

static _Noreturn void be_background(struct lazy_server *s, pid_t server)
{
	struct err err = { 0 };
	int r;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != server)
		_exit(1);
	close(TAKE_FD(s->alarm));
	r = pull_all(s, &err);
	registry_close(s->pull.remote.registry);
	if (r < 0) {
		autofree char *text = str_format("the rest of the image can't be brought: %s", err.msg);
		const char *texts[] = { text ? text : "the rest of the image can't be brought" };

		lazy_send(s->sock, LAZY_NOTICE, texts, 1, NULL);
	}
	_exit(r < 0);
}

static int start_background(struct lazy_server *s, struct err *err)
{
	pid_t self = getpid(), pid = fork();

	if (pid == 0)
		be_background(s, self);
	if (pid < 0)
		return err_errno(err, errno, "make a process");
	s->background.pid = pid;
	s->background.pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	return s->background.pidfd < 0 ? err_errno(err, errno, "open a pidfd") : 0;
}

static int background_ended(struct lazy_server *s, struct err *err)
{
	int status, r;

	epoll_ctl(s->events, EPOLL_CTL_DEL, s->background.pidfd, NULL);
	r = process_wait(&s->background, &status, err);
	s->is_whole = r >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	return r;
}

/* --- the life --- */

static int watch(struct lazy_server *s, int fd, void *what, struct err *err)
{
	struct epoll_event e = { .events = EPOLLIN, .data = { .ptr = what } };

	return epoll_ctl(s->events, EPOLL_CTL_ADD, fd, &e) < 0 ? err_errno(err, errno, "watch") : 0;
}

static int watch_all(struct lazy_server *s, struct err *err)
{
	int r;

	s->events = epoll_create1(EPOLL_CLOEXEC);
	s->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (s->events < 0 || s->timer < 0)
		return err_errno(err, errno, "make an epoll");
	r = watch(s, s->sock, &s->sock, err);
	if (r >= 0)
		r = watch(s, s->timer, &s->timer, err);
	if (r >= 0)
		r = watch(s, s->background.pidfd, &s->background, err);
	for (size_t i = 0; r >= 0 && i < s->layers_len; i++)
		r = watch(s, layer_job_fd(s->layers[i].job), &s->layers[i], err);
	return r;
}

/* What the command says: which process the container is, and by its end that it is over. 1: over. */
static int hear_command(struct lazy_server *s, struct err *err)
{
	struct buf autobuf message = BUF_INIT(MSG_MAX + 1);
	int fd = -1, r = msg_receive(s->sock, &message, &fd, 1, NULL);

	if (r > 0 && s->container < 0) {
		s->container = fd;
		return watch(s, fd, &s->container, err);
	}
	if (fd >= 0)
		close(fd);
	if (r >= 0)
		return 0;
	/* Killed, perhaps; then the container is about to be. */
	epoll_ctl(s->events, EPOLL_CTL_DEL, s->sock, NULL);
	s->is_alone = true;
	return s->container < 0;
}

/* 1: it is over. */
static int dispatch(struct lazy_server *s, void *what, struct err *err)
{
	if (what == &s->sock)
		return hear_command(s, err);
	if (what == &s->container) {
		epoll_ctl(s->events, EPOLL_CTL_DEL, s->container, NULL);
		close(TAKE_FD(s->container));
		return s->is_alone;
	}
	if (what == &s->background)
		return background_ended(s, err);
	return what == &s->timer ? 0 : lazy_take_event(s, what, err);
}

static int serve(struct lazy_server *s, struct err *err)
{
	int r = 0;

	while (r == 0) {
		struct epoll_event e;

		r = lazy_check_deadlines(s, err);
		if (r >= 0)
			r = registry_pump(s->pull.remote.registry, s->events, err);
		if (r >= 0 && epoll_wait(s->events, &e, 1, 0) > 0)
			r = dispatch(s, e.data.ptr, err);
	}
	return r;
}

static void tell_error(struct lazy_server *s, const struct err *err)
{
	char code[16];
	const char *texts[] = { code, err->msg, err->hint };

	snprintf(code, sizeof(code), "%d", err->code);
	lazy_send(s->sock, LAZY_ERROR, texts, ARRAY_SIZE(texts), NULL);
}

/* Everything stays held until nobody can read any more: the command has ended the container, or has itself ended and so it. */
static void fail(struct lazy_server *s, const struct err *err)
{
	struct pollfd f = { s->sock, POLLIN, 0 };

	tell_error(s, err);
	close(TAKE_FD(s->alarm));
	while (s->sock >= 0 && !s->is_alone) {
		struct err ignored = { 0 };

		if (poll(&f, 1, -1) > 0)
			hear_command(s, &ignored);
	}
	if (s->container >= 0) {
		f.fd = s->container;
		while (poll(&f, 1, -1) <= 0)
			;
	}
}

static void tidy(struct lazy_server *s)
{
	process_done(&s->background);
	for (size_t i = 0; i < s->layers_len; i++)
		layer_job_free(s->layers[i].job);
	lazy_wants_done(s);
	store_tmp_done(&s->tmp);
	pulling_done(&s->pull);
	layers_sweep(s->engine->store, &s->engine->ids);
	close(s->sock);
}

static int run(struct lazy_server *s, struct err *err)
{
	struct buf autobuf why = BUF_INIT(4096);
	int r = prepare(s, &why, err);

	if (r == 0) {
		const char *texts[] = { buf_str(&why) };

		return lazy_send(s->sock, LAZY_FALLBACK, texts, 1, err);
	}
	if (r >= 0)
		r = start_background(s, err);
	if (r >= 0)
		r = watch_all(s, err);
	if (r >= 0)
		r = tell_ready(s, err);
	return r < 0 ? r : serve(s, err);
}

void lazy_server_run(struct lazy_server *s)
{
	struct err err = { 0 };

	if (run(s, &err) < 0)
		fail(s, &err);
	tidy(s);
}
