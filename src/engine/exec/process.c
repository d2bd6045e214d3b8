/* What the new process is like: pid 1's environment, rights and folder, but for what was asked. */
#include "engine/exec/exec.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "engine/run/env.h"
#include "engine/run/user.h"
#include "sys/caps.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

/* --- the user --- */

/* A file of the container's, or nothing. It may be anything by now: a FIFO holds nobody up, a device is not read. */
static int read_text(int root_fd, const char *path, struct buf *text, struct err *err)
{
	autoclose int fd = fs_open_in_root(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, NULL);
	struct stat st;
	int r;

	if (fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	if (fd < 0)
		return err_errno(err, -fd, "open '%s' of the container", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, EINVAL, "'%s' of the container is no file", path);
	r = fs_read_fd(fd, text->max, text, err);
	return r < 0 ? err_wrap(err, "'%s' of the container", path) : 0;
}

/* The home of UID by PASSWD, "/" if it doesn't say; owned. */
static char *home_of(uint32_t uid, const char *passwd)
{
	autouser struct run_user u = { 0 };
	const struct strv none = { 0 };
	autofree char *word = str_format("%u", uid);

	if (!word || run_user_resolve(word, &none, passwd, "", &u, NULL) < 0)
		return NULL;
	return TAKE_PTR(u.home);
}

/* HOME follows the user, unless the image or `run -e` said something else than the home of the container's user. */
static int move_home(struct oci_process *p, uint32_t before, const char *passwd, const char *home, struct err *err)
{
	const char *now = strv_env_get(&p->env, "HOME");
	autofree char *old = home_of(before, passwd), *pair = NULL;

	if (!old)
		return err_oom(err);
	if (now && strcmp(now, old) != 0)
		return 0;
	pair = str_format("HOME=%s", home);
	return !pair || strv_env_set(&p->env, pair) < 0 ? err_oom(err) : 0;
}

/* A user other than root has no capabilities, but setuid programs may give it those of the bounding set. */
static int set_rights(struct oci_process *p, struct err *err)
{
	struct oci_capabilities *c = &p->capabilities;
	bool is_root = p->user.uid == 0;

	strv_done(&c->effective);
	strv_done(&c->permitted);
	strv_done(&c->inheritable);
	strv_done(&c->ambient);
	if (is_root && (strv_add_all(&c->effective, &c->bounding) < 0 || strv_add_all(&c->permitted, &c->bounding) < 0))
		return err_oom(err);
	return 0;
}

static int set_user(struct oci_process *p, int root_fd, const char *word, struct err *err)
{
	autobuf struct buf passwd = BUF_INIT(RUN_PASSWD_MAX), group = BUF_INIT(RUN_PASSWD_MAX);
	autouser struct run_user u = { 0 };
	const struct strv none = { 0 };
	uint32_t before = p->user.uid;
	int r = read_text(root_fd, "/etc/passwd", &passwd, err);

	if (r >= 0)
		r = read_text(root_fd, "/etc/group", &group, err);
	if (r >= 0)
		r = run_user_resolve(word, &none, buf_str(&passwd), buf_str(&group), &u, err);
	if (r < 0)
		return r;
	p->user.uid = u.uid;
	p->user.gid = u.gid;
	p->user.additional_gids.len = 0;
	for (size_t i = 0; i < u.groups.len; i++)
		if (oci_ids_push(&p->user.additional_gids, u.groups.items[i]) < 0)
			return err_oom(err);
	r = move_home(p, before, buf_str(&passwd), u.home, err);
	return r < 0 ? r : set_rights(p, err);
}

/*
 * Over what is the container's own, all; the profile and the masks stay, as with docker. Without a user namespace, CAP_MKNOD would
 * open every device of the machine.
 */
static int give_privileges(struct oci_process *p, bool own_users, struct err *err)
{
	strv_done(&p->capabilities.bounding);
	for (int i = 0; i <= cap_last(); i++)
		if (cap_name(i) && (own_users || i != CAP_MKNOD) &&
		    strv_add(&p->capabilities.bounding, cap_name(i)) < 0)
			return err_oom(err);
	return set_rights(p, err);
}

/* --- the rest --- */

static int apply_env_file(struct strv *env, const char *path, const struct strv *outer, struct err *err)
{
	autobuf struct buf text = BUF_INIT(RUN_ENV_FILE_MAX);
	int r = fs_read_file(AT_FDCWD, path, RUN_ENV_FILE_MAX, &text, err);

	if (r < 0)
		return err_wrap(err, "--env-file");
	return run_env_apply_text(env, path, buf_str(&text), text.len, outer, err);
}

static int set_env(struct strv *env, const struct exec_options *o, struct err *err)
{
	autostrv struct strv outer = { 0 };
	int r = 0;

	for (char **e = environ; *e; e++)
		if (strv_add(&outer, *e) < 0)
			return err_oom(err);
	if (o->tty && !strv_env_get(env, "TERM"))
		r = strv_env_set(env, "TERM=xterm") < 0 ? err_oom(err) : 0;
	for (size_t i = 0; r >= 0 && i < o->env_files.len; i++)
		r = apply_env_file(env, o->env_files.items[i], &outer, err);
	for (size_t i = 0; r >= 0 && i < o->env.len; i++)
		r = run_env_apply(env, o->env.items[i], &outer, err);
	return r;
}

static int set_cwd(struct oci_process *p, const char *dir, struct err *err)
{
	if (!dir)
		return 0;
	if (*dir != '/')
		return err_set(err, EINVAL, "the working directory '%s' is not an absolute path", dir);
	free(p->cwd);
	p->cwd = path_clean(dir);
	return p->cwd ? 0 : err_oom(err);
}

int exec_make_process(struct oci_spec *spec, int root_fd, const struct exec_options *o, const struct strv *args,
		      int *ret_exit, struct err *err)
{
	struct oci_process *p = &spec->process;
	int r = 0;

	strv_done(&p->args);
	if (strv_add_all(&p->args, args) < 0)
		return err_oom(err);
	p->terminal = o->tty;
	p->console_height = p->console_width = 0;
	if (o->user) {
		r = set_user(p, root_fd, o->user, err);
		*ret_exit = r < 0 ? 126 : *ret_exit;
	}
	if (r >= 0 && o->privileged)
		r = give_privileges(p, oci_spec_namespace(spec, "user"), err);
	if (r >= 0)
		r = set_env(&p->env, o, err);
	return r < 0 ? r : set_cwd(p, o->workdir, err);
}
