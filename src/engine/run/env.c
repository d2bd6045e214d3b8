#include "engine/run/env.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>

int run_env_apply(struct strv *env, const char *word, const struct strv *outer, struct err *err)
{
	const char *value;
	autofree char *pair = NULL;

	if (!*word || *word == '=')
		return err_set(err, EINVAL, "invalid environment variable '%s': the name is empty", word);
	if (strchr(word, '='))
		return strv_env_set(env, word) < 0 ? err_oom(err) : 0;
	value = strv_env_get(outer, word);
	if (!value) {
		strv_env_unset(env, word);
		return 0;
	}
	pair = str_format("%s=%s", word, value);
	return !pair || strv_env_set(env, pair) < 0 ? err_oom(err) : 0;
}

static int apply_line(struct strv *env, char *line, const struct strv *outer, struct err *err)
{
	size_t name;

	line += strspn(line, " \t");
	if (!*line || *line == '#')
		return 0;
	name = strcspn(line, "=");
	if (strcspn(line, " \t") < name)
		return err_set(err, EINVAL, "the name '%.*s' has blanks", (int)name, line);
	return run_env_apply(env, line, outer, err);
}

int run_env_apply_text(struct strv *env, const char *path, const char *text, size_t len, const struct strv *outer,
		       struct err *err)
{
	autofree char *copy = strndup(text, len);
	char *rest = copy, *line;

	if (!copy)
		return err_oom(err);
	if (strlen(copy) != len)
		return err_set(err, EINVAL, "env file '%s': has a NUL byte", path);
	if (str_starts_with(rest, "\xef\xbb\xbf"))
		rest += 3;
	for (int number = 1; (line = strsep(&rest, "\n")); number++) {
		size_t n = strlen(line);
		int r;

		if (n && line[n - 1] == '\r')
			line[n - 1] = '\0';
		r = apply_line(env, line, outer, err);
		if (r < 0)
			return err_wrap(err, "env file '%s', line %d", path, number);
	}
	return 0;
}

int run_label_apply(struct strv *pairs, const char *word, struct err *err)
{
	size_t len = strcspn(word, "=");
	const char *value = word[len] ? word + len + 1 : "";

	if (!len)
		return err_set(err, EINVAL, "invalid label '%s': the name is empty", word);
	for (size_t i = 0; i + 1 < pairs->len; i += 2) {
		char *copy;

		if (strlen(pairs->items[i]) != len || memcmp(pairs->items[i], word, len) != 0)
			continue;
		copy = strdup(value);
		if (!copy)
			return err_oom(err);
		free(pairs->items[i + 1]);
		pairs->items[i + 1] = copy;
		return 0;
	}
	return strv_addn(pairs, word, len) < 0 || strv_add(pairs, value) < 0 ? err_oom(err) : 0;
}
