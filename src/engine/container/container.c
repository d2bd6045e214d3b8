#include "engine/container/container.h"

#include "base/cleanup.h"
#include "engine/container/group.h"
#include "engine/container/pause.h"
#include "engine/container/events.h"
#include "engine/container/state_json.h"
#include "engine/container/volumes.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

bool container_is_name(const char *name)
{
	size_t len = strlen(name);

	if (len < 2 || len >= CONTAINER_NAME_MAX || strchr("_.-", name[0]))
		return false;
	return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == len;
}

/* --- exit.json --- */

int container_exit_write(int dir_fd, const struct container_status *status, const char *error, struct err *err)
{
	autobuf struct buf text = BUF_INIT(STATE_JSON_MAX);
	autojson json_t *o = json_object();
	int r, bad = !o;

	bad |= state_add_time(o, "started", &status->started);
	bad |= state_add_time(o, "finished", &status->finished);
	bad |= json_add_int(o, "exitCode", status->exit_code);
	if (status->restarts)
		bad |= json_add_int(o, "restarts", status->restarts);
	if (status->oom_killed)
		bad |= json_add_bool(o, "oomKilled", true);
	bad |= json_add_string(o, "error", error);
	if (bad)
		return err_oom(err);
	r = json_write(o, &text, err);
	return r < 0 ? r : fs_write_file(dir_fd, "exit.json", text.data, text.len, 0600, FS_EXCLUSIVE, err);
}

static int read_exit(int dir_fd, struct container_status *ret, struct err *err)
{
	autojson json_t *root = NULL;
	int64_t code = 0;
	struct json_at top;
	int r = state_read(dir_fd, "exit.json", &root, err);

	if (r < 0)
		return r;
	top = json_top(root, "exit.json");
	r = json_check(&top, JSON_WANT_OBJECT, err);
	if (r >= 0)
		r = state_get_time(&top, "started", &ret->started, err);
	if (r >= 0)
		r = state_get_time(&top, "finished", &ret->finished, err);
	if (r >= 0)
		r = json_get_int(&top, "exitCode", 0, 255, &code, err);
	if (r >= 0)
		r = json_get_int(&top, "restarts", 0, INT32_MAX, &ret->restarts, err);
	if (r >= 0)
		r = json_get_bool(&top, "oomKilled", &ret->oom_killed, err);
	if (r < 0)
		return r;
	ret->phase = CONTAINER_EXITED;
	ret->exit_code = (int)code;
	return 0;
}

void container_exit_error(int dir_fd, char dst[static CONTAINER_ERROR_MAX])
{
	autojson json_t *root = NULL;
	autofree char *error = NULL;
	struct json_at top;

	dst[0] = '\0';
	if (state_read(dir_fd, "exit.json", &root, NULL) < 0)
		return;
	top = json_top(root, "exit.json");
	if (json_check(&top, JSON_WANT_OBJECT, NULL) >= 0 && json_get_string(&top, "error", &error, NULL) >= 0 && error)
		snprintf(dst, CONTAINER_ERROR_MAX, "%s", error);
}

int container_open_upper(int dir_fd, struct err *err)
{
	int fd;

	if (faccessat(dir_fd, "rootfs", F_OK, 0) == 0) {
		err_set(err, EOPNOTSUPP,
			"the container has a copy of its image, since the kernel refused an overlay: what it "
			"changed is not kept apart");
		return err_hint(err, "'cloche export' and 'cloche import' make an image of all its files");
	}
	fd = openat(dir_fd, "upper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_errno(err, errno, "open the container's files") : fd;
}

/* --- marks --- */

static int make_mark(int dir_fd, const char *name, struct err *err)
{
	autoclose int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	return fd < 0 ? err_errno(err, errno, "create '%s' in the container's folder", name) : 0;
}

int container_mark_created(int dir_fd, struct err *err)
{
	return make_mark(dir_fd, "created", err);
}

int container_mark_stopped(struct store *s, const char *id, struct err *err)
{
	autoclose int fd = container_open(s, id, err);

	return fd < 0 ? fd : make_mark(fd, "stopped", err);
}

int container_begin_life(int dir_fd, bool by_policy, struct err *err)
{
	/* In this order: one that is killed in between has been started, and has ended. */
	static const char *const names[] = { "created", "exit.json", "stopped" };

	for (size_t i = 0; i < ARRAY_SIZE(names) - by_policy; i++)
		if (unlinkat(dir_fd, names[i], 0) < 0 && errno != ENOENT)
			return err_errno(err, errno, "remove '%s' from the container's folder", names[i]);
	return 0;
}

/* --- status --- */

enum container_phase container_shown_phase(const struct container_status *st)
{
	return st->phase == CONTAINER_STARTING && st->finished.tv_sec ? CONTAINER_EXITED : st->phase;
}

const char *container_state_name(const struct container_status *st)
{
	static const char *const names[] = { "created", "created", "running", "restarting", "exited", "exited" };

	return st->paused ? "paused" : names[container_shown_phase(st)];
}

static void set_alive(struct container_status *st, const struct live_line *line, bool begun)
{
	st->phase = CONTAINER_STARTING;
	if (!begun)
		return;
	st->restarts = line->restarts;
	if (line->pid > 0) {
		st->phase = CONTAINER_RUNNING;
		st->pid = line->pid;
		st->started = line->since;
	} else {
		st->phase = CONTAINER_RESTARTING;
		st->finished = line->since;
		st->exit_code = line->exit_code;
	}
}

/* A command may hold one that has ended without starting it, as `cp` does: it is still what its folder says. */
static void keep_last_life(struct container_status *st, const struct container_status *ended)
{
	if (st->phase != CONTAINER_STARTING || ended->phase != CONTAINER_EXITED)
		return;
	st->started = ended->started;
	st->finished = ended->finished;
	st->exit_code = ended->exit_code;
	st->oom_killed = ended->oom_killed;
}

void container_status_of_live(struct store *s, const struct live_seen *seen, struct container_status *ret)
{
	struct container_status status = { .phase = CONTAINER_CREATED };

	set_alive(&status, &seen->line, seen->begun);
	keep_last_life(&status, ret);
	if (status.phase == CONTAINER_RUNNING)
		status.paused = container_is_paused(s, seen->id);
	*ret = status;
}

/* What the folder says of a container that nobody holds. */
static int read_ended(int dir_fd, struct container_status *st, struct err *err)
{
	int r = read_exit(dir_fd, st, err);

	if (r != -ENOENT)
		return r;
	err_clear(err);
	if (faccessat(dir_fd, "created", F_OK, 0) == 0)
		return 0;
	st->phase = CONTAINER_LOST;
	st->exit_code = 137;
	return 0;
}

static int open_ended(struct store *s, const char *id, struct container_status *st, struct err *err)
{
	autoclose int fd = container_open(s, id, err);

	return fd < 0 ? fd : read_ended(fd, st, err);
}

int container_status_read_at(struct store *s, const char *id, int dir_fd, struct container_status *ret, struct err *err)
{
	struct container_status status = { .phase = CONTAINER_CREATED };
	struct live_line line;
	bool begun;
	int r = 0;

	/* Between a look at its lock and one at its folder a life may begin, and even end: lost is what looks so twice. */
	for (int looks = 0; looks < 2 && r == 0 && (looks == 0 || status.phase == CONTAINER_LOST); looks++) {
		status = (struct container_status){ .phase = CONTAINER_CREATED };
		r = container_live_read(s, id, &line, &begun, err);
		if (r == 1)
			set_alive(&status, &line, begun);
		else if (r == 0)
			r = dir_fd < 0 ? open_ended(s, id, &status, err) : read_ended(dir_fd, &status, err);
	}
	if (status.phase == CONTAINER_STARTING) {
		struct container_status ended = { .phase = CONTAINER_CREATED };

		if ((dir_fd < 0 ? open_ended(s, id, &ended, NULL) : read_ended(dir_fd, &ended, NULL)) == 0)
			keep_last_life(&status, &ended);
	}
	if (status.phase == CONTAINER_RUNNING)
		status.paused = container_is_paused(s, id);
	if (r >= 0)
		*ret = status;
	return r < 0 ? r : 0;
}

int container_status_read(struct store *s, const char *id, struct container_status *ret, struct err *err)
{
	return container_status_read_at(s, id, -1, ret, err);
}

/* --- ends --- */

int container_pidfd(struct store *s, const char *id, pid_t *ret_pid, struct err *err)
{
	struct container_status before, after;
	autoclose int fd = -1;
	int r = container_status_read(s, id, &before, err);

	if (r < 0)
		return r;
	if (before.phase != CONTAINER_RUNNING)
		return err_set(err, ESRCH, "container %.12s is not running", id);
	fd = (int)syscall(SYS_pidfd_open, before.pid, 0);
	if (fd < 0)
		return err_errno(err, errno, "open process %d of container %.12s", (int)before.pid, id);
	/* The number is its own only if the container still ran after we had the descriptor. */
	r = container_status_read(s, id, &after, err);
	if (r < 0)
		return r;
	if (after.phase != CONTAINER_RUNNING || after.pid != before.pid)
		return err_set(err, ESRCH, "container %.12s is not running", id);
	if (ret_pid)
		*ret_pid = before.pid;
	return TAKE_FD(fd);
}

static int remove_it(struct store *s, const char *id, bool volumes, struct err *err)
{
	autolive struct container_live live = CONTAINER_LIVE_INIT;
	autorecord struct container_record record = { 0 };
	int r = container_live_take(s, id, &live, err);

	if (r < 0)
		return r;
	/* A container whose maker was killed has no record yet. */
	container_record_read(s, id, &record, NULL);
	/* First, so that if we are killed in between there still is somebody who knows of them. */
	if (volumes)
		volumes_remove_anonymous(s, &record);
	r = container_trash(s, id, record.name, err);
	if (r >= 0)
		container_event(s, &record, "destroy", NULL);
	return r;
}

int container_remove(struct store *s, const char *id, struct err *err)
{
	return remove_it(s, id, false, err);
}

int container_remove_all(struct store *s, const char *id, struct err *err)
{
	return remove_it(s, id, true, err);
}
