/*
 * docker save as it was before 1.10 ("Image Specification v1"): "repositories" gives names to layer IDs, each ID is
 * a folder with layer.tar and json, whose "parent" is the layer below. There is no configuration as we know it:
 * the topmost json becomes one, with the diff ids computed here and the history collected on the way down.
 */
#include "engine/image/load_impl.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "oci/json.h"
#include "store/image.h"

#include <errno.h>
#include <string.h>

/* The IDs from the top down to the base, and the topmost json. */
struct chain {
	struct strv ids;
	json_t *top;			   /* owned */
	json_t *history[IMAGE_LAYERS_MAX]; /* owned; as ids */
};

static void chain_done(struct chain *c)
{
	for (size_t i = 0; i < c->ids.len && i < IMAGE_LAYERS_MAX; i++)
		json_decref(c->history[i]);
	json_decref(c->top);
	strv_done(&c->ids);
}

/* What the builder of that time wrote down of the step: {"created", "created_by", "author"}. */
static json_t *history_entry(json_t *layer)
{
	json_t *command = json_object_get(json_object_get(layer, "container_config"), "Cmd"), *word;
	autobuf struct buf line = BUF_INIT(65536);
	autojson json_t *entry = json_object();
	size_t i;

	json_array_foreach(command, i, word)
		buf_addf(&line, "%s%s", i ? " " : "", json_is_string(word) ? json_string_value(word) : "");
	if (!entry || json_add_string(entry, "created", json_string_value(json_object_get(layer, "created"))) < 0 ||
	    json_add_string(entry, "created_by", buf_str(&line)) < 0 ||
	    json_add_string(entry, "author", json_string_value(json_object_get(layer, "author"))) < 0)
		return NULL;
	return TAKE_PTR(entry);
}

static int read_layer_json(struct loader *l, const char *id, json_t **ret, struct err *err)
{
	autobuf struct buf text = BUF_INIT(JSON_SIZE_MAX + 1);
	autofree char *member = str_format("%s/json", id);
	int r;

	if (!member)
		return err_oom(err);
	if (!*id || strspn(id, "0123456789abcdef") != strlen(id))
		return err_set(err, EBADMSG, "repositories: '%.80s' is no layer ID", id);
	r = archive_read(l->archive, member, JSON_SIZE_MAX, &text, err);
	return r < 0 ? r : json_parse(buf_str(&text), text.len, member, ret, err);
}

static int follow(struct loader *l, const char *top_id, struct chain *c, struct err *err)
{
	autofree char *id = strdup(top_id);

	while (id) {
		autojson json_t *layer = NULL;
		struct json_at top;
		char *parent = NULL;
		int r;

		if (c->ids.len >= IMAGE_LAYERS_MAX)
			return err_set(err, E2BIG, "more than %d layers, or a circle of parents", IMAGE_LAYERS_MAX);
		r = read_layer_json(l, id, &layer, err);
		if (r < 0)
			return r;
		top = json_top(layer, "json");
		r = json_get_string(&top, "parent", &parent, err);
		if (r < 0)
			return r;
		c->history[c->ids.len] = history_entry(layer);
		if (!c->top)
			c->top = json_incref(layer);
		r = strv_add(&c->ids, id);
		free(id);
		id = parent;
		if (r < 0)
			return err_oom(err);
	}
	return c->ids.len ? 0 : err_oom(err);
}

static int hash_layer(struct loader *l, const char *member, struct digest *ret, struct err *err)
{
	struct layer_request q = { .verb = LAYER_LIST };
	struct layer_result result;
	struct archive_input in;
	int r = archive_input(l->archive, member, &in, err);

	if (r < 0)
		return r;
	q.list = in.in;
	r = layer_run(&q, &result, err);
	archive_input_done(&in);
	if (r >= 0)
		*ret = result.diff_id;
	return r;
}

/* Base first. */
static int collect_layers(struct loader *l, const struct chain *c, struct load_layers *layers, struct err *err)
{
	for (size_t i = c->ids.len; i-- > 0;) {
		autofree char *member = str_format("%s/layer.tar", c->ids.items[i]);
		struct load_layer layer = { .member = member };
		int r = member ? hash_layer(l, member, &layer.diff_id, err) : err_oom(err);

		if (r >= 0)
			r = load_layers_add(layers, &layer, err);
		if (r < 0)
			return err_wrap(err, "layer %.12s", c->ids.items[i]);
	}
	return 0;
}

static json_t *diff_ids_json(const struct load_layers *layers)
{
	autojson json_t *root_fs = json_object(), *ids = json_array();

	for (size_t i = 0; i < layers->len; i++) {
		char digest[DIGEST_STR_MAX];

		digest_format(&layers->items[i].diff_id, digest);
		if (!ids || json_array_append_new(ids, json_string(digest)) < 0)
			return NULL;
	}
	if (!root_fs || json_add_string(root_fs, "type", "layers") < 0 ||
	    json_add(root_fs, "diff_ids", TAKE_PTR(ids)) < 0)
		return NULL;
	return TAKE_PTR(root_fs);
}

static int write_config(const struct chain *c, const struct load_layers *layers, struct buf *out, struct err *err)
{
	static const char *const kept[] = { "created", "author", "architecture", "os", "config" };
	autojson json_t *root = json_object(), *history = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		json_t *value = json_object_get(c->top, kept[i]);

		if (value && (!root || json_add(root, kept[i], json_incref(value)) < 0))
			return err_oom(err);
	}
	for (size_t i = c->ids.len; i-- > 0;)
		if (!history || !c->history[i] || json_array_append(history, c->history[i]) < 0)
			return err_oom(err);
	if (!root || json_add(root, "rootfs", diff_ids_json(layers)) < 0 ||
	    json_add(root, "history", TAKE_PTR(history)) < 0)
		return err_oom(err);
	return json_write(root, out, err);
}

static int build_image(struct loader *l, const struct chain *c, struct load_layers *layers, struct load_result *result,
		       struct err *err)
{
	autobuf struct buf config = BUF_INIT(IMAGE_DOCUMENT_MAX);
	autofree struct descriptor *blobs = NULL;
	int r = collect_layers(l, c, layers, err);

	if (r >= 0)
		r = write_config(c, layers, &config, err);
	if (r < 0)
		return r;
	blobs = calloc(layers->len, sizeof(*blobs));
	r = blobs ? load_bring_layers(l, layers, blobs, err) : err_oom(err);
	if (r >= 0)
		r = store_image_put(l->engine->store, config.data, config.len, blobs, layers->len, &result->manifest,
				    &result->id, err);
	for (size_t i = 0; blobs && i < layers->len; i++)
		descriptor_done(&blobs[i]);
	return r;
}

static int load_tag(struct loader *l, const char *name, const char *tag, const char *id, struct err *err)
{
	autofree char *full = str_format("%s:%s", name, tag);
	struct load_result result = { 0 };
	struct load_layers layers = { 0 };
	struct chain c = { 0 };
	int r = full ? load_add_name(&result.names, full, err) : err_oom(err);

	if (r >= 0)
		r = follow(l, id, &c, err);
	if (r >= 0)
		r = build_image(l, &c, &layers, &result, err);
	chain_done(&c);
	load_layers_done(&layers);
	if (r < 0) {
		strv_done(&result.names);
		return err_wrap(err, "image '%s:%s'", name, tag);
	}
	return load_results_add(l->results, &result, err);
}

int load_docker_old(struct loader *l, struct err *err)
{
	autobuf struct buf text = BUF_INIT(JSON_SIZE_MAX + 1);
	autojson json_t *root = NULL;
	struct json_at top, tags;
	const char *name, *tag;
	json_t *value, *id;
	int r = archive_read(l->archive, "repositories", JSON_SIZE_MAX, &text, err);

	if (r >= 0)
		r = json_parse(buf_str(&text), text.len, "repositories", &root, err);
	if (r < 0)
		return r;
	top = json_top(root, "repositories");
	r = json_check(&top, JSON_WANT_OBJECT, err);
	json_object_foreach(root, name, value)
	{
		if (r >= 0)
			r = json_need(&top, name, JSON_WANT_OBJECT, &tags, err);
		if (r < 0)
			break;
		json_object_foreach(value, tag, id)
		{
			struct json_at at = { id, &tags, tag, 0 };

			if (r >= 0)
				r = json_check(&at, JSON_WANT_STRING, err);
			if (r >= 0)
				r = load_tag(l, name, tag, json_string_value(id), err);
		}
	}
	if (r >= 0 && l->results->len == 0)
		return err_set(err, EBADMSG, "repositories: there is no image in it");
	return r;
}
