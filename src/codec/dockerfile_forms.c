/* The instructions and the form of their arguments. */
#include "base/cleanup.h"
#include "base/str.h"
#include "base/nearest.h"
#include "codec/dockerfile_impl.h"

#include <string.h>
#include <strings.h>

static int too_much(const struct dockerfile *df, const struct dockerfile_instruction *in, int r, struct err *err)
{
	if (r == -ENOMEM)
		return err_oom(err);
	return dockerfile_error(df, in, in->rest, err, E2BIG, "more than %d arguments", DOCKERFILE_WORDS_MAX);
}

static int need_argument(const struct dockerfile *df, const struct dockerfile_instruction *in, struct err *err)
{
	if (in->text[in->rest])
		return 0;
	return dockerfile_error(df, in, in->rest, err, EBADMSG, "%s needs an argument",
				dockerfile_keyword_name(in->keyword));
}

/* The rest of the line as it stands, without blanks at its end. */
static int parse_string(const struct dockerfile *df, struct dockerfile_instruction *in, struct err *err)
{
	const char *p = in->text + in->rest;
	size_t len = strlen(p);
	int r = need_argument(df, in, err);

	if (r < 0)
		return r;
	while (len > 0 && dockerfile_blank(p[len - 1]))
		len--;
	r = dockerfile_add_arg(&in->args, strndup(p, len), NULL, in->rest);
	return r < 0 ? too_much(df, in, r, err) : 0;
}

static int parse_command(const struct dockerfile *df, struct dockerfile_instruction *in, struct err *err)
{
	int r = need_argument(df, in, err);

	if (r >= 0)
		r = dockerfile_json_strings(in->text + in->rest, in->rest, &in->args);
	if (r < 0)
		return err && err->code ? r : too_much(df, in, r, err);
	in->exec_form = r == 1;
	return in->exec_form ? 0 : parse_string(df, in, err);
}

static int parse_shell(const struct dockerfile *df, struct dockerfile_instruction *in, struct err *err)
{
	int r = parse_command(df, in, err);

	if (r >= 0 && (!in->exec_form || in->args.len == 0))
		return dockerfile_error(df, in, in->rest, err, EBADMSG,
					"SHELL takes a JSON array: SHELL [\"/bin/sh\", \"-c\"]");
	return r;
}

/* Words parted by blanks; quotes mean nothing here. */
static int parse_words(const struct dockerfile *df, struct dockerfile_instruction *in, struct err *err)
{
	const char *p = in->text + in->rest;
	int r = need_argument(df, in, err);

	while (r >= 0) {
		size_t len = 0;

		while (dockerfile_blank(*p))
			p++;
		while (p[len] && !dockerfile_blank(p[len]))
			len++;
		if (len == 0)
			return 0;
		r = dockerfile_add_arg(&in->args, strndup(p, len), NULL, (size_t)(p - in->text));
		if (r < 0)
			return too_much(df, in, r, err);
		p += len;
	}
	return r;
}

static int parse_json_or_words(const struct dockerfile *df, struct dockerfile_instruction *in, struct err *err)
{
	int r = need_argument(df, in, err);

	if (r >= 0)
		r = dockerfile_json_strings(in->text + in->rest, in->rest, &in->args);
	if (r < 0)
		return err && err->code ? r : too_much(df, in, r, err);
	in->exec_form = r == 1;
	return in->exec_form ? 0 : parse_words(df, in, err);
}

static int parse_copy(const struct dockerfile *df, struct dockerfile_instruction *in, struct err *err)
{
	int r = parse_json_or_words(df, in, err);

	if (r >= 0 && in->args.len < 2)
		return dockerfile_error(df, in, in->rest, err, EBADMSG, "%s needs a source and a destination",
					dockerfile_keyword_name(in->keyword));
	return r;
}

/* One name=value, both raw; without '=', VALUE stays NULL. */
static int add_pair(const struct dockerfile *df, struct dockerfile_instruction *in, const char *p, size_t len,
		    struct err *err)
{
	const char *equals = memchr(p, '=', len);
	size_t name_len = equals ? (size_t)(equals - p) : len;
	char *value = NULL;
	int r;

	if (name_len == 0)
		return dockerfile_error(df, in, (size_t)(p - in->text), err, EBADMSG,
					"the name in front of '=' is empty");
	if (equals) {
		value = strndup(equals + 1, len - name_len - 1);
		if (!value)
			return err_oom(err);
	}
	r = dockerfile_add_arg(&in->args, strndup(p, name_len), value, (size_t)(p - in->text));
	return r < 0 ? too_much(df, in, r, err) : 0;
}

static int parse_pairs(const struct dockerfile *df, struct dockerfile_instruction *in, bool bare_names, struct err *err)
{
	const char *p = in->text + in->rest;

	for (;;) {
		size_t len;
		int r;

		while (dockerfile_blank(*p))
			p++;
		len = dockerfile_word_length(p, df->escape);
		if (len == 0)
			return 0;
		if (!bare_names && !memchr(p, '=', len))
			return dockerfile_error(df, in, (size_t)(p - in->text), err, EBADMSG,
						"'%.*s' has no '=': %s takes name=value", len > 100 ? 100 : (int)len, p,
						dockerfile_keyword_name(in->keyword));
		r = add_pair(df, in, p, len, err);
		if (r < 0)
			return r;
		p += len;
	}
}

static int parse_arg(const struct dockerfile *df, struct dockerfile_instruction *in, struct err *err)
{
	int r = need_argument(df, in, err);

	return r < 0 ? r : parse_pairs(df, in, true, err);
}

/* ENV and LABEL: name=value …, or the old form "name the whole rest". */
static int parse_env(const struct dockerfile *df, struct dockerfile_instruction *in, struct err *err)
{
	const char *p = in->text + in->rest;
	size_t len = dockerfile_word_length(p, df->escape), rest_len;
	const char *value = p + len;
	autofree char *copy = NULL;
	int r = need_argument(df, in, err);

	if (r < 0)
		return r;
	if (memchr(p, '=', len))
		return parse_pairs(df, in, false, err);
	while (dockerfile_blank(*value))
		value++;
	if (!*value)
		return dockerfile_error(df, in, in->rest, err, EBADMSG, "%s needs a name and a value: %s name=value",
					dockerfile_keyword_name(in->keyword), dockerfile_keyword_name(in->keyword));
	rest_len = strlen(value);
	while (dockerfile_blank(value[rest_len - 1]))
		rest_len--;
	copy = strndup(value, rest_len);
	if (!copy)
		return err_oom(err);
	r = dockerfile_add_arg(&in->args, strndup(p, len), TAKE_PTR(copy), in->rest);
	return r < 0 ? too_much(df, in, r, err) : 0;
}

static int parse_from(const struct dockerfile *df, struct dockerfile_instruction *in, struct err *err)
{
	int r = parse_words(df, in, err);

	if (r < 0)
		return r;
	if (in->args.len == 1 || (in->args.len == 3 && strcasecmp(in->args.items[1].text, "AS") == 0))
		return 0;
	return dockerfile_error(df, in, in->args.items[1].offset, err, EBADMSG,
				"FROM takes an image, or: image AS name");
}

static int parse_healthcheck(const struct dockerfile *df, struct dockerfile_instruction *in, struct err *err)
{
	const char *p = in->text + in->rest;
	size_t len = 0;
	int r = need_argument(df, in, err);

	if (r < 0)
		return r;
	while (p[len] && !dockerfile_blank(p[len]))
		len++;
	if (len == 4 && strncasecmp(p, "NONE", 4) == 0 && p[4 + strspn(p + 4, " \t\v\f\r")] == '\0') {
		in->healthcheck_none = true;
		return 0;
	}
	if (len != 3 || strncasecmp(p, "CMD", 3) != 0)
		return dockerfile_error(df, in, in->rest, err, EBADMSG, "HEALTHCHECK takes CMD and a command, or NONE");
	in->rest += len;
	while (dockerfile_blank(in->text[in->rest]))
		in->rest++;
	return parse_command(df, in, err);
}

static const char *const add_flags[] = {
	"chown", "chmod", "link", "checksum", "keep-git-dir", "exclude", "unpack", NULL
};
static const char *const copy_flags[] = { "from", "chown", "chmod", "link", "parents", "exclude", NULL };
static const char *const from_flags[] = { "platform", NULL };
static const char *const health_flags[] = { "interval", "timeout", "start-period", "start-interval", "retries", NULL };
static const char *const run_flags[] = { "mount", "network", "security", "device", NULL };

const struct dockerfile_rule dockerfile_rules[DOCKERFILE_KEYWORDS] = {
	[DOCKERFILE_ADD] = { "ADD", parse_copy, add_flags, true },
	[DOCKERFILE_ARG] = { "ARG", parse_arg, NULL, false },
	[DOCKERFILE_CMD] = { "CMD", parse_command, NULL, false },
	[DOCKERFILE_COPY] = { "COPY", parse_copy, copy_flags, true },
	[DOCKERFILE_ENTRYPOINT] = { "ENTRYPOINT", parse_command, NULL, false },
	[DOCKERFILE_ENV] = { "ENV", parse_env, NULL, false },
	[DOCKERFILE_EXPOSE] = { "EXPOSE", parse_words, NULL, false },
	[DOCKERFILE_FROM] = { "FROM", parse_from, from_flags, false },
	[DOCKERFILE_HEALTHCHECK] = { "HEALTHCHECK", parse_healthcheck, health_flags, false },
	[DOCKERFILE_LABEL] = { "LABEL", parse_env, NULL, false },
	[DOCKERFILE_MAINTAINER] = { "MAINTAINER", parse_string, NULL, false },
	[DOCKERFILE_ONBUILD] = { "ONBUILD", parse_string, NULL, false },
	[DOCKERFILE_RUN] = { "RUN", parse_command, run_flags, true },
	[DOCKERFILE_SHELL] = { "SHELL", parse_shell, NULL, false },
	[DOCKERFILE_STOPSIGNAL] = { "STOPSIGNAL", parse_string, NULL, false },
	[DOCKERFILE_USER] = { "USER", parse_string, NULL, false },
	[DOCKERFILE_VOLUME] = { "VOLUME", parse_json_or_words, NULL, false },
	[DOCKERFILE_WORKDIR] = { "WORKDIR", parse_string, NULL, false },
};

const char *dockerfile_keyword_name(enum dockerfile_keyword keyword)
{
	return dockerfile_rules[keyword].name;
}

int dockerfile_find_keyword(const char *name, size_t len)
{
	for (int i = 0; i < DOCKERFILE_KEYWORDS; i++)
		if (strlen(dockerfile_rules[i].name) == len && strncasecmp(dockerfile_rules[i].name, name, len) == 0)
			return i;
	return -1;
}

const char *dockerfile_nearest_keyword(const char *name, size_t len)
{
	struct nearest near = NEAREST_INIT(name, len);

	near.ignore_case = true;
	for (int i = 0; i < DOCKERFILE_KEYWORDS; i++)
		nearest_try(&near, dockerfile_rules[i].name);
	return near.best;
}
