#include "oci/image.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void history_done(struct image_history *h)
{
	free(h->created);
	free(h->created_by);
	free(h->author);
	free(h->comment);
}

void image_config_done(struct image_config *c)
{
	char *texts[] = { c->created, c->author,     c->comment, c->os,		 c->architecture,
			  c->variant, c->os_version, c->user,	 c->working_dir, c->stop_signal };
	struct strv *lists[] = { &c->env,     &c->entrypoint, &c->cmd,	    &c->exposed_ports,
				 &c->volumes, &c->shell,      &c->on_build, &c->health.test };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		free(texts[i]);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		strv_done(lists[i]);
	str_map_done(&c->labels);
	free(c->diff_ids);
	for (size_t i = 0; i < c->history_len; i++)
		history_done(&c->history[i]);
	free(c->history);
	*c = (struct image_config){ .stop_timeout = -1 };
}

int image_config_init(struct image_config *c, struct err *err)
{
	const char *variant = platform_variant();

	*c = (struct image_config){ .stop_timeout = -1 };
	c->os = strdup("linux");
	c->architecture = strdup(platform_architecture());
	c->variant = *variant ? strdup(variant) : NULL;
	if (!c->os || !c->architecture || (*variant && !c->variant)) {
		image_config_done(c);
		return err_oom(err);
	}
	return 0;
}

int image_config_add_diff_id(struct image_config *c, const struct digest *diff_id, struct err *err)
{
	struct digest *grown;

	if (c->diff_ids_len >= IMAGE_LAYERS_MAX)
		return err_set(err, E2BIG, "an image has at most %d layers", IMAGE_LAYERS_MAX);
	grown = reallocarray(c->diff_ids, c->diff_ids_len + 1, sizeof(*grown));
	if (!grown)
		return err_oom(err);
	c->diff_ids = grown;
	grown[c->diff_ids_len++] = *diff_id;
	return 0;
}

/* 0 or -ENOMEM; nothing for NULL. */
static int copy_text(char **dst, const char *s)
{
	if (!s)
		return 0;
	*dst = strdup(s);
	return *dst ? 0 : -ENOMEM;
}

static int add_history(struct image_config *c, const struct image_history *src, struct err *err)
{
	struct image_history *grown, h = { .empty_layer = src->empty_layer };

	if (c->history_len >= IMAGE_HISTORY_MAX)
		return err_set(err, E2BIG, "an image has at most %d steps of history", IMAGE_HISTORY_MAX);
	grown = reallocarray(c->history, c->history_len + 1, sizeof(*grown));
	if (!grown)
		return err_oom(err);
	c->history = grown;
	if (copy_text(&h.created, src->created) < 0 || copy_text(&h.created_by, src->created_by) < 0 ||
	    copy_text(&h.author, src->author) < 0 || copy_text(&h.comment, src->comment) < 0) {
		history_done(&h);
		return err_oom(err);
	}
	grown[c->history_len++] = h;
	return 0;
}

int image_config_add_history(struct image_config *c, const char *created, const char *created_by, const char *comment,
			     bool empty_layer, struct err *err)
{
	struct image_history h = { (char *)created, (char *)created_by, NULL, (char *)comment, empty_layer };

	return add_history(c, &h, err);
}

static int copy_texts(struct image_config *dst, const struct image_config *src)
{
	const struct {
		char **to;
		const char *from;
	} texts[] = {
		{ &dst->created, src->created },	   { &dst->author, src->author },
		{ &dst->comment, src->comment },	   { &dst->os, src->os },
		{ &dst->architecture, src->architecture }, { &dst->variant, src->variant },
		{ &dst->os_version, src->os_version },	   { &dst->user, src->user },
		{ &dst->working_dir, src->working_dir },   { &dst->stop_signal, src->stop_signal },
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (copy_text(texts[i].to, texts[i].from) < 0)
			return -ENOMEM;
	return 0;
}

static int copy_lists(struct image_config *dst, const struct image_config *src)
{
	const struct {
		struct strv *to;
		const struct strv *from;
	} lists[] = {
		{ &dst->env, &src->env },	    { &dst->entrypoint, &src->entrypoint },
		{ &dst->cmd, &src->cmd },	    { &dst->exposed_ports, &src->exposed_ports },
		{ &dst->volumes, &src->volumes },   { &dst->shell, &src->shell },
		{ &dst->on_build, &src->on_build }, { &dst->health.test, &src->health.test },
	};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		if (strv_add_all(lists[i].to, lists[i].from) < 0)
			return -ENOMEM;
	return str_map_copy(&dst->labels, &src->labels);
}

static void copy_numbers(struct image_config *dst, const struct image_config *src)
{
	dst->has_entrypoint = src->has_entrypoint;
	dst->has_cmd = src->has_cmd;
	dst->has_health = src->has_health;
	dst->health.interval_ns = src->health.interval_ns;
	dst->health.timeout_ns = src->health.timeout_ns;
	dst->health.start_period_ns = src->health.start_period_ns;
	dst->health.start_interval_ns = src->health.start_interval_ns;
	dst->health.retries = src->health.retries;
	dst->args_escaped = src->args_escaped;
	dst->stop_timeout = src->stop_timeout;
}

int image_config_copy(struct image_config *dst, const struct image_config *src, struct err *err)
{
	struct image_config c = { .stop_timeout = -1 };
	int r = 0;

	copy_numbers(&c, src);
	if (copy_texts(&c, src) < 0 || copy_lists(&c, src) < 0)
		r = err_oom(err);
	for (size_t i = 0; r >= 0 && i < src->diff_ids_len; i++)
		r = image_config_add_diff_id(&c, &src->diff_ids[i], err);
	for (size_t i = 0; r >= 0 && i < src->history_len; i++)
		r = add_history(&c, &src->history[i], err);
	if (r < 0) {
		image_config_done(&c);
		return r;
	}
	*dst = c;
	return 0;
}

bool image_config_layer_again(const struct image_config *c, size_t layer)
{
	for (size_t i = layer + 1; i < c->diff_ids_len; i++)
		if (digest_equal(&c->diff_ids[i], &c->diff_ids[layer]))
			return true;
	return false;
}

const struct image_history *image_config_layer_history(const struct image_config *c, size_t layer)
{
	const struct image_history *found = NULL;
	size_t layers = 0;

	for (size_t i = 0; i < c->history_len; i++) {
		if (c->history[i].empty_layer)
			continue;
		if (layers++ == layer)
			found = &c->history[i];
	}
	return layers == c->diff_ids_len ? found : NULL;
}
