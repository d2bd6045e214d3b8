#include "lifecycle/exec.h"

#include "base/num.h"
#include "base/str.h"
#include "lifecycle/create.h"
#include "sys/caps.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { FDS_MAX = 128 };

/* --- which process --- */

static int from_file(struct oci_spec *spec, const char *path, struct err *err)
{
	autobuf struct buf text = BUF_INIT(OCI_SPEC_MAX);
	int r = fs_read_file(AT_FDCWD, path, OCI_SPEC_MAX, &text, err);

	if (r >= 0)
		r = oci_process_replace(spec, buf_str(&text), text.len, err);
	return r < 0 ? err_wrap(err, "--process '%s'", path) : 0;
}

static int set_user(struct oci_user *u, const char *text, struct err *err)
{
	const char *colon = strchr(text, ':');
	autofree char *uid = colon ? strndup(text, (size_t)(colon - text)) : strdup(text);

	if (!uid)
		return err_oom(err);
	if (num_parse_u32(uid, UINT32_MAX - 1, &u->uid) < 0 ||
	    (colon && num_parse_u32(colon + 1, UINT32_MAX - 1, &u->gid) < 0))
		return err_set(err, EINVAL, "--user '%s' is not UID or UID:GID", text);
	return 0;
}

static int add_group(struct oci_user *u, const char *text, struct err *err)
{
	uint32_t gid;

	if (num_parse_u32(text, UINT32_MAX - 1, &gid) < 0)
		return err_set(err, EINVAL, "--additional-gids '%s' is no number", text);
	return oci_ids_push(&u->additional_gids, gid) < 0 ? err_oom(err) : 0;
}

/* To the sets that a program begins with; the ambient one stays, or its user would hand it on to all that it executes. */
static int add_cap(struct oci_capabilities *c, const char *word, struct err *err)
{
	struct strv *const sets[] = { &c->bounding, &c->effective, &c->permitted };
	int number = cap_from_name(word);

	if (number < 0)
		return err_set(err, EINVAL, "--cap: there is no capability '%s'", word);
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		if (!strv_contains(sets[i], cap_name(number)) && strv_add(sets[i], cap_name(number)) < 0)
			return err_oom(err);
	return 0;
}

static int replace_string(char **at, const char *value, struct err *err)
{
	char *copy = strdup(value);

	if (!copy)
		return err_oom(err);
	free(*at);
	*at = copy;
	return 0;
}

static int from_options(struct oci_process *p, const struct life_exec *e, struct err *err)
{
	int r = 0;

	if (!e->args->len)
		return err_set(err, EINVAL, "there is no command to execute");
	strv_done(&p->args);
	if (strv_add_all(&p->args, e->args) < 0)
		return err_oom(err);
	for (size_t i = 0; i < e->env->len; i++)
		if (strv_env_set(&p->env, e->env->items[i]) < 0)
			return err_oom(err);
	p->terminal = e->terminal;
	p->no_new_privileges |= e->no_new_privileges;
	if (e->cwd)
		r = replace_string(&p->cwd, e->cwd, err);
	if (r == 0 && e->user)
		r = set_user(&p->user, e->user, err);
	for (size_t i = 0; r == 0 && i < e->additional_gids->len; i++)
		r = add_group(&p->user, e->additional_gids->items[i], err);
	for (size_t i = 0; r == 0 && i < e->caps->len; i++)
		r = add_cap(&p->capabilities, e->caps->items[i], err);
	return r;
}

/* --- */

static int check_status(const struct life *l, const struct life_exec *e, struct err *err)
{
	enum life_status status = life_status(l);

	if (status == LIFE_PAUSED && !e->ignore_paused) {
		err_set(err, EBUSY, "cannot exec in a paused container");
		return err_hint(err, "'cloche-oci resume %s' lets it go on; --ignore-paused waits for that",
				l->state.id);
	}
	if (status == LIFE_STOPPED || status == LIFE_CREATING)
		return err_set(err, ESRCH, "cannot exec in a container that is %s", life_status_name(status));
	return 0;
}

static int check_terminal(const struct oci_process *p, const struct life_exec *e, struct err *err)
{
	if (p->terminal && !e->console_socket && !e->terminal_stays) {
		err_set(err, EINVAL, "the process wants a terminal, and nobody takes its other side");
		return err_hint(err, "--console-socket PATH names a socket for it");
	}
	return 0;
}

static int begin(const struct life *l, const struct oci_spec *spec, const struct life_exec *e,
		 struct container_process *ret, int *ret_exit_code, struct err *err)
{
	CLEANUP(runtime_target_done) struct runtime_target target = RUNTIME_TARGET_INIT;
	struct runtime_options o = RUNTIME_OPTIONS_INIT;
	int fds[FDS_MAX];
	int pidfd = life_pidfd(l, err);
	int r = pidfd < 0 ? pidfd : runtime_target_open((pid_t)l->state.pid, pidfd, &target, err);

	/* As runc does it: the sockets of $LISTEN_FDS are for the container's own program only. */
	if (r == 0)
		r = life_extra_fds(e->preserve_fds, fds, &o.extra_fds_len, NULL, err);
	if (r < 0)
		return r;
	o.extra_fds = fds;
	o.give_stdio = true;
	o.id = l->state.id;
	o.exit_code = ret_exit_code;
	return runtime_exec(spec, &target, 0, &o, ret, err);
}

int life_exec(int root_fd, const char *id, const struct life_exec *e, struct container_process *ret, int *ret_exit_code,
	      struct err *err)
{
	CLEANUP(container_process_done) struct container_process p = CONTAINER_PROCESS_INIT;
	autolife struct life l = LIFE_INIT;
	autospec struct oci_spec spec = { 0 };
	int r = life_open(root_fd, id, false, &l, err);

	if (r == 0)
		r = check_status(&l, e, err);
	if (r == 0)
		r = life_spec(&l, &spec, err);
	if (r == 0)
		r = e->process ? from_file(&spec, e->process, err) : from_options(&spec.process, e, err);
	if (r == 0)
		r = check_terminal(&spec.process, e, err);
	if (r == 0)
		r = begin(&l, &spec, e, &p, ret_exit_code, err);
	if (r == 0 && e->console_socket && *e->console_socket)
		r = life_send_console(e->console_socket, p.console, err);
	if (r == 0 && e->pid_file)
		r = life_write_pid_file(e->pid_file, p.pid, err);
	if (r < 0)
		return r;
	*ret = p;
	p = CONTAINER_PROCESS_INIT;
	return 0;
}
