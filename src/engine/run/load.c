/* A container from disk, as far as a start needs it. */
#include "engine/run/session.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Its name files are where live state is today. */
static int move_name_files(struct run_session *s, struct err *err)
{
	static const char *const names[] = { "hosts", "hostname", "resolv.conf" };

	for (size_t i = 0; i < s->spec.mounts.len; i++) {
		struct oci_mount *m = &s->spec.mounts.items[i];

		for (size_t k = 0; m->source && k < ARRAY_SIZE(names); k++) {
			char end[CONTAINER_ID_MAX + 32];

			snprintf(end, sizeof(end), "/files/%s/%s", s->id, names[k]);
			if (!str_ends_with(m->source, end))
				continue;
			free(m->source);
			m->source = path_join(s->files_dir, names[k]);
			if (!m->source)
				return err_oom(err);
		}
	}
	return 0;
}

/* The kernel empties a work folder that was used before, which takes longer than making one; a volatile one it refuses. */
static int renew_work(struct run_session *s, struct err *err)
{
	autofree char *path = str_format("containers/%s/work", s->id);
	int r = path ? store_trash(s->store, path, err) : err_oom(err);

	return r < 0 ? r : run_make_work(s, err);
}

static int read_files(struct run_session *s, struct err *err)
{
	int r = container_record_read_at(s->dir_fd, s->id, &s->record, err);

	if (r >= 0)
		r = container_userns_of(&s->record, s->store, &s->ids, &s->keep, err);
	if (r >= 0)
		r = oci_spec_read(s->dir_fd, "config.json", &s->spec, err);
	if (r < 0)
		return r;
	s->is_copy = s->spec.root_path && str_ends_with(s->spec.root_path, "/rootfs");
	s->is_written = true;
	return move_name_files(s, err);
}

int run_load(struct run_session *s, struct err *err)
{
	int r = run_session_set_paths(s, err);

	if (r >= 0 && s->live.fd < 0)
		r = container_live_take(s->store, s->id, &s->live, err);
	if (r < 0)
		return r;
	s->dir_fd = container_open(s->store, s->id, err);
	if (s->dir_fd < 0)
		return s->dir_fd;
	r = read_files(s, err);
	if (r >= 0 && !s->is_copy)
		r = run_open_recorded_image(s, err);
	if (r >= 0)
		r = run_mounts_hold(s, err);
	if (r >= 0 && !s->is_copy)
		r = renew_work(s, err);
	return r < 0 ? r : container_begin_life(s->dir_fd, s->restarts > 0, err);
}
