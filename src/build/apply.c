#include "build/apply.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "build/apply_impl.h"

#include <errno.h>
#include <string.h>

bool apply_is_config(enum dockerfile_keyword keyword)
{
	switch (keyword) {
	case DOCKERFILE_ADD:
	case DOCKERFILE_ARG:
	case DOCKERFILE_COPY:
	case DOCKERFILE_FROM:
	case DOCKERFILE_RUN:
	case DOCKERFILE_KEYWORDS:
		return false;
	default:
		return true;
	}
}

int apply_shell(const struct image_config *config, struct strv *ret)
{
	if (config->shell.len > 0)
		return strv_add_all(ret, &config->shell);
	return strv_add(ret, "/bin/sh") < 0 || strv_add(ret, "-c") < 0 ? -ENOMEM : 0;
}

void apply_format_list(const struct strv *words, struct buf *out)
{
	buf_add_char(out, '[');
	for (size_t i = 0; i < words->len; i++) {
		buf_add_str(out, i ? "," : "");
		buf_add_char(out, '"');
		for (const char *p = words->items[i]; *p; p++) {
			if (*p == '"' || *p == '\\')
				buf_add_char(out, '\\');
			if ((unsigned char)*p < 0x20)
				buf_addf(out, "\\u%04x", (unsigned char)*p);
			else
				buf_add_char(out, *p);
		}
		buf_add_char(out, '"');
	}
	buf_add_char(out, ']');
}

int apply_expand(const struct apply *a, const struct dockerfile_instruction *in, const struct dockerfile_arg *arg,
		 char **ret, struct err *err)
{
	return vars_expand(&a->vars, a->df, in, arg->text, arg->offset, ret, err);
}

static int set_string(char **slot, char *value)
{
	free(*slot);
	*slot = value;
	return 0;
}

/* A name and a value, both expanded with what was there before the instruction. */
static int expand_pair(const struct apply *a, const struct vars *before, const struct dockerfile_instruction *in,
		       const struct dockerfile_arg *arg, char **ret_name, char **ret_value, struct err *err)
{
	int r = vars_expand(before, a->df, in, arg->text, arg->offset, ret_name, err);

	if (r >= 0)
		r = vars_expand(before, a->df, in, arg->value, arg->offset + strlen(arg->text) + 1, ret_value, err);
	if (r >= 0 && !**ret_name)
		r = dockerfile_error(a->df, in, arg->offset, err, EBADMSG, "the name is empty");
	return r;
}

static int apply_env(const struct apply *a, const struct dockerfile_instruction *in, struct buf *history,
		     struct err *err)
{
	autostrv struct strv env = { 0 };
	struct vars before = { &env, a->vars.args };

	if (strv_add_all(&env, &a->config->env) < 0)
		return err_oom(err);
	for (size_t i = 0; i < in->args.len; i++) {
		autofree char *name = NULL, *value = NULL, *entry = NULL;
		int r = expand_pair(a, &before, in, &in->args.items[i], &name, &value, err);

		if (r < 0)
			return r;
		if (strchr(name, '='))
			return dockerfile_error(a->df, in, in->args.items[i].offset, err, EBADMSG,
						"a variable's name has no '='");
		entry = str_format("%s=%s", name, value);
		if (!entry || strv_env_set(&a->config->env, entry) < 0)
			return err_oom(err);
		buf_addf(history, " %s", entry);
	}
	return 0;
}

static int apply_label(const struct apply *a, const struct dockerfile_instruction *in, struct buf *history,
		       struct err *err)
{
	for (size_t i = 0; i < in->args.len; i++) {
		autofree char *name = NULL, *value = NULL;
		int r = expand_pair(a, &a->vars, in, &in->args.items[i], &name, &value, err);

		if (r < 0)
			return r;
		if (str_map_set(&a->config->labels, name, value) < 0)
			return err_oom(err);
		buf_addf(history, " %s=%s", name, value);
	}
	return 0;
}

/* The words of a command: the exec form's, or the shell and the line. */
static int command_words(const struct apply *a, const struct dockerfile_instruction *in, struct strv *ret,
			 struct err *err)
{
	if (!in->exec_form && apply_shell(a->config, ret) < 0)
		return err_oom(err);
	for (size_t i = 0; i < in->args.len; i++)
		if (strv_add(ret, in->args.items[i].text) < 0)
			return err_oom(err);
	return 0;
}

static int apply_command(const struct apply *a, const struct dockerfile_instruction *in, struct strv *slot, bool *has,
			 struct buf *history, struct err *err)
{
	autostrv struct strv words = { 0 };
	int r = command_words(a, in, &words, err);

	if (r < 0)
		return r;
	strv_done(slot);
	*slot = words;
	words = (struct strv){ 0 };
	*has = true;
	buf_add_char(history, ' ');
	apply_format_list(slot, history);
	return 0;
}

static int apply_cmd(const struct apply *a, const struct dockerfile_instruction *in, struct buf *history,
		     struct err *err)
{
	*a->cmd_is_own = true;
	return apply_command(a, in, &a->config->cmd, &a->config->has_cmd, history, err);
}

static int apply_entrypoint(const struct apply *a, const struct dockerfile_instruction *in, struct buf *history,
			    struct err *err)
{
	int r = apply_command(a, in, &a->config->entrypoint, &a->config->has_entrypoint, history, err);

	/* The base image's CMD was meant for its own entry point. */
	if (r >= 0 && !*a->cmd_is_own) {
		strv_done(&a->config->cmd);
		a->config->has_cmd = false;
	}
	return r;
}

static int apply_shell_words(const struct apply *a, const struct dockerfile_instruction *in, struct buf *history,
			     struct err *err)
{
	bool has;

	return apply_command(a, in, &a->config->shell, &has, history, err);
}

static int apply_user(const struct apply *a, const struct dockerfile_instruction *in, struct buf *history,
		      struct err *err)
{
	char *user = NULL;
	int r = apply_expand(a, in, &in->args.items[0], &user, err);

	if (r < 0)
		return r;
	buf_addf(history, " %s", user);
	return set_string(&a->config->user, user);
}

static int apply_workdir(const struct apply *a, const struct dockerfile_instruction *in, struct buf *history,
			 struct err *err)
{
	const char *base = a->config->working_dir && *a->config->working_dir ? a->config->working_dir : "/";
	autofree char *given = NULL;
	char *path;
	int r = apply_expand(a, in, &in->args.items[0], &given, err);

	if (r < 0)
		return r;
	if (!*given)
		return dockerfile_error(a->df, in, in->args.items[0].offset, err, EBADMSG, "the path is empty");
	path = path_resolve(base, given);
	if (!path)
		return err_oom(err);
	buf_addf(history, " %s", path);
	return set_string(&a->config->working_dir, path);
}

static int apply_onbuild(const struct apply *a, const struct dockerfile_instruction *in, struct buf *history,
			 struct err *err)
{
	if (in->trigger->heredocs.len > 0)
		return dockerfile_error(a->df, in, in->rest, err, EOPNOTSUPP,
					"ONBUILD with a heredoc comes with a later version");
	buf_addf(history, " %s", in->text + in->rest);
	return strv_add(&a->config->on_build, in->text + in->rest) < 0 ? err_oom(err) : 0;
}

static int apply_maintainer(const struct apply *a, const struct dockerfile_instruction *in, struct buf *history,
			    struct err *err)
{
	char *author = strdup(in->args.items[0].text);

	if (!author)
		return err_oom(err);
	buf_addf(history, " %s", author);
	return set_string(&a->config->author, author);
}

int apply_instruction(const struct apply *a, const struct dockerfile_instruction *in, struct buf *ret_history,
		      struct err *err)
{
	static int (*const table[DOCKERFILE_KEYWORDS])(const struct apply *, const struct dockerfile_instruction *,
						       struct buf *, struct err *) = {
		[DOCKERFILE_CMD] = apply_cmd,
		[DOCKERFILE_ENTRYPOINT] = apply_entrypoint,
		[DOCKERFILE_ENV] = apply_env,
		[DOCKERFILE_EXPOSE] = apply_expose,
		[DOCKERFILE_HEALTHCHECK] = apply_healthcheck,
		[DOCKERFILE_LABEL] = apply_label,
		[DOCKERFILE_MAINTAINER] = apply_maintainer,
		[DOCKERFILE_ONBUILD] = apply_onbuild,
		[DOCKERFILE_SHELL] = apply_shell_words,
		[DOCKERFILE_STOPSIGNAL] = apply_stopsignal,
		[DOCKERFILE_USER] = apply_user,
		[DOCKERFILE_VOLUME] = apply_volume,
		[DOCKERFILE_WORKDIR] = apply_workdir,
	};
	int r;

	buf_add_str(ret_history, dockerfile_keyword_name(in->keyword));
	r = table[in->keyword](a, in, ret_history, err);
	return r >= 0 && ret_history->error ? err_oom(err) : r;
}
