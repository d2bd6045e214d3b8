#include "build/plan.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"
#include "build/mount_spec.h"
#include "build/vars.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

void plan_done(struct plan *p)
{
	for (size_t i = 0; i < p->stages_len; i++) {
		free(p->stages[i].name);
		free(p->stages[i].base);
	}
	free(p->stages);
	strv_done(&p->globals);
	*p = (struct plan){ 0 };
}

/* The platform's words, which are there without ARG in front of the first FROM. */
static int add_platform(struct plan *p, const char *platform, struct err *err)
{
	static const char *const sides[] = { "BUILD", "TARGET" };
	const char *os_end = strchr(platform, '/'), *arch = os_end ? os_end + 1 : "", *variant = strchr(arch, '/');
	int os_len = (int)(os_end ? (size_t)(os_end - platform) : strlen(platform));
	int arch_len = (int)(variant ? (size_t)(variant - arch) : strlen(arch));

	for (size_t i = 0; i < ARRAY_SIZE(sides); i++) {
		if (strv_addf(&p->globals, "%sPLATFORM=%s", sides[i], platform) < 0 ||
		    strv_addf(&p->globals, "%sOS=%.*s", sides[i], os_len, platform) < 0 ||
		    strv_addf(&p->globals, "%sARCH=%.*s", sides[i], arch_len, arch) < 0 ||
		    strv_addf(&p->globals, "%sVARIANT=%s", sides[i], variant ? variant + 1 : "") < 0)
			return err_oom(err);
	}
	return 0;
}

/* ARG in front of the first FROM: each value may use those before it. */
static int add_global(struct plan *p, const struct dockerfile_instruction *in, const struct plan_options *options,
		      struct err *err)
{
	struct vars vars = { NULL, &p->globals };

	for (size_t i = 0; i < in->args.len; i++) {
		const struct dockerfile_arg *arg = &in->args.items[i];
		const char *given = strv_env_get(options->build_args, arg->text);
		autofree char *value = NULL, *entry = NULL;
		int r;

		if (!given && !arg->value)
			continue;
		if (!given) {
			r = vars_expand(&vars, p->df, in, arg->value, arg->offset + strlen(arg->text) + 1, &value, err);
			if (r < 0)
				return r;
		}
		entry = str_format("%s=%s", arg->text, given ? given : value);
		if (!entry || strv_env_set(&p->globals, entry) < 0)
			return err_oom(err);
	}
	return 0;
}

ssize_t plan_find_stage(const struct plan *p, size_t before, const char *text, bool by_number)
{
	uint32_t number;

	for (size_t i = before; i-- > 0;)
		if (p->stages[i].name && strcasecmp(p->stages[i].name, text) == 0)
			return (ssize_t)i;
	if (by_number && before > 0 && num_parse_u32(text, (uint32_t)before - 1, &number) == 0)
		return number;
	return -1;
}

static bool valid_stage_name(const char *name)
{
	if (!((*name | 32) >= 'a' && (*name | 32) <= 'z'))
		return false;
	for (; *name; name++)
		if (!((*name | 32) >= 'a' && (*name | 32) <= 'z') && !(*name >= '0' && *name <= '9') &&
		    !strchr("-_.", *name))
			return false;
	return true;
}

static int check_platform(const struct plan *p, const struct dockerfile_instruction *in, const char *ours,
			  struct err *err)
{
	const struct dockerfile_flag *flag = dockerfile_flag(in, "platform");
	struct vars vars = { NULL, &p->globals };
	autofree char *platform = NULL;
	const char *rest;
	int r;

	if (!flag || !flag->value)
		return 0;
	r = vars_expand(&vars, p->df, in, flag->value, flag->offset, &platform, err);
	if (r < 0)
		return r;
	/* "linux/arm64" fits a machine that is "linux/arm64/v8". */
	rest = str_skip_prefix(ours, platform);
	if (!*platform || (rest && (!*rest || *rest == '/') && strchr(platform, '/')))
		return 0;
	dockerfile_error(p->df, in, flag->offset, err, EOPNOTSUPP, "this machine builds for %s only, not for %s", ours,
			 platform);
	return err_hint(err, "leave --platform out, or write --platform=$BUILDPLATFORM");
}

static int fill_stage(struct plan *p, size_t index, const struct dockerfile_instruction *in, const char *platform,
		      struct err *err)
{
	struct plan_stage *stage = &p->stages[index];
	struct vars vars = { NULL, &p->globals };
	const struct dockerfile_arg *image = &in->args.items[0];
	int r;

	r = vars_expand(&vars, p->df, in, image->text, image->offset, &stage->base, err);
	if (r < 0)
		return r;
	if (!*stage->base)
		return dockerfile_error(
			p->df, in, image->offset, err, EBADMSG,
			"the image's name is empty: '%s' has no value (ARG before the first FROM gives it one)",
			image->text);
	if (in->args.len == 3) {
		const struct dockerfile_arg *name = &in->args.items[2];

		if (!valid_stage_name(name->text))
			return dockerfile_error(
				p->df, in, name->offset, err, EBADMSG,
				"a stage's name begins with a letter and has letters, digits, - _ . only");
		if (plan_find_stage(p, index, name->text, false) >= 0)
			return dockerfile_error(p->df, in, name->offset, err, EBADMSG, "there is a stage '%s' already",
						name->text);
		stage->name = strdup(name->text);
		if (!stage->name)
			return err_oom(err);
	}
	stage->base_stage = plan_find_stage(p, index, stage->base, false);
	stage->scratch = stage->base_stage < 0 && strcmp(stage->base, "scratch") == 0;
	return check_platform(p, in, platform, err);
}

static int add_stages(struct plan *p, const struct plan_options *options, struct err *err)
{
	const struct dockerfile_instructions *all = &p->df->instructions;
	size_t count = 0;
	int r = 0;

	for (size_t i = 0; i < all->len; i++)
		count += all->items[i].keyword == DOCKERFILE_FROM;
	if (count == 0)
		return err_set(err, EBADMSG, "%s: has no FROM", p->df->name);
	if (count > PLAN_STAGES_MAX)
		return err_set(err, E2BIG, "%s: has more than %d stages", p->df->name, PLAN_STAGES_MAX);
	p->stages = calloc(count, sizeof(*p->stages));
	if (!p->stages)
		return err_oom(err);
	for (size_t i = 0; i < all->len && r >= 0; i++) {
		const struct dockerfile_instruction *in = &all->items[i];

		if (in->keyword == DOCKERFILE_FROM) {
			p->stages[p->stages_len++].from = i;
			r = fill_stage(p, p->stages_len - 1, in, options->platform, err);
		} else if (p->stages_len == 0) {
			r = in->keyword == DOCKERFILE_ARG
				    ? add_global(p, in, options, err)
				    : dockerfile_error(p->df, in, 0, err, EBADMSG,
						       "only ARG may stand before the first FROM");
		}
		if (p->stages_len > 0)
			p->stages[p->stages_len - 1].end = i + 1;
	}
	return r;
}

static int find_target(struct plan *p, const char *target, struct err *err)
{
	autobuf struct buf names = BUF_INIT(1024);
	ssize_t found;

	p->target = p->stages_len - 1;
	if (!target || !*target)
		return 0;
	found = plan_find_stage(p, p->stages_len, target, true);
	if (found >= 0) {
		p->target = (size_t)found;
		return 0;
	}
	for (size_t i = 0; i < p->stages_len; i++)
		if (p->stages[i].name)
			buf_addf(&names, "%s%s", names.len ? ", " : "", p->stages[i].name);
	err_set(err, ENOENT, "%s: there is no stage '%s'", p->df->name, target);
	return err_hint(err, "stages have the numbers 0 to %zu%s%s", p->stages_len - 1,
			names.len ? " and these names: " : "", buf_str(&names));
}

static void mark_stage(struct plan *p, size_t before, const char *name)
{
	ssize_t other = name ? plan_find_stage(p, before, name, true) : -1;

	if (other >= 0)
		p->stages[other].needed = true;
}

/* What COPY --from and RUN --mount=…,from= name. A mount that can't be read is told when it is carried out. */
static void mark_sources(struct plan *p, size_t index, const struct dockerfile_instruction *in)
{
	for (size_t i = 0; i < in->flags.len; i++) {
		const struct dockerfile_flag *flag = &in->flags.items[i];
		CLEANUP(mount_spec_done) struct mount_spec mount = { 0 };

		if (in->keyword == DOCKERFILE_COPY && strcmp(flag->name, "from") == 0)
			mark_stage(p, index, flag->value);
		else if (in->keyword == DOCKERFILE_RUN && strcmp(flag->name, "mount") == 0 &&
			 mount_spec_parse(flag->value, &mount, NULL) >= 0)
			mark_stage(p, index, mount.from);
	}
}

/* Marks what stage INDEX leans on; stages lean on earlier ones only, so one pass from the target down is enough. */
static int mark_needed(struct plan *p, size_t index, struct err *err)
{
	struct plan_stage *stage = &p->stages[index];

	if (stage->base_stage >= 0)
		p->stages[stage->base_stage].needed = true;
	for (size_t i = stage->from + 1; i < stage->end; i++) {
		const struct dockerfile_instruction *in = &p->df->instructions.items[i];
		int r = plan_check_supported(p->df, in, err);

		if (r < 0)
			return r;
		mark_sources(p, index, in);
	}
	return 0;
}

int plan_make(const struct dockerfile *df, const struct plan_options *options, struct plan *ret, struct err *err)
{
	int r;

	ret->df = df;
	r = add_platform(ret, options->platform, err);
	if (r >= 0)
		r = add_stages(ret, options, err);
	if (r >= 0)
		r = find_target(ret, options->target, err);
	if (r < 0)
		return r;
	ret->stages[ret->target].needed = true;
	for (size_t i = ret->target + 1; i-- > 0 && r >= 0;)
		if (ret->stages[i].needed)
			r = mark_needed(ret, i, err);
	return r;
}
