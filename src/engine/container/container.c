#include "engine/container/container.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "oci/json.h"
#include "sys/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { RECORD_MAX = 1 << 20, LIVE_MAX = 256, LIVE_PATH_MAX = 16 + CONTAINER_ID_MAX };

void container_record_done(struct container_record *r)
{
	char *owned[] = { r->id,       r->name,	   r->image, r->image_id,    r->manifest,
			  r->hostname, r->network, r->ids,   r->stop_signal, r->user };

	for (size_t i = 0; i < ARRAY_SIZE(owned); i++)
		free(owned[i]);
	strv_done(&r->args);
	strv_done(&r->labels);
	*r = (struct container_record){ 0 };
}

/* --- state.json --- */

static int add_time(json_t *object, const char *key, const struct timespec *t)
{
	char text[TIME_RFC3339_MAX];

	if (!t->tv_sec && !t->tv_nsec)
		return 0;
	time_format_rfc3339(*t, text);
	return json_add_string(object, key, text);
}

/* A new file, written in place: a reader that meets it half-written sees a container that is just being made. */
static int write_json(int dir_fd, const char *name, const json_t *object, struct err *err)
{
	autobuf struct buf text = BUF_INIT(RECORD_MAX);
	autoclose int fd = -1;
	int r = json_write(object, &text, err);

	if (r < 0)
		return r;
	fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, errno, "create '%s'", name);
	r = fs_write_all(fd, text.data, text.len, err);
	return r < 0 ? err_wrap(err, "'%s'", name) : 0;
}

int container_record_write(int dir_fd, const struct container_record *r, struct err *err)
{
	autojson json_t *o = json_object();
	int bad = !o;

	bad |= json_add_string(o, "id", r->id);
	bad |= json_add_string(o, "name", r->name);
	bad |= json_add_string(o, "image", r->image);
	bad |= json_add_string(o, "imageID", r->image_id);
	bad |= json_add_string(o, "manifest", r->manifest);
	bad |= add_time(o, "created", &r->created);
	bad |= json_add_strings(o, "args", &r->args, true);
	bad |= json_add_int(o, "entrypointLen", r->entrypoint_len);
	bad |= json_add_string(o, "user", r->user);
	bad |= json_add_strings(o, "labels", &r->labels, false);
	bad |= json_add_string(o, "hostname", r->hostname);
	bad |= json_add_string(o, "network", r->network);
	bad |= json_add_string(o, "ids", r->ids);
	bad |= json_add_string(o, "stopSignal", r->stop_signal);
	bad |= json_add_bool(o, "tty", r->tty);
	bad |= json_add_bool(o, "remove", r->remove);
	if (bad)
		return err_oom(err);
	return write_json(dir_fd, "state.json", o, err);
}

static int read_json(int dir_fd, const char *name, json_t **ret, struct err *err)
{
	autobuf struct buf text = BUF_INIT(RECORD_MAX);
	int r = fs_read_file(dir_fd, name, RECORD_MAX, &text, err);

	return r < 0 ? r : json_parse(buf_str(&text), text.len, name, ret, err);
}

static int get_time(const struct json_at *at, const char *key, struct timespec *ret, struct err *err)
{
	autofree char *text = NULL;
	int r = json_get_string(at, key, &text, err);

	if (r < 0 || !text)
		return r;
	return time_parse_rfc3339(text, ret) < 0 ? json_err(at, err, EBADMSG, "%s is not a time", key) : 0;
}

static int parse_record(const struct json_at *top, struct container_record *r, struct err *err)
{
	struct {
		const char *key;
		char **to;
	} strings[] = {
		{ "id", &r->id },
		{ "name", &r->name },
		{ "image", &r->image },
		{ "imageID", &r->image_id },
		{ "manifest", &r->manifest },
		{ "hostname", &r->hostname },
		{ "network", &r->network },
		{ "ids", &r->ids },
		{ "stopSignal", &r->stop_signal },
		{ "user", &r->user },
	};
	int result = json_check(top, JSON_WANT_OBJECT, err);

	for (size_t i = 0; result >= 0 && i < ARRAY_SIZE(strings); i++)
		result = json_get_string(top, strings[i].key, strings[i].to, err);
	if (result >= 0)
		result = get_time(top, "created", &r->created, err);
	if (result >= 0)
		result = json_get_strings(top, "args", &r->args, err);
	if (result >= 0)
		result = json_get_strings(top, "labels", &r->labels, err);
	if (result >= 0)
		result = json_get_int(top, "entrypointLen", 0, (int64_t)r->args.len, &r->entrypoint_len, err);
	if (result >= 0)
		result = json_get_bool(top, "tty", &r->tty, err);
	return result < 0 ? result : json_get_bool(top, "remove", &r->remove, err);
}

int container_record_read(struct store *s, const char *id, struct container_record *ret, struct err *err)
{
	struct container_record record = { 0 };
	autojson json_t *root = NULL;
	autoclose int fd = container_open(s, id, err);
	struct json_at top;
	int r = fd < 0 ? fd : read_json(fd, "state.json", &root, err);

	if (r >= 0) {
		top = json_top(root, "state.json");
		r = parse_record(&top, &record, err);
	}
	if (r >= 0 && !record.id && !(record.id = strdup(id)))
		r = err_oom(err);
	if (r < 0) {
		container_record_done(&record);
		return err_wrap(err, "container %.12s", id);
	}
	*ret = record;
	return 0;
}

/* --- exit.json --- */

int container_exit_write(int dir_fd, const struct container_status *status, struct err *err)
{
	autobuf struct buf text = BUF_INIT(RECORD_MAX);
	autojson json_t *o = json_object();
	int r, bad = !o;

	bad |= add_time(o, "started", &status->started);
	bad |= add_time(o, "finished", &status->finished);
	bad |= json_add_int(o, "exitCode", status->exit_code);
	bad |= json_add_string(o, "error", status->error);
	if (bad)
		return err_oom(err);
	r = json_write(o, &text, err);
	return r < 0 ? r : fs_write_file(dir_fd, "exit.json", text.data, text.len, 0600, FS_EXCLUSIVE, err);
}

static int read_exit(int dir_fd, struct container_status *ret, struct err *err)
{
	autojson json_t *root = NULL;
	autofree char *error = NULL;
	int64_t code = 0;
	struct json_at top;
	int r = read_json(dir_fd, "exit.json", &root, err);

	if (r < 0)
		return r;
	top = json_top(root, "exit.json");
	r = json_check(&top, JSON_WANT_OBJECT, err);
	if (r >= 0)
		r = get_time(&top, "started", &ret->started, err);
	if (r >= 0)
		r = get_time(&top, "finished", &ret->finished, err);
	if (r >= 0)
		r = json_get_int(&top, "exitCode", 0, 255, &code, err);
	if (r >= 0)
		r = json_get_string(&top, "error", &error, err);
	if (r < 0)
		return r;
	ret->phase = CONTAINER_EXITED;
	ret->exit_code = (int)code;
	snprintf(ret->error, sizeof(ret->error), "%s", error ? error : "");
	return 0;
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

/* --- live state --- */

static void live_path(const char *id, char dst[static LIVE_PATH_MAX])
{
	snprintf(dst, LIVE_PATH_MAX, "containers/%.64s", id);
}

/* The locked file must still be the one of that name: its last holder may have removed it meanwhile. */
static bool is_still_there(int dir_fd, const char *path, int fd)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && fstatat(dir_fd, path, &b, AT_SYMLINK_NOFOLLOW) == 0 && a.st_ino == b.st_ino;
}

int container_live_take(struct store *s, const char *id, struct container_live *ret, struct err *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct container_live l = { .fd = -1, .store = s };
	char path[LIVE_PATH_MAX];
	int run = store_run_fd(s, err);

	if (run < 0)
		return run;
	live_path(id, path);
	for (;;) {
		l.fd = openat(run, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (l.fd < 0 && errno == ENOENT && (mkdirat(run, "containers", 0700) == 0 || errno == EEXIST))
			continue;
		if (l.fd < 0)
			return err_errno(err, errno, "make live state '%s/%s'", s->runroot, path);
		if (fcntl(l.fd, F_OFD_SETLK, &lock) < 0) {
			close(l.fd);
			return err_set(err, EBUSY, "container %.12s is in use", id);
		}
		if (is_still_there(run, path, l.fd))
			break;
		close(l.fd);
	}
	snprintf(l.id, sizeof(l.id), "%s", id);
	*ret = l;
	return 0;
}

int container_live_running(struct container_live *l, pid_t pid, const struct timespec *started, struct err *err)
{
	char text[LIVE_MAX];
	int n = snprintf(text, sizeof(text), "%d %lld %ld\n", (int)pid, (long long)started->tv_sec, started->tv_nsec);

	if (pwrite(l->fd, text, (size_t)n, 0) != n)
		return err_errno(err, errno, "write live state of container %.12s", l->id);
	return 0;
}

static void remove_name_files(int run, const char *id)
{
	static const char *const names[] = { "/hosts", "/hostname", "/resolv.conf", "" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char path[LIVE_PATH_MAX + 16];

		snprintf(path, sizeof(path), "files/%.64s%s", id, names[i]);
		unlinkat(run, path, *names[i] ? 0 : AT_REMOVEDIR);
	}
}

void container_live_done(struct container_live *l)
{
	char path[LIVE_PATH_MAX];
	int run;

	if (l->fd < 0)
		return;
	run = store_run_fd(l->store, NULL);
	if (run >= 0) {
		remove_name_files(run, l->id);
		live_path(l->id, path);
		unlinkat(run, path, 0);
	}
	close(l->fd);
	*l = CONTAINER_LIVE_INIT;
}

/* Is the live file locked? Its content then goes into TEXT (LIVE_MAX bytes, NUL-terminated). 1, 0 or an error. */
static int read_live(struct store *s, const char *id, char text[static LIVE_MAX], struct err *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[LIVE_PATH_MAX];
	autoclose int fd = -1;
	int run = store_run_fd(s, err);
	ssize_t n;

	if (run < 0)
		return run;
	live_path(id, path);
	fd = openat(run, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_errno(err, errno, "open live state '%s/%s'", s->runroot, path);
	/* Asking takes no lock, so it never stands in the way of one who takes it. */
	if (fcntl(fd, F_OFD_GETLK, &lock) < 0)
		return err_errno(err, errno, "look at the lock '%s/%s'", s->runroot, path);
	if (lock.l_type == F_UNLCK)
		return 0;
	n = pread(fd, text, LIVE_MAX - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	return 1;
}

/* "<pid> <seconds> <nanoseconds>\n"; what is still empty has not begun. */
static int parse_live(char *text, struct container_status *ret)
{
	int64_t numbers[3];

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		char *word = strsep(&text, " \n");

		if (!word || num_parse_i64(word, &numbers[i]) < 0)
			return -EBADMSG;
	}
	ret->pid = (pid_t)numbers[0];
	ret->started = (struct timespec){ .tv_sec = numbers[1], .tv_nsec = numbers[2] };
	return 0;
}

const char *container_phase_name(enum container_phase phase)
{
	static const char *const names[] = { "created", "running", "exited", "exited" };

	return names[phase];
}

int container_status_read(struct store *s, const char *id, struct container_status *ret, struct err *err)
{
	struct container_status status = { .phase = CONTAINER_CREATED };
	char text[LIVE_MAX];
	autoclose int fd = -1;
	int r = read_live(s, id, text, err);

	if (r < 0)
		return r;
	if (r == 1) {
		if (parse_live(text, &status) == 0)
			status.phase = CONTAINER_RUNNING;
		*ret = status;
		return 0;
	}
	fd = container_open(s, id, err);
	if (fd < 0)
		return fd;
	r = read_exit(fd, &status, err);
	if (r == -ENOENT) {
		err_clear(err);
		status.phase = CONTAINER_LOST;
		status.exit_code = 137;
		r = 0;
	}
	if (r >= 0)
		*ret = status;
	return r;
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

/* Waits for the lock of the live file that is there now; its holder removes the file before letting go. */
static int wait_for_owner(struct store *s, const char *id, struct err *err)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	char path[LIVE_PATH_MAX];
	autoclose int fd = -1;

	live_path(id, path);
	fd = openat(store_run_fd(s, NULL), path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_errno(err, errno, "open live state '%s/%s'", s->runroot, path);
	while (fcntl(fd, F_OFD_SETLKW, &lock) < 0)
		if (errno != EINTR)
			return err_errno(err, errno, "wait for the end of container %.12s", id);
	return 0;
}

int container_kill(struct store *s, const char *id, struct err *err)
{
	autoclose int fd = container_pidfd(s, id, NULL, err);

	if (fd == -ESRCH) {
		err_clear(err);
		return 0;
	}
	if (fd < 0)
		return fd;
	if (syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
		return err_errno(err, errno, "end container %.12s", id);
	return wait_for_owner(s, id, err);
}

int container_remove(struct store *s, const char *id, struct err *err)
{
	autolive struct container_live live = CONTAINER_LIVE_INIT;
	autorecord struct container_record record = { 0 };
	int r = container_live_take(s, id, &live, err);

	if (r < 0)
		return r;
	/* A container whose maker was killed has no record yet. */
	container_record_read(s, id, &record, NULL);
	return container_trash(s, id, record.name, err);
}

static void sweep_one(struct store *s, const char *id)
{
	autorecord struct container_record record = { 0 };
	struct container_status status;

	if (container_status_read(s, id, &status, NULL) < 0 || status.phase < CONTAINER_EXITED)
		return;
	if (container_record_read(s, id, &record, NULL) == 0 && !record.remove)
		return;
	container_remove(s, id, NULL);
}

/* Live files that nobody holds: their owners were killed. */
static void sweep_live(struct store *s, size_t limit)
{
	int run = store_run_fd(s, NULL);
	int fd = run < 0 ? -1 : openat(run, "containers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclosedir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;
	size_t seen = 0;

	while (dir && (d = readdir(dir)) && (!limit || seen < limit)) {
		autolive struct container_live live = CONTAINER_LIVE_INIT;

		if (d->d_name[0] == '.' || strlen(d->d_name) >= CONTAINER_ID_MAX)
			continue;
		seen++;
		if (container_live_take(s, d->d_name, &live, NULL) < 0)
			continue;
		container_live_done(&live);
		sweep_one(s, d->d_name);
	}
}

/*
 * A name that leads nowhere: its container's command was killed between taking the name and writing it down. It is
 * renamed away first, so that one who takes the name at this moment can't lose it: what then turns out to lead
 * somewhere is put back.
 */
static void sweep_name(int names, const char *name)
{
	char aside[80], target[CONTAINER_ID_MAX + 8];

	if (faccessat(names, name, F_OK, 0) == 0 || errno != ENOENT ||
	    readlinkat(names, name, target, sizeof(target)) < 0)
		return;
	snprintf(aside, sizeof(aside), ".sweep-%d", (int)getpid());
	if (renameat(names, name, names, aside) < 0)
		return;
	if (faccessat(names, aside, F_OK, 0) == 0 && renameat2(names, aside, names, name, RENAME_NOREPLACE) == 0)
		return;
	unlinkat(names, aside, 0);
}

static void sweep_names(struct store *s)
{
	int fd = openat(s->root_fd, "containers/by-name", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclosedir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;

	while (dir && (d = readdir(dir)))
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			sweep_name(fd, d->d_name);
}

void containers_sweep(struct store *s, size_t limit, bool everything)
{
	autostrv struct strv ids = { 0 };

	sweep_live(s, limit);
	if (!everything || containers_list(s, &ids, NULL) < 0)
		return;
	for (size_t i = 0; i < ids.len; i++)
		sweep_one(s, ids.items[i]);
	sweep_names(s);
}
