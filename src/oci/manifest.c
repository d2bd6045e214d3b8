#include "oci/model.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

void image_manifest_done(struct image_manifest *m)
{
	free(m->media_type);
	descriptor_done(&m->config);
	for (size_t i = 0; i < m->layers_len; i++)
		descriptor_done(&m->layers[i]);
	free(m->layers);
	str_map_done(&m->annotations);
	*m = (struct image_manifest){ 0 };
}

void image_index_done(struct image_index *i)
{
	free(i->media_type);
	for (size_t n = 0; n < i->manifests_len; n++)
		descriptor_done(&i->manifests[n]);
	free(i->manifests);
	str_map_done(&i->annotations);
	*i = (struct image_index){ 0 };
}

static int check_schema(const struct json_at *top, struct err *err)
{
	int64_t version = 0;
	int r = json_get_int(top, "schemaVersion", 0, INT32_MAX, &version, err);

	if (r < 0)
		return r;
	if (version == 1)
		return json_err(top, err, EBADMSG,
				"this is Docker's schema 1, which ended in 2019 and isn't supported");
	if (version != 2)
		return json_err(top, err, EBADMSG, "schemaVersion: expected 2");
	return 0;
}

/*
 * One document must not be readable as two things, since what one reader verified another would not use
 * (CVE-2021-41190): the members of the other kind are refused, and the type that it says of itself must fit.
 */
static int check_kind(const struct json_at *top, enum media_kind kind, const char *fallback, char **ret_type,
		      struct err *err)
{
	static const char *const foreign[] = {
		[MEDIA_KIND_MANIFEST] = "manifests",
		[MEDIA_KIND_INDEX] = "layers",
	};
	int r = json_get_string(top, "mediaType", ret_type, err);

	if (r < 0)
		return r;
	if (*ret_type && media_kind(*ret_type) != kind)
		return json_err(top, err, EBADMSG, "mediaType: '%.100s' is not expected here", *ret_type);
	if (json_object_get(top->value, foreign[kind]))
		return json_err(top, err, EBADMSG, "has '%s' too, so it is not clear what it is", foreign[kind]);
	if (!*ret_type)
		*ret_type = strdup(fallback);
	return *ret_type ? 0 : err_oom(err);
}

/* The array KEY of descriptors, at most MAX of them. */
static int read_descriptors(const struct json_at *top, const char *key, size_t max, struct descriptor **ret,
			    size_t *ret_len, struct err *err)
{
	struct json_at array, item;
	size_t len;
	int r = json_need(top, key, JSON_WANT_ARRAY, &array, err);

	if (r < 0)
		return r;
	len = json_array_size(array.value);
	if (len > max)
		return json_err(&array, err, E2BIG, "%zu are over the limit of %zu", len, max);
	*ret = calloc(len ? len : 1, sizeof(**ret));
	if (!*ret)
		return err_oom(err);
	for (size_t i = 0; i < len; i++) {
		r = json_element(&array, i, JSON_WANT_OBJECT, &item, err);
		if (r >= 0)
			r = descriptor_read(&item, &(*ret)[i], err);
		if (r < 0)
			return r;
		*ret_len = i + 1;
	}
	return 0;
}

static int read_config(const struct json_at *top, bool any, struct descriptor *ret, struct err *err)
{
	struct json_at config;
	int r = json_need(top, "config", JSON_WANT_OBJECT, &config, err);

	if (r >= 0)
		r = descriptor_read(&config, ret, err);
	if (r < 0)
		return r;
	if (!any && media_kind(ret->media_type) != MEDIA_KIND_CONFIG)
		return json_err(&config, err, EBADMSG,
				"mediaType: '%.100s' is no configuration of an image: this is another kind of artifact",
				ret->media_type);
	if (!any && ret->size > IMAGE_DOCUMENT_MAX)
		return json_err(&config, err, E2BIG, "size: over the limit of %d bytes", IMAGE_DOCUMENT_MAX);
	return 0;
}

static int read_layers(const struct json_at *top, bool any, struct image_manifest *m, struct err *err)
{
	int r = read_descriptors(top, "layers", IMAGE_LAYERS_MAX, &m->layers, &m->layers_len, err);

	if (r < 0)
		return r;
	for (size_t i = 0; !any && i < m->layers_len; i++)
		if (media_kind(m->layers[i].media_type) != MEDIA_KIND_LAYER)
			return json_err(top, err, EBADMSG,
					"layers[%zu].mediaType: '%.100s' is no layer that can be unpacked", i,
					m->layers[i].media_type);
	return 0;
}

static int parse_manifest(const char *data, size_t len, bool any, struct image_manifest *ret, struct err *err)
{
	struct image_manifest m = { 0 };
	autojson json_t *root = NULL;
	struct json_at top;
	int r = json_parse(data, len, "manifest", &root, err);

	if (r < 0)
		return r;
	top = json_top(root, "manifest");
	r = check_schema(&top, err);
	if (r >= 0)
		r = check_kind(&top, MEDIA_KIND_MANIFEST, MEDIA_OCI_MANIFEST, &m.media_type, err);
	if (r >= 0)
		r = read_config(&top, any, &m.config, err);
	if (r >= 0)
		r = read_layers(&top, any, &m, err);
	if (r >= 0)
		r = json_get_map(&top, "annotations", &m.annotations, err);
	if (r < 0) {
		image_manifest_done(&m);
		return r;
	}
	*ret = m;
	return 0;
}

int image_manifest_parse(const char *data, size_t len, struct image_manifest *ret, struct err *err)
{
	return parse_manifest(data, len, false, ret, err);
}

int image_manifest_parse_any(const char *data, size_t len, struct image_manifest *ret, struct err *err)
{
	return parse_manifest(data, len, true, ret, err);
}

int image_index_parse(const char *data, size_t len, struct image_index *ret, struct err *err)
{
	struct image_index x = { 0 };
	autojson json_t *root = NULL;
	struct json_at top;
	int r = json_parse(data, len, "index", &root, err);

	if (r < 0)
		return r;
	top = json_top(root, "index");
	r = check_schema(&top, err);
	if (r >= 0)
		r = check_kind(&top, MEDIA_KIND_INDEX, MEDIA_OCI_INDEX, &x.media_type, err);
	if (r >= 0)
		r = read_descriptors(&top, "manifests", IMAGE_INDEX_MAX, &x.manifests, &x.manifests_len, err);
	if (r >= 0)
		r = json_get_map(&top, "annotations", &x.annotations, err);
	if (r < 0) {
		image_index_done(&x);
		return r;
	}
	*ret = x;
	return 0;
}

static json_t *descriptors_json(const struct descriptor *items, size_t len)
{
	autojson json_t *array = json_array();

	for (size_t i = 0; i < len; i++)
		if (!array || json_array_append_new(array, descriptor_json(&items[i])) < 0)
			return NULL;
	return TAKE_PTR(array);
}

int image_manifest_write(const struct image_manifest *m, struct buf *out, struct err *err)
{
	autojson json_t *root = json_object();

	if (!root || json_add_int(root, "schemaVersion", 2) < 0 ||
	    json_add_string(root, "mediaType", m->media_type) < 0 ||
	    json_add(root, "config", descriptor_json(&m->config)) < 0 ||
	    json_add(root, "layers", descriptors_json(m->layers, m->layers_len)) < 0 ||
	    json_add_map(root, "annotations", &m->annotations) < 0)
		return err_oom(err);
	return json_write(root, out, err);
}

int image_index_write(const struct image_index *i, struct buf *out, struct err *err)
{
	autojson json_t *root = json_object();

	if (!root || json_add_int(root, "schemaVersion", 2) < 0 ||
	    json_add_string(root, "mediaType", i->media_type) < 0 ||
	    json_add(root, "manifests", descriptors_json(i->manifests, i->manifests_len)) < 0 ||
	    json_add_map(root, "annotations", &i->annotations) < 0)
		return err_oom(err);
	return json_write(root, out, err);
}

/* Appends a copy of D to an array that has no spare room: these are short. */
static int append(struct descriptor **items, size_t *len, const struct descriptor *d, struct err *err)
{
	struct descriptor *grown = reallocarray(*items, *len + 1, sizeof(**items));
	int r;

	if (!grown)
		return err_oom(err);
	*items = grown;
	r = descriptor_copy(&grown[*len], d, err);
	if (r >= 0)
		++*len;
	return r;
}

int image_manifest_add_layer(struct image_manifest *m, const struct descriptor *d, struct err *err)
{
	if (m->layers_len >= IMAGE_LAYERS_MAX)
		return err_set(err, E2BIG, "an image has at most %d layers", IMAGE_LAYERS_MAX);
	return append(&m->layers, &m->layers_len, d, err);
}

int image_index_add(struct image_index *i, const struct descriptor *d, struct err *err)
{
	if (i->manifests_len >= IMAGE_INDEX_MAX)
		return err_set(err, E2BIG, "an index has at most %d entries", IMAGE_INDEX_MAX);
	return append(&i->manifests, &i->manifests_len, d, err);
}

/* --- this machine --- */

const char *platform_architecture(void)
{
	/* What uname(2) says and what Go calls it. */
	static const struct {
		const char *machine, *name;
	} known[] = {
		{ "x86_64", "amd64" },	      { "aarch64", "arm64" },	{ "armv7l", "arm" },
		{ "armv6l", "arm" },	      { "i686", "386" },	{ "i386", "386" },
		{ "riscv64", "riscv64" },     { "ppc64le", "ppc64le" }, { "s390x", "s390x" },
		{ "loongarch64", "loong64" }, { "mips64", "mips64le" },
	};
	static struct utsname u;

	if (uname(&u) < 0)
		return "unknown";
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strcmp(known[i].machine, u.machine) == 0)
			return known[i].name;
	return u.machine;
}

const char *platform_variant(void)
{
	struct utsname u;

	if (uname(&u) < 0)
		return "";
	if (strcmp(u.machine, "aarch64") == 0)
		return "v8";
	if (strcmp(u.machine, "armv7l") == 0)
		return "v7";
	return strcmp(u.machine, "armv6l") == 0 ? "v6" : "";
}

/* How well the platform fits what is wanted: 0 not at all; more is better. */
static int fitness(const struct platform *p, const char *architecture, const char *ours)
{

	if (p->os && *p->os && strcmp(p->os, "linux") != 0)
		return 0;
	if (p->architecture && *p->architecture && strcmp(p->architecture, architecture) != 0)
		return 0;
	if (!p->architecture || !*p->architecture)
		return 1;
	if (!p->variant || !*p->variant)
		return 2;
	if (strcmp(p->variant, ours) == 0)
		return 20;
	/* "v6" runs on "v7"; amd64's "v3" may need what this processor lacks. */
	if (*ours && strcmp(p->variant, ours) < 0)
		return 3 + p->variant[1] - '0';
	return 0;
}

const struct descriptor *image_index_choose_for(const struct image_index *i, const char *architecture,
						const char *variant)
{
	const struct descriptor *best = NULL;
	int best_fitness = 0;

	for (size_t n = 0; n < i->manifests_len; n++) {
		int f = fitness(&i->manifests[n].platform, architecture, variant);

		if (media_kind(i->manifests[n].media_type) != MEDIA_KIND_MANIFEST || f <= best_fitness)
			continue;
		best = &i->manifests[n];
		best_fitness = f;
	}
	return best;
}

const struct descriptor *image_index_choose(const struct image_index *i)
{
	return image_index_choose_for(i, platform_architecture(), platform_variant());
}
