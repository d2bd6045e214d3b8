#include "cli/command.h"

#include "base/str.h"
#include "base/nearest.h"

#include <string.h>

const struct program *this_program;

/* An option of the command or a global one, and the struct that its value goes to. */
struct target {
	const struct option *option;
	void *base;
};

static const struct option *find_in(const struct option *table, const char *name, size_t len, char letter)
{
	for (; table && table->kind != OPTION_KIND_END; table++) {
		if (table->kind == OPTION_KIND_HEADING)
			continue;
		if (letter ? table->letter == letter
			   : strlen(table->name) == len && memcmp(table->name, name, len) == 0)
			return table;
	}
	return NULL;
}

static struct target find_option(const struct command *cmd, void *options, const char *name, size_t len, char letter)
{
	const struct option *option = find_in(cmd->options, name, len, letter);

	if (option)
		return (struct target){ option, options };
	option = find_in(this_program->globals, name, len, letter);
	return (struct target){ option, this_program->global_values };
}

static int unknown_option(const struct command *cmd, const char *given, const char *name, struct err *err)
{
	size_t len = strcspn(name, "=");
	struct nearest near = NEAREST_INIT(name, len);

	for (const struct option *o = cmd->options; o && o->kind != OPTION_KIND_END; o++)
		if (o->kind != OPTION_KIND_HEADING && o->kind != OPTION_KIND_LATER)
			nearest_try(&near, o->name);
	err_set(err, EINVAL, "unknown option '%s'", given);
	if (near.best)
		return err_hint(err, "did you mean --%s? '%s %s --help' lists the options", near.best,
				this_program->name, cmd->name);
	return err_hint(err, "'%s %s --help' lists the options", this_program->name, cmd->name);
}

static int store_flag(bool *value, const char *name, const char *text, struct err *err)
{
	if (!text || strcmp(text, "true") == 0 || strcmp(text, "1") == 0)
		*value = true;
	else if (strcmp(text, "false") == 0 || strcmp(text, "0") == 0)
		*value = false;
	else
		return err_set(err, EINVAL, "option --%s takes true or false, not '%s'", name, text);
	return 0;
}

static int store_value(const struct target *t, const char *text, struct err *err)
{
	char *at = (char *)t->base + t->option->offset;

	switch (t->option->kind) {
	case OPTION_KIND_FLAG:
		return store_flag((bool *)at, t->option->name, text, err);
	case OPTION_KIND_OPTIONAL:
	case OPTION_KIND_STRING:
		*(const char **)at = text;
		return 0;
	case OPTION_KIND_LIST:
		return strv_add((struct strv *)at, text) < 0 ? err_oom(err) : 0;
	case OPTION_KIND_LATER:
	case OPTION_KIND_HEADING:
	case OPTION_KIND_END:
		break;
	}
	return err_set(err, EINVAL, "option --%s has no kind", t->option->name);
}

struct cursor {
	int argc;
	char **argv;
	int at;
};

static int refuse_later(const struct option *option, struct err *err)
{
	err_set(err, EOPNOTSUPP, "option --%s is known and not there yet", option->name);
	return err_hint(err, "%s; leave it out until then", option->help);
}

/* The value of an option: what is INLINE_VALUE, or else the next argument. */
static int take_value(struct cursor *c, const struct target *t, const char *inline_value, struct err *err)
{
	if (t->option->kind == OPTION_KIND_LATER)
		return refuse_later(t->option, err);
	if (inline_value || t->option->kind == OPTION_KIND_FLAG)
		return store_value(t, inline_value, err);
	if (t->option->kind == OPTION_KIND_OPTIONAL)
		return store_value(t, "", err);
	if (c->at + 1 >= c->argc)
		return err_set(err, EINVAL, "option --%s needs a value: %s", t->option->name, t->option->arg);
	return store_value(t, c->argv[++c->at], err);
}

static int parse_long(const struct command *cmd, struct cursor *c, void *options, struct err *err)
{
	const char *name = c->argv[c->at] + 2;
	size_t len = strcspn(name, "=");
	struct target t = find_option(cmd, options, name, len, 0);

	if (!t.option)
		return unknown_option(cmd, c->argv[c->at], name, err);
	return take_value(c, &t, name[len] ? name + len + 1 : NULL, err);
}

/* A cluster of letters: -it, -eNAME=x, -e NAME=x. */
static int parse_short(const struct command *cmd, struct cursor *c, void *options, struct err *err)
{
	const char *given = c->argv[c->at];

	for (const char *p = given + 1; *p; p++) {
		struct target t = find_option(cmd, options, NULL, 0, *p);

		if (!t.option)
			return unknown_option(cmd, given, given + 1, err);
		if (t.option->kind != OPTION_KIND_FLAG) {
			const char *rest = p[1] == '=' ? p + 2 : p + 1;

			return take_value(c, &t, p[1] ? rest : NULL, err);
		}
		if (p[1] == '=')
			return store_value(&t, p + 2, err);
		if (store_value(&t, NULL, err) < 0)
			return -EINVAL;
	}
	return 0;
}

static int check_count(const struct command *cmd, const struct strv *args, struct err *err)
{
	if (*this_program->help)
		return 0;
	if ((int)args->len < cmd->min_args)
		err_set(err, EINVAL, "'%s %s' needs at least %d argument%s", this_program->name, cmd->name,
			cmd->min_args, cmd->min_args == 1 ? "" : "s");
	else if (cmd->max_args >= 0 && (int)args->len > cmd->max_args)
		err_set(err, EINVAL, "'%s %s' takes at most %d argument%s: '%s' is one too many", this_program->name,
			cmd->name, cmd->max_args, cmd->max_args == 1 ? "" : "s", args->items[cmd->max_args]);
	else
		return 0;
	return err_hint(err, "usage: %s %s [OPTIONS] %s", this_program->name, cmd->name, cmd->usage ? cmd->usage : "");
}

int command_parse(const struct command *cmd, int argc, char **argv, void *options, struct strv *args, struct err *err)
{
	struct cursor c = { argc, argv, 0 };
	bool only_args = false;

	for (; c.at < argc; c.at++) {
		const char *word = argv[c.at];
		int r = 0;

		if (only_args || word[0] != '-' || !word[1]) {
			if (strv_add(args, word) < 0)
				return err_oom(err);
			only_args |= cmd->stop_at_args && (int)args->len >= cmd->stop_after;
		} else if (strcmp(word, "--") == 0) {
			only_args = true;
		} else if (word[1] == '-') {
			r = parse_long(cmd, &c, options, err);
		} else {
			r = parse_short(cmd, &c, options, err);
		}
		if (r < 0)
			return r;
	}
	return check_count(cmd, args, err);
}

void command_options_done(const struct command *cmd, void *options)
{
	for (const struct option *o = cmd->options; o && o->kind != OPTION_KIND_END; o++)
		if (o->kind == OPTION_KIND_LIST)
			strv_done((struct strv *)((char *)options + o->offset));
}
