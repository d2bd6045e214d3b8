/* From an image to the folders that an overlay is made of. */
#include "engine/run/session.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "engine/image/find.h"
#include "engine/skeleton.h"
#include "layer/ensure.h"
#include "store/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static void on_pull(const char *text, void *arg)
{
	run_tell(arg, false, "%s", text);
}

/* --- lazily --- */

/* In the server: its command's helpers are to end with the command. */
static void let_go(void *arg)
{
	struct run_session *s = arg;

	if (s->supervisor.control >= 0)
		close(s->supervisor.control);
	run_network_leave(&s->network);
}

/* Only what lives and dies with this command can be lazy: a monitor would have to serve it. */
static bool may_be_lazy(struct run_session *s, const struct run_options *o)
{
	const char *why = o->detach			? "with -d"
			  : o->tty			? "with -t"
			  : !o->remove			? "without --rm"
			  : o->restart || o->health_cmd ? "with restarts or health checks"
			  : o->userns			? "with --userns"
			  : o->attach.len		? "with --attach"
			  : s->store->copies_only	? "where the kernel mounts no overlay"
							: NULL;

	if (why)
		run_notice(s, "--lazy does nothing %s: the image is pulled first", why);
	return !why;
}

/* 1: opened, and on its way; 0: there is nothing to be lazy about. */
static int open_lazily(struct run_session *s, const struct run_order *order, enum pull_policy policy, struct err *err)
{
	struct engine e = { .ids = s->ids, .store = s->store };
	int r = policy == PULL_MISSING ? store_image_open(s->store, order->image, &s->image, NULL) : -ENOENT;

	if (r >= 0)
		return 1;
	if (policy == PULL_NEVER || order->options->platform || !image_may_be_elsewhere(order->image) ||
	    !may_be_lazy(s, order->options))
		return 0;
	r = lazy_image_open(&e, order->image, let_go, s, &s->lazy, err);
	if (r == 0 && s->lazy.notice && s->lazy.notice[0])
		run_notice(s, "not lazily: %s", s->lazy.notice);
	if (r > 0)
		r = store_image_open_manifest(s->store, &s->lazy.manifest, &s->image, err);
	if (r < 0 || s->lazy.sock < 0)
		return r;
	if (s->image.config.has_health && !order->options->no_healthcheck) {
		run_notice(s, "not lazily: the image has a health check");
		store_image_done(&s->image);
		s->image = (struct store_image){ 0 };
		lazy_image_done(&s->lazy, NULL, NULL);
		return 0;
	}
	return 1;
}

int run_lazy_guard(const struct run_session *s, struct err *err)
{
	const int fds[] = { s->supervisor.process.pidfd, s->lazy.alarm };
	int guard = epoll_create1(EPOLL_CLOEXEC);

	if (guard < 0)
		return err_errno(err, errno, "make an epoll");
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		struct epoll_event e = { .events = EPOLLIN };

		if (fds[i] >= 0 && epoll_ctl(guard, EPOLL_CTL_ADD, fds[i], &e) < 0) {
			int r = err_errno(err, errno, "watch");

			close(guard);
			return r;
		}
	}
	return guard;
}

/* --- the image --- */

static int open_image(struct run_session *s, const struct run_order *order, struct err *err)
{
	struct engine e = { .ids = s->ids, .store = s->store };
	enum pull_policy policy;
	int r = pull_policy_parse(order->options->pull, PULL_MISSING, &policy, err);

	if (r < 0)
		return r;
	r = order->options->lazy ? open_lazily(s, order, policy, err) : 0;
	if (r == 0)
		r = image_find(&e, order->image, policy, on_pull, s, &s->image, err);
	return r < 0 ? err_wrap(err, "image '%s'", order->image) : 0;
}

static bool word_is(const char *have, const char *text, size_t len)
{
	return have && strlen(have) == len && memcmp(have, text, len) == 0;
}

/* --platform must be the image's, and the image's this machine's. */
static int check_platform(const struct run_session *s, const char *wanted, struct err *err)
{
	const char *arch = s->image.config.architecture;

	if (wanted) {
		const char *slash = strchr(wanted, '/'), *word = slash ? slash + 1 : wanted;
		size_t len = strcspn(word, "/");

		if ((slash && strncmp(wanted, "linux/", 6) != 0) || !word_is(arch, word, len))
			return err_set(err, EINVAL, "--platform '%s': the image is for linux/%s", wanted,
				       arch ? arch : "?");
	}
	if (arch && *arch && strcmp(arch, platform_architecture()) != 0)
		run_notice(s, "the image is for linux/%s, this machine is linux/%s", arch, platform_architecture());
	return 0;
}

static int add_lower(struct run_session *s, size_t layer, struct err *err)
{
	char path[LAYER_DIR_MAX];
	autofree char *full = NULL;
	int fd;

	layer_path(s->store, &s->image.config.diff_ids[layer], path);
	if (layer < s->lazy.layers && s->lazy.folders[layer])
		full = strdup(s->lazy.folders[layer]);
	else
		full = str_format("%s/%s/fs", s->store->root, path);
	if (!full)
		return err_oom(err);
	fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, errno, "open layer '%s'", full);
	s->layer_fds[s->layer_fds_len++] = fd;
	return strv_take(&s->lowers, TAKE_PTR(full)) < 0 ? err_oom(err) : 0;
}

static int open_lowers(struct run_session *s, struct err *err)
{
	char *skeleton = NULL;
	int r;

	if (s->image.config.diff_ids_len >= LAYERED_MAX)
		return err_set(err, E2BIG, "the image has more than %d layers", LAYERED_MAX - 1);
	for (size_t i = s->image.config.diff_ids_len; i-- > 0;) {
		r = image_config_layer_again(&s->image.config, i) ? 0 : add_lower(s, i, err);
		if (r < 0)
			return r;
	}
	r = skeleton_ensure(s->store, &skeleton, err);
	if (r < 0)
		return r;
	return strv_take(&s->lowers, skeleton) < 0 ? err_oom(err) : 0;
}

int run_find_layers(struct run_session *s, struct err *err)
{
	uint64_t start = time_now_us();
	int r = s->lazy.sock >= 0 ? 0 : layers_ensure(s->store, &s->ids, &s->image, err);

	if (r >= 0)
		r = open_lowers(s, err);
	run_report(s, start, "find the unpacked layers", "open(\"layers/…/fs\", O_DIRECTORY)",
		   "shared by all containers of the image, never written to");
	return r;
}

void run_drop_layers(struct run_session *s)
{
	for (size_t i = 0; i < s->layer_fds_len; i++)
		close(s->layer_fds[i]);
	s->layer_fds_len = 0;
	strv_done(&s->lowers);
	s->lowers = (struct strv){ 0 };
}

int run_open_image(struct run_session *s, const struct run_order *order, struct err *err)
{
	uint64_t start = time_now_us();
	int r = open_image(s, order, err);

	if (r >= 0)
		r = check_platform(s, order->options->platform, err);
	if (r < 0)
		return r;
	run_report(s, start, "look up the image", "open(\"refs/…\"), open(\"blobs/sha256/…\")",
		   "the name leads to a manifest, and that to a configuration");
	r = run_userns_settle(s, order->options, err);
	return r < 0 ? r : run_find_layers(s, err);
}

int run_open_recorded_image(struct run_session *s, struct err *err)
{
	uint64_t start = time_now_us();
	struct digest manifest;
	int r = digest_parse(s->record.manifest ? s->record.manifest : "", &manifest, err);

	if (r >= 0)
		r = store_image_open_manifest(s->store, &manifest, &s->image, err);
	if (r < 0)
		return err_wrap(err, "its image '%s'", s->record.image ? s->record.image : "?");
	run_report(s, start, "look up the image", "open(\"blobs/sha256/…\")",
		   "the container keeps it, whatever its name means today");
	return run_find_layers(s, err);
}
