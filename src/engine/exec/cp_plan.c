#include "engine/exec/cp_plan.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "sys/fs.h"
#include "sys/msg.h"
#include "sys/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINKS_MAX = 40 };

/* A path cut up. */
struct words {
	char folder[CP_PATH_MAX], name[CP_PATH_MAX]; /* name "": the root itself */
	bool wants_folder;			     /* it ended with a slash */
	bool wants_contents;			     /* with "/." */
};

static int cut(const char *path, struct words *w, struct err *err)
{
	autofree char *clean = path_clean(path);
	const char *name;

	if (!clean)
		return err_oom(err);
	if (strlen(clean) >= CP_PATH_MAX)
		return err_set(err, ENAMETOOLONG, "'%s' is longer than %d bytes", path, CP_PATH_MAX - 1);
	w->wants_contents = str_ends_with(path, "/.") || strcmp(clean, "/") == 0;
	w->wants_folder = w->wants_contents || str_ends_with(path, "/");
	name = path_basename(clean);
	snprintf(w->name, sizeof(w->name), "%s", name);
	snprintf(w->folder, sizeof(w->folder), "%.*s", (int)(name - clean), clean);
	return 0;
}

static int open_folder(int root, const char *path, struct err *err)
{
	int fd = fs_open_in_root(root, path, O_RDONLY | O_DIRECTORY, 0, NULL);

	return fd >= 0 ? fd : err_errno(err, -fd, "folder '%s'", path);
}

/* --- from --- */

/* W becomes what the link in FOLDER_FD leads to, one step. */
static int follow_one(int folder_fd, struct words *w, struct err *err)
{
	char target[CP_PATH_MAX];
	autofree char *path = NULL;
	bool folder = w->wants_folder, contents = w->wants_contents;
	ssize_t n = readlinkat(folder_fd, w->name, target, sizeof(target) - 1);
	int r;

	if (n < 0)
		return err_errno(err, errno, "read the link '%s%s'", w->folder, w->name);
	target[n] = '\0';
	path = target[0] == '/' ? strdup(target) : str_format("%s%s", w->folder, target);
	r = path ? cut(path, w, err) : err_oom(err);
	w->wants_folder |= folder;
	w->wants_contents |= contents;
	return r;
}

/* Opens W's folder and looks at what W is; links are followed if FOLLOW. */
static int look(int root, struct words *w, bool follow, struct cp_plan *plan, struct stat *st, struct err *err)
{
	for (int links = 0; links < LINKS_MAX; links++) {
		int r;

		plan->from_fd = open_folder(root, w->folder, err);
		if (plan->from_fd < 0)
			return plan->from_fd;
		if (fstatat(plan->from_fd, w->name[0] ? w->name : ".", st, AT_SYMLINK_NOFOLLOW) < 0)
			return err_errno(err, errno, "'%s%s'", w->folder, w->name);
		if (!S_ISLNK(st->st_mode) || !follow)
			return 0;
		r = follow_one(plan->from_fd, w, err);
		close(TAKE_FD(plan->from_fd));
		if (r < 0)
			return r;
	}
	return err_set(err, ELOOP, "'%s%s': too many links", w->folder, w->name);
}

/* RET_NAME is what the copy is called in a folder: the name that was asked for, not that which a link has. */
static int plan_from(const struct cp_request *q, struct cp_plan *plan, struct words *w,
		     char ret_name[static CP_PATH_MAX], struct err *err)
{
	struct stat st;
	int r = cut(q->from, w, err);

	if (r < 0)
		return r;
	memcpy(ret_name, w->name, CP_PATH_MAX);
	r = look(q->from_root, w, q->follow || w->wants_folder, plan, &st, err);
	if (r < 0)
		return r;
	plan->is_folder = S_ISDIR(st.st_mode);
	if (w->wants_folder && !plan->is_folder)
		return err_set(err, ENOTDIR, "'%s' is no folder", q->from);
	snprintf(plan->source, sizeof(plan->source), "%s", w->name[0] ? w->name : ".");
	return 0;
}

/* --- to --- */

static int put_dest(struct cp_plan *plan, int root, const char *folder, const char *name, struct err *err)
{
	plan->to_fd = open_folder(root, folder, err);
	if (plan->to_fd < 0)
		return plan->to_fd;
	if (snprintf(plan->dest, sizeof(plan->dest), "/%s", name) >= CP_PATH_MAX)
		return err_set(err, ENAMETOOLONG, "'%s' is too long a name", name);
	return 0;
}

/* What is not there yet gets the name that was said, in a folder that is. */
static int plan_new(const struct cp_request *q, struct cp_plan *plan, const struct words *w, struct err *err)
{
	if (w->wants_folder && !plan->is_folder)
		return err_set(err, ENOENT, "folder '%s': it does not exist", q->to);
	return put_dest(plan, q->to_root, w->folder, w->name, err);
}

static int plan_to(const struct cp_request *q, struct cp_plan *plan, const struct words *from, const char *name,
		   struct err *err)
{
	autoclose int fd = -1;
	struct words w;
	struct stat st;
	int r = cut(q->to, &w, err);

	if (r < 0)
		return r;
	fd = fs_open_in_root(q->to_root, q->to, O_PATH, 0, NULL);
	if (fd == -ENOENT)
		return plan_new(q, plan, &w, err);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, fd < 0 ? -fd : errno, "'%s'", q->to);
	if (S_ISDIR(st.st_mode))
		return put_dest(plan, q->to_root, q->to, from->wants_contents ? "" : name, err);
	if (plan->is_folder)
		return err_set(err, ENOTDIR, "'%s' is no folder: a folder can't be copied over it", q->to);
	return w.wants_folder ? err_set(err, ENOTDIR, "'%s' is no folder", q->to)
			      : put_dest(plan, q->to_root, w.folder, w.name, err);
}

/* --- the child --- */

struct child {
	const struct cp_request *q;
	int sock;
};

static int plan_all(const struct cp_request *q, struct cp_plan *plan, struct err *err)
{
	char name[CP_PATH_MAX];
	struct words from;
	int r = plan_from(q, plan, &from, name, err);

	if (r < 0)
		return r;
	if (q->to)
		return plan_to(q, plan, &from, name, err);
	if (snprintf(plan->dest, sizeof(plan->dest), "/%s", from.wants_contents ? "" : name) >= CP_PATH_MAX)
		return err_set(err, ENAMETOOLONG, "the name '%.40s…' is too long", name);
	return 0;
}

static int run_child(void *arg, struct err *err)
{
	const struct child *c = arg;
	struct cp_plan plan = { .from_fd = -1, .to_fd = -1 };
	int r = plan_all(c->q, &plan, err);
	const int fds[] = { plan.from_fd, plan.to_fd };

	return r < 0 ? r : msg_send(c->sock, &plan, sizeof(plan), fds, c->q->to ? 2 : 1, err);
}

int cp_plan_make(const struct cp_request *q, const struct idmap *map, struct cp_plan *ret, struct err *err)
{
	autobuf struct buf message = BUF_INIT(sizeof(*ret) + 1);
	autoclose int ours = -1, theirs = -1;
	int pair[2], fds[2] = { -1, -1 }, r = msg_pair(pair, err);
	struct child c = { .q = q };

	if (r < 0)
		return r;
	ours = pair[0];
	theirs = c.sock = pair[1];
	r = userns_run(map, 0, run_child, &c, err);
	if (r >= 0)
		r = msg_receive(ours, &message, fds, 2, err);
	if (r < 0)
		return r;
	if (message.len != sizeof(*ret))
		return err_set(err, EPROTO, "look at the files: no answer");
	memcpy(ret, message.data, sizeof(*ret));
	ret->from_fd = fds[0];
	ret->to_fd = fds[1];
	return 0;
}
