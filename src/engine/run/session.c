#include "engine/run/session.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/timefmt.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void run_session_done(struct run_session *s)
{
	intercept_helper_done(&s->supervisor);
	lazy_image_done(&s->lazy, s->callbacks->on_notice, s->callbacks->arg);
	run_network_done(&s->network);
	container_live_done(&s->live);
	oci_spec_done(&s->spec);
	container_record_done(&s->record);
	run_shares_done(&s->shares);
	run_mounts_release(s);
	run_mounts_done(&s->mounts);
	for (size_t i = 0; i < s->layer_fds_len; i++)
		close(s->layer_fds[i]);
	if (s->dir_fd >= 0)
		close(s->dir_fd);
	strv_done(&s->lowers);
	store_image_done(&s->image);
	if (s->ids_lock >= 0)
		close(s->ids_lock);
	free(s->userns);
	free(s->dir);
	free(s->files_dir);
	free(s->rootfs);
	store_close(s->store);
}

void run_report(const struct run_session *s, uint64_t start_us, const char *what, const char *call, const char *effect)
{
	struct runtime_step step = { .what = what, .call = call, .effect = effect };

	if (!s->callbacks->on_step)
		return;
	step.ns = (time_now_us() - start_us) * 1000;
	s->callbacks->on_step(&step, s->callbacks->arg);
}

void run_tell(const struct run_session *s, bool even_if_quiet, const char *fmt, ...)
{
	autofree char *text = NULL;
	va_list ap;

	if (!s->callbacks->on_notice || (s->quiet && !even_if_quiet))
		return;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) >= 0)
		s->callbacks->on_notice(text, s->callbacks->arg);
	va_end(ap);
}

int run_session_open(struct run_session *s, const struct store_options *store, struct err *err)
{
	struct store_options where = *store;
	int r;

	where.single = s->ids.mode == ID_MODE_SINGLE;
	r = store_open(&where, &s->store, err);
	if (r >= 0)
		container_userns_use(s->store, &s->ids, &s->keep);
	return r;
}

int run_session_set_paths(struct run_session *s, struct err *err)
{
	if (store_run_fd(s->store, err) < 0)
		return -EIO;
	s->dir = str_format("%s/containers/%s", s->store->root, s->id);
	s->rootfs = path_join(s->store->root, "merged");
	s->files_dir = str_format("%s/files/%s", s->store->runroot, s->id);
	return s->dir && s->rootfs && s->files_dir ? 0 : err_oom(err);
}
