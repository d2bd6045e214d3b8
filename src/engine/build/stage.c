/* One stage: its base, its ARGs, and who carries out which instruction. */
#include "base/cleanup.h"
#include "base/str.h"
#include "build/apply.h"
#include "engine/build/session.h"

#include <errno.h>
#include <string.h>

static int add_env(struct strv *list, const char *name, const char *value, struct err *err)
{
	autofree char *entry = str_format("%s=%s", name, value);

	return !entry || strv_env_set(list, entry) < 0 ? err_oom(err) : 0;
}

/* ARG in a stage: --build-arg goes before the default, that before the ARG of the same name above the first FROM. */
static int run_arg(struct build_at *at, struct err *err)
{
	autobuf struct buf history = BUF_INIT(DOCKERFILE_LINE_MAX);
	struct build_session *s = at->s;

	buf_add_str(&history, "ARG");
	for (size_t i = 0; i < at->in->args.len; i++) {
		const struct dockerfile_arg *arg = &at->in->args.items[i];
		autofree char *name = NULL, *value = NULL;
		const char *given;
		int r = vars_expand(&at->vars, at->df, at->in, arg->text, arg->offset, &name, err);

		if (r >= 0 && arg->value)
			r = vars_expand(&at->vars, at->df, at->in, arg->value, arg->offset + strlen(arg->text) + 1,
					&value, err);
		if (r < 0)
			return r;
		given = strv_env_get(&s->options->build_args, name);
		if (given && strv_add(&s->used_args, name) < 0)
			return err_oom(err);
		if (!given)
			given = value ? value : strv_env_get(&s->plan.globals, name);
		if (given && add_env(&at->state->args, name, given, err) < 0)
			return -ENOMEM;
		buf_addf(&history, " %s%s%s", name, value ? "=" : "", value ? value : "");
	}
	return history.error ? err_oom(err) : build_history(at, buf_str(&history), err);
}

static int run_config(struct build_at *at, struct err *err)
{
	autobuf struct buf history = BUF_INIT(DOCKERFILE_LINE_MAX * 2);
	struct apply a = { at->df, at->vars, &at->state->image.config, &at->state->cmd_is_own };
	int r = apply_instruction(&a, at->in, &history, err);

	return r < 0 ? r : build_history(at, buf_str(&history), err);
}

static int run_instruction(struct build_session *s, size_t stage, const struct dockerfile *df,
			   const struct dockerfile_instruction *in, struct err *err)
{
	struct build_state *state = &s->states[stage];
	struct build_at at = {
		s, state, stage, df, in, { &state->image.config.env, &state->args }, state->image.config.diff_ids_len
	};

	switch (in->keyword) {
	case DOCKERFILE_ARG:
		return run_arg(&at, err);
	case DOCKERFILE_RUN:
		return build_run(&at, err);
	case DOCKERFILE_COPY:
	case DOCKERFILE_ADD:
		return build_copy(&at, err);
	case DOCKERFILE_WORKDIR:
		return build_workdir(&at, err);
	default:
		return run_config(&at, err);
	}
}

/* Whether the progress shows the instruction: it may take time. */
static bool is_step(enum dockerfile_keyword keyword)
{
	return !apply_is_config(keyword) ? keyword != DOCKERFILE_ARG && keyword != DOCKERFILE_FROM
					 : keyword == DOCKERFILE_WORKDIR;
}

/* --- the base --- */

static int copy_state(const struct build_state *from, struct build_state *to, struct err *err)
{
	int r = image_config_copy(&to->image.config, &from->image.config, err);

	memcpy(to->created, from->created, sizeof(to->created));

	for (size_t i = 0; i < from->image.manifest.layers_len && r >= 0; i++)
		r = image_manifest_add_layer(&to->image.manifest, &from->image.manifest.layers[i], err);
	return r;
}

static void on_pull(const char *text, void *arg)
{
	build_notice(arg, "%s", text);
}

int build_find_image(struct build_session *s, const char *name, struct store_image *ret, struct err *err)
{
	struct engine e = { .ids = s->ids, .store = s->store };

	return image_find(&e, name, s->options->pull, on_pull, s, ret, err);
}

static int open_image(struct build_session *s, const struct plan_stage *stage, struct build_state *state,
		      struct err *err)
{
	const struct dockerfile_instruction *from = &s->df.instructions.items[stage->from];
	struct err why = { 0 };
	int r = build_find_image(s, stage->base, &state->image, &why);

	if (r >= 0) {
		const char *created = state->image.config.created;

		if (created && strlen(created) < sizeof(state->created))
			memcpy(state->created, created, strlen(created) + 1);
		return 0;
	}
	dockerfile_error(&s->df, from, from->args.items[0].offset, err, -r, "%s", why.msg);
	return err_hint(err, "%s", why.hint);
}

/* As with docker every stage has a PATH, so that `ENV PATH=/app:$PATH` means what it says whatever the base. */
static int ensure_path(struct image_config *config, struct err *err)
{
	if (strv_env_get(&config->env, "PATH"))
		return 0;
	return strv_add(&config->env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin") < 0
		       ? err_oom(err)
		       : 0;
}

static int open_base(struct build_session *s, size_t index, struct err *err)
{
	const struct plan_stage *stage = &s->plan.stages[index];
	struct build_state *state = &s->states[index];
	int r;

	if (stage->base_stage >= 0)
		return copy_state(&s->states[stage->base_stage], state, err);
	r = stage->scratch ? image_config_init(&state->image.config, err) : open_image(s, stage, state, err);
	return r < 0 ? r : ensure_path(&state->image.config, err);
}

/* --- ONBUILD --- */

/* What the base image wants done first; the list is taken over by RET, since it isn't inherited further. */
static int take_triggers(struct build_state *state, struct strv *ret, struct err *err)
{
	if (strv_add_all(ret, &state->image.config.on_build) < 0)
		return err_oom(err);
	strv_done(&state->image.config.on_build);
	return 0;
}

static int parse_triggers(const struct strv *lines, struct dockerfile *parsed, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < lines->len && r >= 0; i++) {
		parsed[i] = DOCKERFILE_INIT;
		r = dockerfile_parse_line("ONBUILD of the base image", lines->items[i], &parsed[i], err);
		if (r >= 0)
			r = plan_check_supported(&parsed[i], &parsed[i].instructions.items[0], err);
	}
	return r;
}

/* --- the whole --- */

static size_t count_steps(const struct build_session *s, const struct plan_stage *stage,
			  const struct dockerfile *triggers, size_t triggers_len)
{
	size_t n = 1; /* FROM */

	for (size_t i = stage->from + 1; i < stage->end; i++)
		n += is_step(s->df.instructions.items[i].keyword);
	for (size_t i = 0; i < triggers_len; i++)
		n += is_step(triggers[i].instructions.items[0].keyword);
	return n;
}

static int run_all(struct build_session *s, size_t index, const struct dockerfile *triggers, size_t triggers_len,
		   struct err *err)
{
	const struct plan_stage *stage = &s->plan.stages[index];
	struct build_state *state = &s->states[index];
	const struct dockerfile_instruction *from = &s->df.instructions.items[stage->from];
	struct build_timer timer;
	int r;

	state->steps = count_steps(s, stage, triggers, triggers_len);
	state->step = 1;
	r = build_step_begin(s, state, index, from->text, &timer, err);
	build_step_end(s, &timer, r);
	for (size_t i = 0; i < triggers_len && r >= 0; i++) {
		const struct dockerfile_instruction *in = &triggers[i].instructions.items[0];

		state->step += is_step(in->keyword);
		r = run_instruction(s, index, &triggers[i], in, err);
	}
	for (size_t i = stage->from + 1; i < stage->end && r >= 0; i++) {
		const struct dockerfile_instruction *in = &s->df.instructions.items[i];

		state->step += is_step(in->keyword);
		r = run_instruction(s, index, &s->df, in, err);
		if (r >= 0)
			r = build_layers_flush_sometimes(&s->layers, err);
	}
	return r;
}

int build_stage_run(struct build_session *s, size_t stage, struct err *err)
{
	struct build_state *state = &s->states[stage];
	autofree struct dockerfile *triggers = NULL;
	autostrv struct strv lines = { 0 };
	int r = open_base(s, stage, err);

	if (r >= 0)
		r = take_triggers(state, &lines, err);
	if (r < 0)
		return r;
	triggers = calloc(lines.len + 1, sizeof(*triggers));
	if (!triggers)
		return err_oom(err);
	r = parse_triggers(&lines, triggers, err);
	if (r >= 0)
		r = run_all(s, stage, triggers, lines.len, err);
	for (size_t i = 0; i < lines.len; i++)
		dockerfile_done(&triggers[i]);
	state->done = r >= 0;
	return r;
}
