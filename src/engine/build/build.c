#include "engine/build/build.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "engine/build/cache.h"
#include "engine/build/session.h"
#include "layer/ensure.h"
#include "store/gc.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void build_result_done(struct build_result *r)
{
	strv_done(&r->names);
}

void build_notice(const struct build_session *s, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (!s->events->on_notice)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s->events->on_notice(text, s->events->arg);
}

/* --- progress --- */

static void name_stage(const struct build_session *s, const struct build_state *state, size_t stage,
		       char dst[static 96])
{
	const char *name = s->plan.stages[stage].name;
	size_t needed = 0;

	for (size_t i = 0; i < s->plan.stages_len; i++)
		needed += s->plan.stages[i].needed;
	if (needed == 1)
		snprintf(dst, 96, "%zu/%zu", state->step, state->steps);
	else if (name)
		snprintf(dst, 96, "%.64s %zu/%zu", name, state->step, state->steps);
	else
		snprintf(dst, 96, "stage-%zu %zu/%zu", stage, state->step, state->steps);
}

int build_step_begin(struct build_session *s, const struct build_state *state, size_t stage, const char *text,
		     struct build_timer *t, struct err *err)
{
	*t = (struct build_timer){ .text = strdup(text), .start_us = time_now_us() };
	if (!t->text)
		return err_oom(err);
	for (char *p = t->text; *p; p++)
		if (*p == '\n' || *p == '\t')
			*p = ' ';
	name_stage(s, state, stage, t->stage);
	t->step.stage = t->stage;
	t->step.text = t->text;
	s->result->begun = true;
	return 0;
}

void build_step_work(struct build_session *s, struct build_timer *t)
{
	if (s->events->on_step)
		s->events->on_step(&t->step, s->events->arg);
}

void build_step_end(struct build_session *s, struct build_timer *t, int result)
{
	t->step.us = time_now_us() - t->start_us;
	if (t->text && s->events->on_step_end)
		s->events->on_step_end(&t->step, result, s->events->arg);
	free(t->text);
	t->text = NULL;
}

int build_history(const struct build_at *at, const char *created_by, struct err *err)
{
	struct image_config *config = &at->state->image.config;
	/* The time of the step, not of this build: with everything in the cache the same image comes out. */
	const char *created = at->state->created[0] ? at->state->created : at->s->now;

	return image_config_add_history(config, created, created_by, "cloche", config->diff_ids_len == at->layers, err);
}

/* --- beginning and end --- */

static void session_done(struct build_session *s)
{
	for (size_t i = 0; i < s->states_len; i++) {
		store_image_done(&s->states[i].image);
		strv_done(&s->states[i].args);
	}
	free(s->states);
	build_layers_done(&s->layers);
	build_context_done(&s->context);
	plan_done(&s->plan);
	dockerfile_done(&s->df);
	strv_done(&s->used_args);
	free(s->files_dir);
	free(s->private_files_dir);
	if (s->store) {
		struct gc_result freed;

		/* Now that nothing is needed any more: what others have left word about, and old steps. */
		if (build_cache_prune_daily(s->store) == 1)
			gc_collect(s->store, &freed, NULL);
		else
			gc_if_wanted(s->store, NULL, NULL);
		layers_sweep(s->store, &s->ids);
	}
	store_close(s->store);
}

static void set_time(struct build_session *s)
{
	struct timespec now = { .tv_sec = s->options->epoch };

	if (s->options->epoch < 0)
		clock_gettime(CLOCK_REALTIME, &now);
	time_format_rfc3339(now, s->now);
}

static int open_session(struct build_session *s, const struct store_options *store, struct err *err)
{
	struct store_options with_mode = *store;
	int r = idmap_detect(&s->ids, err);

	if (r < 0)
		return r;
	with_mode.single = s->ids.mode == ID_MODE_SINGLE;
	r = store_open(&with_mode, &s->store, err);
	if (r < 0)
		return r;
	set_time(s);
	return build_context_open(s->store, &s->ids, s->options->context, s->options->file, &s->context, &s->df, err);
}

static int make_plan(struct build_session *s, struct err *err)
{
	char platform[64];
	struct plan_options options = { .build_args = &s->options->build_args,
					.target = s->options->target,
					.platform = platform };
	int r;

	snprintf(platform, sizeof(platform), "linux/%s%s%s", platform_architecture(), *platform_variant() ? "/" : "",
		 platform_variant());
	r = plan_make(&s->df, &options, &s->plan, err);
	if (r < 0)
		return r;
	s->states = calloc(s->plan.stages_len, sizeof(*s->states));
	if (!s->states)
		return err_oom(err);
	s->states_len = s->plan.stages_len;
	return 0;
}

static int run_stages(struct build_session *s, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i <= s->plan.target && r >= 0; i++)
		if (s->plan.stages[i].needed)
			r = build_stage_run(s, i, err);
	return r;
}

static int add_labels(struct build_session *s, struct image_config *config, struct err *err)
{
	for (size_t i = 0; i < s->options->labels.len; i++) {
		const char *label = s->options->labels.items[i], *equals = strchr(label, '=');
		autofree char *name = strndup(label, strcspn(label, "="));

		if (!name || str_map_set(&config->labels, name, equals ? equals + 1 : "") < 0)
			return err_oom(err);
	}
	return 0;
}

static int put_image(struct build_session *s, struct digest *ret_manifest, struct err *err)
{
	const struct build_state *state = &s->states[s->plan.target];
	struct store_image *image = &s->states[s->plan.target].image;
	autobuf struct buf config = BUF_INIT(IMAGE_DOCUMENT_MAX);
	int r = add_labels(s, &image->config, err);

	free(image->config.created);
	image->config.created = strdup(state->created[0] ? state->created : s->now);
	if (!image->config.created)
		return err_oom(err);
	if (r >= 0)
		r = image_config_write(&image->config, &config, err);
	if (r < 0)
		return r;
	return store_image_put(s->store, config.data, config.len, image->manifest.layers, image->manifest.layers_len,
			       ret_manifest, &s->result->id, err);
}

static int name_image(struct build_session *s, const struct digest *manifest, struct err *err)
{
	char text[REFERENCE_MAX + 256];
	int r = 0;

	if (s->options->tags.len == 0)
		return ref_set_untagged(s->store, manifest, err);
	for (size_t i = 0; i < s->options->tags.len && r >= 0; i++) {
		struct reference name;

		r = reference_parse(s->options->tags.items[i], &name, err);
		if (r >= 0)
			r = ref_set(s->store, &name, manifest, "build", err);
		reference_format_familiar(&name, text);
		if (r >= 0 && strv_add(&s->result->names, text) < 0)
			r = err_oom(err);
	}
	return r;
}

/* Names are checked before anything is done for them. */
static int check_tags(const struct build_options *options, struct err *err)
{
	for (size_t i = 0; i < options->tags.len; i++) {
		struct reference name;
		int r = reference_parse(options->tags.items[i], &name, err);

		if (r >= 0 && name.has_digest)
			r = err_set(err, EINVAL, "'%s': a name to be given has no digest", options->tags.items[i]);
		if (r < 0)
			return err_wrap(err, "--tag");
	}
	return 0;
}

static void tell_unused_args(const struct build_session *s)
{
	for (size_t i = 0; i < s->options->build_args.len; i++) {
		const char *arg = s->options->build_args.items[i];
		autofree char *name = strndup(arg, strcspn(arg, "="));

		if (name && !strv_contains(&s->used_args, name) && !vars_is_proxy(name) &&
		    !strv_env_get(&s->plan.globals, name))
			build_notice(s, "--build-arg %s: no ARG asks for it", name);
	}
}

int build_image(const struct store_options *store, const struct build_options *options,
		const struct build_events *events, struct build_result *ret, struct err *err)
{
	CLEANUP(session_done)
	struct build_session s = { .options = options,
				   .events = events,
				   .result = ret,
				   .context = BUILD_CONTEXT_INIT,
				   .df = DOCKERFILE_INIT,
				   .layers = { .tmp = STORE_TMP_INIT } };
	struct digest manifest;
	int r = check_tags(options, err);

	if (r >= 0)
		r = open_session(&s, store, err);
	if (r >= 0)
		r = make_plan(&s, err);
	if (r >= 0)
		r = build_layers_init(&s.layers, s.store, &s.ids, options->epoch, err);
	if (r < 0)
		return r;
	r = run_stages(&s, err);
	/* Also after a failure: what was finished before it serves the next build. */
	if (r < 0) {
		build_layers_flush(&s.layers, NULL);
		return r;
	}
	r = put_image(&s, &manifest, err);
	/* After the blobs, so that one sync serves them and the layers. */
	if (r >= 0)
		r = build_layers_flush(&s.layers, err);
	if (r >= 0)
		r = name_image(&s, &manifest, err);
	if (r >= 0)
		tell_unused_args(&s);
	return r;
}
