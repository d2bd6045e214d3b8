#include "build/vars.h"

#include "base/cleanup.h"
#include "build/expand.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static const char *lookup(void *arg, const char *name)
{
	const struct vars *v = arg;
	const char *value = v->env ? strv_env_get(v->env, name) : NULL;

	return value || !v->args ? value : strv_env_get(v->args, name);
}

static int place(int r, const struct err *why, const struct dockerfile *df, const struct dockerfile_instruction *in,
		 size_t offset, struct err *err)
{
	if (r == -ENOMEM)
		return err_oom(err);
	return dockerfile_error(df, in, offset, err, -r, "%s", why->msg);
}

int vars_expand(const struct vars *v, const struct dockerfile *df, const struct dockerfile_instruction *in,
		const char *text, size_t offset, char **ret, struct err *err)
{
	struct expand x = { .escape = df->escape, .lookup = lookup, .arg = (void *)(uintptr_t)v };
	struct err why = { 0 };
	size_t at = 0;
	int r = expand_word(&x, text, ret, &at, &why);

	return r < 0 ? place(r, &why, df, in, offset + at, err) : 0;
}

int vars_expand_words(const struct vars *v, const struct dockerfile *df, const struct dockerfile_instruction *in,
		      const char *text, size_t offset, struct strv *ret, struct err *err)
{
	struct expand x = { .escape = df->escape, .lookup = lookup, .arg = (void *)(uintptr_t)v };
	struct err why = { 0 };
	size_t at = 0;
	int r = expand_words(&x, text, ret, &at, &why);

	return r < 0 ? place(r, &why, df, in, offset + at, err) : 0;
}

int vars_expand_document(const struct vars *v, const struct dockerfile *df, const struct dockerfile_instruction *in,
			 const char *text, size_t offset, char **ret, struct err *err)
{
	struct expand x = { .escape = '\\', .document = true, .lookup = lookup, .arg = (void *)(uintptr_t)v };
	struct err why = { 0 };
	int r = expand_word(&x, text, ret, NULL, &why);

	return r < 0 ? place(r, &why, df, in, offset, err) : 0;
}

bool vars_is_proxy(const char *name)
{
	static const char *const names[] = { "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return false;
}
