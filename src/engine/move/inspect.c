#include "engine/move/inspect.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "oci/model.h"

#include <errno.h>
#include <string.h>

struct inspecting {
	struct source s;
	struct document doc; /* of the image for the platform */
	struct digest top;   /* of what the place names: a list, perhaps */
	struct image_manifest manifest;
	struct buf config;
};

static void inspecting_done(struct inspecting *i)
{
	source_done(&i->s);
	document_done(&i->doc);
	image_manifest_done(&i->manifest);
	buf_done(&i->config);
}

static int open_image(struct inspecting *i, const struct inspect_place_options *o, struct err *err)
{
	struct wanted_platform platform;
	int r = platform_parse(o->platform, &platform, err);

	if (r >= 0)
		r = source_get(&i->s, NULL, &i->doc, err);
	i->top = i->doc.digest;
	if (r >= 0)
		r = copy_choose(&i->s, &platform, &i->doc, err);
	if (r >= 0)
		r = image_manifest_parse_any(buf_str(&i->doc.text), i->doc.text.len, &i->manifest, err);
	return r < 0 ? r : source_get_small(&i->s, &i->manifest.config, &i->config, err);
}

static int add_tags(struct inspecting *i, bool no_tags, json_t *object, struct err *err)
{
	autobuf struct buf lines = BUF_INIT(REGISTRY_LIST_MAX);
	autojson json_t *tags = json_array();
	char *rest;
	int r = 0;

	if (i->s.place.kind == PLACE_DOCKER && !no_tags)
		r = registry_list_tags(i->s.remote.registry, i->s.remote.repo, &lines, err);
	if (r < 0) {
		err_wrap(err, "tags of the repository");
		return err_hint(err, "--no-tags leaves them out");
	}
	rest = lines.data;
	for (char *line; rest && (line = strsep(&rest, "\n"));)
		if (*line && (!tags || json_array_append_new(tags, json_text(line)) < 0))
			return err_oom(err);
	return json_add(object, "RepoTags", TAKE_PTR(tags)) < 0 ? err_oom(err) : 0;
}

static json_t *layer_digests(const struct image_manifest *m)
{
	autojson json_t *array = json_array();

	for (size_t i = 0; i < m->layers_len; i++) {
		char digest[DIGEST_STR_MAX];

		digest_format(&m->layers[i].digest, digest);
		if (!array || json_array_append_new(array, json_string(digest)) < 0)
			return NULL;
	}
	return TAKE_PTR(array);
}

static json_t *layer_data(const struct descriptor *d)
{
	autojson json_t *row = json_object();
	char digest[DIGEST_STR_MAX];

	digest_format(&d->digest, digest);
	if (!row || json_add(row, "MIMEType", json_text(d->media_type)) < 0 ||
	    json_add(row, "Digest", json_text(digest)) < 0 || json_add_int(row, "Size", (int64_t)d->size) < 0 ||
	    (d->annotations.len > 0 && json_add_map(row, "Annotations", &d->annotations) < 0) ||
	    (d->annotations.len == 0 && json_add(row, "Annotations", json_null()) < 0))
		return NULL;
	return TAKE_PTR(row);
}

static json_t *layers_data(const struct image_manifest *m)
{
	autojson json_t *array = json_array();

	for (size_t i = 0; i < m->layers_len; i++)
		if (!array || json_array_append_new(array, layer_data(&m->layers[i])) < 0)
			return NULL;
	return TAKE_PTR(array);
}

static int add_names(const struct inspecting *i, json_t *object)
{
	char digest[DIGEST_STR_MAX];

	digest_format(&i->top, digest);
	if (i->s.place.kind == PLACE_DOCKER && json_add_string(object, "Name", i->s.remote.ref.name) < 0)
		return -ENOMEM;
	return json_add_string(object, "Digest", digest);
}

/* The member as it stands in the configuration; null: it isn't there. */
static json_t *as_it_stands(json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	return value ? json_incref(value) : json_null();
}

static json_t *text_of(const char *text)
{
	return json_text(text ? text : "");
}

static int add_config(const struct inspecting *i, const struct image_config *c, json_t *object, struct err *err)
{
	autojson json_t *root = NULL;
	json_t *config;
	int r = json_parse(buf_str(&i->config), i->config.len, "image configuration", &root, err);

	if (r < 0)
		return r;
	config = json_object_get(root, "config");
	if (json_add(object, "Created", text_of(c->created)) < 0 ||
	    json_add(object, "DockerVersion", text_of(json_string_value(json_object_get(root, "docker_version")))) <
		    0 ||
	    json_add(object, "Labels", as_it_stands(config, "Labels")) < 0 ||
	    json_add(object, "Architecture", text_of(c->architecture)) < 0 ||
	    (c->variant && json_add_string(object, "Variant", c->variant) < 0) ||
	    json_add(object, "Os", text_of(c->os)) < 0 || json_add(object, "Layers", layer_digests(&i->manifest)) < 0 ||
	    json_add(object, "LayersData", layers_data(&i->manifest)) < 0 ||
	    json_add(object, "Env", as_it_stands(config, "Env")) < 0)
		return err_oom(err);
	return 0;
}

static int describe(struct inspecting *i, const struct inspect_place_options *o, json_t *object, struct err *err)
{
	struct image_config c;
	int r = image_config_parse(buf_str(&i->config), i->config.len, &c, err);

	if (r < 0)
		return r;
	r = add_names(i, object) < 0 ? err_oom(err) : add_tags(i, o->no_tags, object, err);
	if (r >= 0)
		r = add_config(i, &c, object, err);
	image_config_done(&c);
	return r;
}

int engine_inspect_place(struct engine *e, const struct inspect_place_options *options, struct place *place,
			 json_t **ret, struct err *err)
{
	struct inspecting i = { .doc = DOCUMENT_INIT, .config = BUF_INIT(IMAGE_DOCUMENT_MAX + 1) };
	autojson json_t *object = json_object();
	int r = source_open(place, &options->remote, e, &i.s, err);

	if (r < 0)
		return r;
	r = object ? open_image(&i, options, err) : err_oom(err);
	if (r >= 0)
		r = describe(&i, options, object, err);
	if (r >= 0)
		*ret = TAKE_PTR(object);
	inspecting_done(&i);
	return r;
}

int engine_inspect_raw(struct engine *e, const struct inspect_place_options *options, struct place *place, bool config,
		       struct buf *ret, struct err *err)
{
	struct inspecting i = { .doc = DOCUMENT_INIT, .config = BUF_INIT(IMAGE_DOCUMENT_MAX + 1) };
	const struct buf *text = config ? &i.config : &i.doc.text;
	int r = source_open(place, &options->remote, e, &i.s, err);

	if (r < 0)
		return r;
	/* A list is shown as it is, unless a platform is asked for. */
	r = config || options->platform ? open_image(&i, options, err) : source_get(&i.s, NULL, &i.doc, err);
	if (r >= 0 && buf_add(ret, buf_str(text), text->len) < 0)
		r = err_oom(err);
	inspecting_done(&i);
	return r;
}
