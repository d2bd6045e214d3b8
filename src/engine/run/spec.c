#include "engine/run/spec.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"
#include "engine/run/env.h"
#include "engine/run/limits.h"
#include "engine/run/user.h"
#include "runtime/default_spec.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* --- the program and its arguments --- */

int64_t run_spec_entrypoint_len(const struct run_options *o, const struct image_config *image)
{
	if (o->entrypoint)
		return *o->entrypoint ? 1 : 0;
	return (int64_t)image->entrypoint.len;
}

/* docker's rule: --entrypoint replaces the image's and, since they belong together, drops its command too. */
static int set_args(const struct run_request *q, struct oci_spec *spec, struct err *err)
{
	const char *entrypoint = q->options->entrypoint;
	struct strv *args = &spec->process.args;
	int r = 0;

	if (entrypoint && *entrypoint)
		r = strv_add(args, entrypoint);
	else if (!entrypoint)
		r = strv_add_all(args, &q->image->entrypoint);
	if (r >= 0 && q->args->len)
		r = strv_add_all(args, q->args);
	else if (r >= 0 && !entrypoint)
		r = strv_add_all(args, &q->image->cmd);
	if (r < 0)
		return err_oom(err);
	if (!args->len) {
		err_set(err, EINVAL, "there is no command to run");
		return err_hint(err, "the image names none: give one after the image's name");
	}
	return 0;
}

/* --- the user --- */

static int read_image_text(const struct run_request *q, const char *path, struct buf *buf, struct err *err)
{
	int r = layered_read_file(q->layers, path, RUN_PASSWD_MAX, buf, err);

	if (r == -ENOENT || r == -ENOTDIR) {
		err_clear(err);
		return 0;
	}
	return r;
}

static int set_user(const struct run_request *q, struct oci_spec *spec, char **ret_home, struct err *err)
{
	/* Not where that is somebody else's, whose namespace is shared. */
	bool kept = q->keep && q->keep->set && q->options->userns && !q->options->user &&
		    str_starts_with(q->options->userns, "keep-id");
	autofree char *own = kept ? str_format("%u:%u", q->keep->uid, q->keep->gid) : NULL;
	const char *word = q->options->user ? q->options->user : own ? own : q->image->user;
	autobuf struct buf passwd = BUF_INIT(RUN_PASSWD_MAX), group = BUF_INIT(RUN_PASSWD_MAX);
	autouser struct run_user u = { 0 };
	int r = read_image_text(q, "/etc/passwd", &passwd, err);

	if (r >= 0)
		r = read_image_text(q, "/etc/group", &group, err);
	if (r >= 0)
		r = run_user_resolve(word, &q->options->group_add, buf_str(&passwd), buf_str(&group), &u, err);
	if (r >= 0)
		r = run_user_apply(&u, &spec->process, err);
	if (r < 0)
		return r;
	*ret_home = TAKE_PTR(u.home);
	return 0;
}

/* --- the environment --- */

static int set_pair(struct strv *env, const char *name, const char *value, struct err *err)
{
	autofree char *pair = str_format("%s=%s", name, value);

	return !pair || strv_env_set(env, pair) < 0 ? err_oom(err) : 0;
}

static int apply_env_file(const struct run_request *q, const char *path, struct strv *env, struct err *err)
{
	autobuf struct buf text = BUF_INIT(RUN_ENV_FILE_MAX);
	int r = fs_read_file(AT_FDCWD, path, RUN_ENV_FILE_MAX, &text, err);

	if (r < 0)
		return err_wrap(err, "--env-file");
	return run_env_apply_text(env, path, buf_str(&text), text.len, q->env, err);
}

static int set_env(const struct run_request *q, const char *home, struct oci_spec *spec, struct err *err)
{
	struct strv *env = &spec->process.env;
	int r = 0;

	if (spec->hostname)
		r = set_pair(env, "HOSTNAME", spec->hostname, err);
	if (r >= 0 && q->options->tty)
		r = set_pair(env, "TERM", "xterm", err);
	for (size_t i = 0; r >= 0 && i < q->image->env.len; i++)
		r = strv_env_set(env, q->image->env.items[i]) < 0 ? err_oom(err) : 0;
	for (size_t i = 0; r >= 0 && i < q->options->env_files.len; i++)
		r = apply_env_file(q, q->options->env_files.items[i], env, err);
	for (size_t i = 0; r >= 0 && i < q->options->env.len; i++)
		r = run_env_apply(env, q->options->env.items[i], q->env, err);
	if (r >= 0 && !strv_env_get(env, "HOME"))
		r = set_pair(env, "HOME", home, err);
	return r;
}

static int set_cwd(const struct run_request *q, struct oci_spec *spec, struct err *err)
{
	const char *dir = q->options->workdir ? q->options->workdir : q->image->working_dir;

	if (!dir || !*dir)
		return 0;
	if (*dir != '/')
		return err_set(err, EINVAL, "the working directory '%s' is not an absolute path", dir);
	free(spec->process.cwd);
	spec->process.cwd = path_clean(dir);
	return spec->process.cwd ? 0 : err_oom(err);
}

/* --- limits --- */

static int set_rlimits(const struct run_request *q, struct oci_spec *spec, struct err *err)
{
	const struct strv *words = &q->options->ulimits;

	for (size_t i = 0; i < words->len; i++) {
		struct run_ulimit u;
		int r = run_parse_ulimit(words->items[i], &u, err);

		if (r < 0)
			return r;
		/* The kernel has ignored it since 2.4.24, and where ids are emulated its slot is in use. */
		if (strcmp(u.type, "RLIMIT_LOCKS") == 0)
			continue;
		if (oci_spec_set_rlimit(spec, u.type, u.soft, u.hard) < 0)
			return err_oom(err);
	}
	return 0;
}

static int set_oom_score(const struct run_request *q, struct oci_spec *spec, struct err *err)
{
	const char *word = q->options->oom_score_adj;
	int64_t value;

	if (!word)
		return 0;
	if (num_parse_i64(word, &value) < 0 || value < -1000 || value > 1000)
		return err_set(err, EINVAL, "--oom-score-adj '%s': a number from -1000 to 1000", word);
	spec->process.has_oom_score_adj = true;
	spec->process.oom_score_adj = value;
	return 0;
}

int run_spec_set_process(const struct run_request *q, struct oci_spec *spec, struct err *err)
{
	autofree char *home = NULL;
	int r = set_args(q, spec, err);

	spec->process.terminal = q->options->tty;
	if (r >= 0)
		r = set_user(q, spec, &home, err);
	if (r >= 0)
		r = set_env(q, home, spec, err);
	if (r >= 0)
		r = set_cwd(q, spec, err);
	if (r >= 0)
		r = set_rlimits(q, spec, err);
	return r < 0 ? r : set_oom_score(q, spec, err);
}

static int set_resources(const struct run_request *q, struct oci_spec *spec, struct err *err)
{
	autoresources struct oci_resources resources = { 0 };
	autobuf struct buf text = BUF_INIT(OCI_SPEC_MAX);
	int r = run_limits_apply(&q->options->limits, &resources, err);

	if (r >= 0)
		r = run_cgroup_path(q->options->limits.cgroup_parent, q->id, &spec->linux_.cgroups_path, err);
	if (r < 0 || (oci_resources_only_devices(&resources) && !resources.devices.len))
		return r;
	r = oci_resources_write(&resources, &text, err);
	if (r < 0)
		return r;
	spec->linux_.resources = buf_take(&text);
	return spec->linux_.resources ? 0 : err_oom(err);
}

static int set_annotations(const struct run_request *q, struct oci_spec *spec, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < q->options->annotations.len; i++)
		r = run_label_apply(&spec->annotations, q->options->annotations.items[i], err);
	return r;
}

int run_spec_make(const struct run_request *q, struct oci_spec *ret, struct err *err)
{
	int r = default_spec_init(q->ids, ret, err);

	if (r < 0)
		return r;
	free(ret->root_path);
	ret->root_path = strdup(q->rootfs);
	if (!ret->root_path)
		return err_oom(err);
	ret->root_readonly = q->options->read_only;
	r = run_spec_set_isolation(q, ret, err);
	if (r >= 0)
		r = run_spec_set_process(q, ret, err);
	if (r >= 0)
		r = run_spec_set_security(q, ret, err);
	if (r >= 0)
		r = run_spec_set_mounts(q, ret, err);
	if (r >= 0)
		r = set_resources(q, ret, err);
	return r < 0 ? r : set_annotations(q, ret, err);
}
