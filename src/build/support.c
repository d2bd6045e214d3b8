/* What the parser knows and the builder doesn't do yet, said by name. */
#include "build/plan.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>

struct later {
	enum dockerfile_keyword keyword;
	const char *flag;
	const char *what;
};

static const struct later later_flags[] = {
	{ DOCKERFILE_RUN, "device", "RUN --device comes with a later version" },
	{ DOCKERFILE_COPY, "parents", "COPY --parents comes with a later version" },
	{ DOCKERFILE_COPY, "exclude", "COPY --exclude comes with a later version; .dockerignore can do it" },
	{ DOCKERFILE_ADD, "exclude", "ADD --exclude comes with a later version; .dockerignore can do it" },
	{ DOCKERFILE_ADD, "checksum", "ADD --checksum comes with ADD of URLs, in a later version" },
	{ DOCKERFILE_ADD, "keep-git-dir", "ADD --keep-git-dir comes with ADD of repositories, in a later version" },
};

static int check_later(const struct dockerfile *df, const struct dockerfile_instruction *in, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(later_flags); i++) {
		const struct dockerfile_flag *flag;

		if (later_flags[i].keyword != in->keyword)
			continue;
		flag = dockerfile_flag(in, later_flags[i].flag);
		if (flag)
			return dockerfile_error(df, in, flag->offset, err, EOPNOTSUPP, "%s", later_flags[i].what);
	}
	return 0;
}

static int check_run(const struct dockerfile *df, const struct dockerfile_instruction *in, struct err *err)
{
	const struct dockerfile_flag *network = dockerfile_flag(in, "network"),
				     *security = dockerfile_flag(in, "security");

	if (network &&
	    (!network->value || (strcmp(network->value, "default") != 0 && strcmp(network->value, "none") != 0 &&
				 strcmp(network->value, "host") != 0)))
		return dockerfile_error(df, in, network->offset, err, EBADMSG, "--network takes default, none or host");
	if (!security || (security->value && strcmp(security->value, "sandbox") == 0))
		return 0;
	if (security->value && strcmp(security->value, "insecure") == 0)
		return dockerfile_error(df, in, security->offset, err, EOPNOTSUPP,
					"RUN --security=insecure comes with a later version");
	return dockerfile_error(df, in, security->offset, err, EBADMSG, "--security takes sandbox or insecure");
}

static bool is_url(const char *s)
{
	return str_starts_with(s, "http://") || str_starts_with(s, "https://") || str_starts_with(s, "git://") ||
	       str_starts_with(s, "git@") || str_starts_with(s, "ssh://");
}

static int check_add(const struct dockerfile *df, const struct dockerfile_instruction *in, struct err *err)
{
	for (size_t i = 0; i + 1 < in->args.len; i++) {
		if (!is_url(in->args.items[i].text))
			continue;
		dockerfile_error(df, in, in->args.items[i].offset, err, EOPNOTSUPP,
				 "ADD of a URL comes with a later version");
		return err_hint(err, "download it before the build and COPY it, or use RUN with curl or wget");
	}
	return 0;
}

/* Flags that stand for yes or no: bare, or =true, =false. */
static int check_boolean(const struct dockerfile *df, const struct dockerfile_instruction *in, const char *name,
			 struct err *err)
{
	const struct dockerfile_flag *flag = dockerfile_flag(in, name);

	if (!flag || !flag->value || strcmp(flag->value, "true") == 0 || strcmp(flag->value, "false") == 0)
		return 0;
	return dockerfile_error(df, in, flag->offset, err, EBADMSG, "--%s takes true or false", name);
}

/* Flags that mean nothing without a value. */
static int check_values(const struct dockerfile *df, const struct dockerfile_instruction *in, struct err *err)
{
	for (size_t i = 0; i < in->flags.len; i++) {
		const struct dockerfile_flag *flag = &in->flags.items[i];

		if ((!flag->value || !*flag->value) && strcmp(flag->name, "link") != 0 &&
		    strcmp(flag->name, "parents") != 0 && strcmp(flag->name, "unpack") != 0 &&
		    strcmp(flag->name, "keep-git-dir") != 0)
			return dockerfile_error(df, in, flag->offset, err, EBADMSG, "--%s needs a value: --%s=…",
						flag->name, flag->name);
	}
	return 0;
}

int plan_check_supported(const struct dockerfile *df, const struct dockerfile_instruction *in, struct err *err)
{
	const struct dockerfile_instruction *inner = in->trigger ? in->trigger : in;
	int r = check_values(df, inner, err);

	if (r >= 0)
		r = check_later(df, inner, err);
	if (r >= 0)
		r = check_boolean(df, inner, "link", err);
	if (r >= 0)
		r = check_boolean(df, inner, "unpack", err);
	if (r >= 0 && inner->keyword == DOCKERFILE_RUN)
		r = check_run(df, inner, err);
	if (r >= 0 && inner->keyword == DOCKERFILE_ADD)
		r = check_add(df, inner, err);
	return r;
}
