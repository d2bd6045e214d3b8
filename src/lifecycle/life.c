#include "lifecycle/life.h"

#include "base/str.h"
#include "oci/fields.h"
#include "runtime/processes.h"
#include "runtime/runtime.h"
#include "sys/fs.h"
#include "sys/idmap.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STAT_MAX = 4096 };

static const struct field state_fields[] = {
	FIELD("ociVersion", FIELD_STRING, struct life_state, version),
	FIELD("id", FIELD_STRING, struct life_state, id),
	FIELD("pid", FIELD_U32, struct life_state, pid),
	FIELD("startTime", FIELD_U64, struct life_state, start_time),
	FIELD("bundle", FIELD_STRING, struct life_state, bundle),
	FIELD("rootfs", FIELD_STRING, struct life_state, rootfs),
	FIELD("created", FIELD_STRING, struct life_state, created),
	FIELD("owner", FIELD_STRING, struct life_state, owner),
	FIELD("annotations", FIELD_MAP, struct life_state, annotations),
	FIELD("poststart", FIELD_BOOL, struct life_state, has_poststart),
	FIELD("poststop", FIELD_BOOL, struct life_state, has_poststop),
	{ .name = NULL },
};
static const struct field_type state_type = { sizeof(struct life_state), state_fields };

void life_done(struct life *l)
{
	if (l->dir_fd >= 0)
		close(l->dir_fd);
	fields_done(&state_type, &l->state);
	*l = LIFE_INIT;
}

/* --- where --- */

bool life_is_privileged(void)
{
	struct id_range ranges[IDMAP_RANGES_MAX];

	return geteuid() == 0 && idmap_read_proc("/proc/self/uid_map", ranges) == 1 && ranges[0].outside == 0 &&
	       ranges[0].count == UINT32_MAX;
}

static char *default_root(struct err *err)
{
	const char *run = getenv("XDG_RUNTIME_DIR");
	char *path;

	if (life_is_privileged() || (geteuid() == 0 && (!run || !*run)))
		path = strdup("/run/cloche-oci");
	else if (run && *run == '/')
		path = path_join(run, "cloche-oci");
	else {
		err_set(err, ENOENT, "there is no folder for the containers' state");
		err_hint(err, "set XDG_RUNTIME_DIR, or say where with --root DIR");
		return NULL;
	}
	if (!path)
		err_oom(err);
	return path;
}

int life_open_root(const char *path, char **ret_path, struct err *err)
{
	autofree char *where = path ? strdup(path) : default_root(err);
	int fd;

	if (!where)
		return path ? err_oom(err) : -err->code;
	fd = fs_open_dir_make(AT_FDCWD, where, 0700, err);
	if (fd < 0)
		return err_wrap(err, "the containers' state");
	if (ret_path)
		*ret_path = TAKE_PTR(where);
	return fd;
}

int life_check_id(const char *id, struct err *err)
{
	size_t len = strlen(id);

	if (len == 0 || len > LIFE_ID_MAX - 8)
		return err_set(err, EINVAL, "a container's name has 1 to %d characters", LIFE_ID_MAX - 8);
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)id[i]) && !strchr("_+-.", id[i]))
			return err_set(err, EINVAL, "container '%s': letters, digits and _ + - . make a name", id);
	if (id[0] == '.')
		return err_set(err, EINVAL, "container '%s': a name does not begin with a dot", id);
	return 0;
}

static int missing(const char *id, struct err *err)
{
	return err_set(err, ENOENT, "container '%s' does not exist", id);
}

int life_make(int root_fd, const char *id, struct life *ret, struct err *err)
{
	autolife struct life l = LIFE_INIT;
	int r = life_check_id(id, err);

	if (r < 0)
		return r;
	if (mkdirat(root_fd, id, 0700) < 0)
		return errno == EEXIST ? err_set(err, EEXIST, "container '%s' exists already", id)
				       : err_errno(err, errno, "make the state of container '%s'", id);
	l.root_fd = root_fd;
	l.dir_fd = openat(root_fd, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	/* Between the two a `delete --force` may have taken it for what a killed command left. */
	if (l.dir_fd < 0 || flock(l.dir_fd, LOCK_EX) < 0)
		return err_errno(err, errno, "lock container '%s'", id);
	l.is_locked = true;
	l.state.id = strdup(id);
	if (!l.state.id)
		return err_oom(err);
	*ret = l;
	l = LIFE_INIT;
	return 0;
}

/* While we waited for the lock it may have been deleted. */
static bool is_still_there(int root_fd, const char *id, int dir_fd)
{
	struct stat named, ours;

	return fstatat(root_fd, id, &named, AT_SYMLINK_NOFOLLOW) == 0 && fstat(dir_fd, &ours) == 0 &&
	       named.st_ino == ours.st_ino && named.st_dev == ours.st_dev;
}

/* What isn't there yet is a container that is being made, or whose maker was killed. */
int life_read_state(struct life *l, const char *id, struct err *err)
{
	autobuf struct buf text = BUF_INIT(LIFE_STATE_MAX);
	json_t *root = NULL;
	int r = fs_read_file(l->dir_fd, "state.json", LIFE_STATE_MAX, &text, err);

	if (r == -ENOENT) {
		err_clear(err);
	} else if (r >= 0) {
		r = json_parse_text(buf_str(&text), text.len, &root, err);
		if (r >= 0)
			r = fields_parse(&state_type, root, &l->state, err);
		json_decref(root);
	}
	if (r < 0 && r != -ENOENT)
		return err_wrap(err, "container '%s': state.json", id);
	if (!l->state.id)
		l->state.id = strdup(id);
	return l->state.id ? 0 : err_oom(err);
}

int life_open(int root_fd, const char *id, bool lock, struct life *ret, struct err *err)
{
	autolife struct life l = LIFE_INIT;
	int r = life_check_id(id, err);

	if (r < 0)
		return r;
	l.root_fd = root_fd;
	l.dir_fd = openat(root_fd, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (l.dir_fd < 0)
		return errno == ENOENT ? missing(id, err) : err_errno(err, errno, "open container '%s'", id);
	if (lock && flock(l.dir_fd, LOCK_EX) < 0)
		return err_errno(err, errno, "lock container '%s'", id);
	l.is_locked = lock;
	if (lock && !is_still_there(root_fd, id, l.dir_fd))
		return missing(id, err);
	r = life_read_state(&l, id, err);
	if (r < 0)
		return r;
	*ret = l;
	l = LIFE_INIT;
	return 0;
}

int life_write(const struct life *l, struct err *err)
{
	autobuf struct buf text = BUF_INIT(LIFE_STATE_MAX);

	fields_write(&state_type, &l->state, &text);
	buf_add_char(&text, '\n');
	if (text.error)
		return err_errno(err, -text.error, "write the container's state");
	return fs_write_file(l->dir_fd, "state.json", text.data, text.len, 0600, 0, err);
}

int life_spec(const struct life *l, struct oci_spec *ret, struct err *err)
{
	int r = oci_spec_read(l->dir_fd, "config.json", ret, err);

	return r < 0 ? err_wrap(err, "container '%s'", l->state.id) : 0;
}

/* --- what it is --- */

uint64_t life_start_time(pid_t pid)
{
	autobuf struct buf text = BUF_INIT(STAT_MAX);
	char path[32];
	const char *p;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (pid <= 0 || fs_read_file(AT_FDCWD, path, STAT_MAX, &text, NULL) < 0)
		return 0;
	/* Behind the name, which may have blanks and brackets: field 3, the state. */
	p = strrchr(buf_str(&text), ')');
	if (!p || strlen(p) < 3 || p[2] == 'Z' || p[2] == 'X')
		return 0;
	p += 2;
	for (int field = 3; field < 22 && p; field++) {
		p = strchr(p, ' ');
		p = p ? p + 1 : NULL;
	}
	return p ? strtoull(p, NULL, 10) : 0;
}

static bool is_alive(const struct life *l)
{
	return l->state.pid && life_start_time((pid_t)l->state.pid) == l->state.start_time;
}

int life_pidfd(const struct life *l, struct err *err)
{
	autoclose int fd = l->state.pid ? (int)syscall(SYS_pidfd_open, (pid_t)l->state.pid, 0) : -1;

	/* The descriptor first: what /proc says then is about the process that it is of. */
	if (fd < 0 || !is_alive(l))
		return err_set(err, ESRCH, "container not running");
	return TAKE_FD(fd);
}

static bool is_paused(const struct life *l)
{
	autocgroup struct cgroup g = { 0 };

	if (faccessat(l->dir_fd, "paused", F_OK, 0) == 0)
		return true;
	return life_group(l, &g, NULL) == 1 && cgroup_is_frozen(&g) == 1;
}

/* Somebody holds the lock: for a container without a process that is who makes it. */
static bool is_being_made(const struct life *l)
{
	autoclose int fd = -1;

	if (l->is_locked)
		return false;
	fd = openat(l->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0;
}

enum life_status life_status(const struct life *l)
{
	if (!l->state.start_time)
		return is_being_made(l) ? LIFE_CREATING : LIFE_STOPPED;
	if (!is_alive(l))
		return LIFE_STOPPED;
	if (runtime_is_halted(l->dir_fd))
		return LIFE_CREATED;
	return is_paused(l) ? LIFE_PAUSED : LIFE_RUNNING;
}

const char *life_status_name(enum life_status status)
{
	static const char *const names[] = { "creating", "created", "running", "paused", "stopped" };

	return names[status];
}

static void add_member(struct buf *text, const char *name, const char *value)
{
	if (!value)
		return;
	buf_addf(text, ",\"%s\":", name);
	json_write_string(text, value);
}

int life_state_text(const struct life_state *s, const char *status, pid_t pid, struct buf *text, struct err *err)
{
	buf_add_str(text, "{\"ociVersion\":");
	json_write_string(text, s->version ? s->version : "1.2.0");
	add_member(text, "id", s->id);
	buf_addf(text, ",\"pid\":%d", (int)pid);
	add_member(text, "status", status);
	add_member(text, "bundle", s->bundle ? s->bundle : "");
	add_member(text, "rootfs", s->rootfs);
	add_member(text, "created", s->created);
	buf_add_str(text, ",\"annotations\":{");
	for (size_t i = 0; i + 1 < s->annotations.len; i += 2) {
		if (i)
			buf_add_char(text, ',');
		json_write_string(text, s->annotations.items[i]);
		buf_add_char(text, ':');
		json_write_string(text, s->annotations.items[i + 1]);
	}
	buf_add_str(text, "},\"owner\":");
	json_write_string(text, s->owner ? s->owner : "");
	buf_add_str(text, "}\n");
	return text->error ? err_errno(err, -text->error, "write the container's state") : 0;
}

/* --- its control group --- */

int life_group(const struct life *l, struct cgroup *ret, struct err *err)
{
	autobuf struct buf text = BUF_INIT(CGROUP_RECORD_MAX);
	int r = fs_read_file(l->dir_fd, "cgroup", CGROUP_RECORD_MAX, &text, err);

	if (r == -ENOENT) {
		err_clear(err);
		return 0;
	}
	if (r >= 0 && (r = cgroup_parse_record(buf_str(&text), ret)) < 0)
		r = err_set(err, -r, "it is not what we write");
	return r < 0 ? err_wrap(err, "find the container's control group") : 1;
}

int life_write_group(const struct life *l, const char *record, struct err *err)
{
	int r = fs_write_file(l->dir_fd, "cgroup", record, strlen(record), 0600, 0, err);

	return r < 0 ? err_wrap(err, "write down where the container's control group is") : 0;
}

static bool contains(const struct cgroup_pids *pids, pid_t pid)
{
	for (size_t i = 0; i < pids->len; i++)
		if (pids->items[i] == pid)
			return true;
	return false;
}

int life_pids(const struct life *l, struct cgroup_pids *ret, struct err *err)
{
	CLEANUP(container_tasks_done) struct container_tasks tasks = { 0 };
	autocgroup struct cgroup g = { 0 };
	struct cgroup_pids pids = { 0 };
	int r = life_group(l, &g, err);

	if (r == 1)
		r = cgroup_list(&g, &pids, err);
	else if (r == 0 && l->state.start_time && is_alive(l))
		r = container_tasks_read((pid_t)l->state.pid, &tasks, err);
	for (size_t i = 0; r >= 0 && i < tasks.len; i++)
		if (!contains(&pids, tasks.items[i].pid) && cgroup_pids_push(&pids, tasks.items[i].pid) < 0)
			r = err_oom(err);
	if (r < 0) {
		free(pids.items);
		return r;
	}
	*ret = pids;
	return 0;
}

/* --- all of them --- */

int life_list(int root_fd, struct strv *ret, struct err *err)
{
	int fd = openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclosedir DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *d;

	if (!dir)
		return err_errno(err, errno, "list the containers");
	while ((d = readdir(dir)))
		if (life_check_id(d->d_name, NULL) == 0 && strv_add(ret, d->d_name) < 0)
			return err_oom(err);
	strv_sort(ret);
	return 0;
}
