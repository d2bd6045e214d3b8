#include "oci/model.h"

#include "base/str.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

void platform_done(struct platform *p)
{
	free(p->os);
	free(p->architecture);
	free(p->variant);
	free(p->os_version);
	strv_done(&p->os_features);
	strv_done(&p->features);
	*p = (struct platform){ 0 };
}

void descriptor_done(struct descriptor *d)
{
	free(d->media_type);
	platform_done(&d->platform);
	str_map_done(&d->annotations);
	*d = (struct descriptor){ 0 };
}

int descriptor_init(struct descriptor *d, const char *media_type, const struct digest *digest, uint64_t size,
		    struct err *err)
{
	*d = (struct descriptor){ .media_type = strdup(media_type), .digest = *digest, .size = size };
	return d->media_type ? 0 : err_oom(err);
}

/* A copy of S in *DST, unless S is NULL; 0 or -ENOMEM. */
static int copy_text(char **dst, const char *s)
{
	if (!s)
		return 0;
	*dst = strdup(s);
	return *dst ? 0 : -ENOMEM;
}

int descriptor_copy(struct descriptor *dst, const struct descriptor *src, struct err *err)
{
	struct descriptor d = { .digest = src->digest, .size = src->size };

	if (copy_text(&d.media_type, src->media_type) < 0 || copy_text(&d.platform.os, src->platform.os) < 0 ||
	    copy_text(&d.platform.architecture, src->platform.architecture) < 0 ||
	    copy_text(&d.platform.variant, src->platform.variant) < 0 ||
	    copy_text(&d.platform.os_version, src->platform.os_version) < 0 ||
	    strv_add_all(&d.platform.os_features, &src->platform.os_features) < 0 ||
	    strv_add_all(&d.platform.features, &src->platform.features) < 0 ||
	    str_map_copy(&d.annotations, &src->annotations) < 0) {
		descriptor_done(&d);
		return err_oom(err);
	}
	*dst = d;
	return 0;
}

/* Media types of layers: the OCI's, and Docker's, "foreign" ones included. */
static bool is_layer_type(const char *type)
{
	const char *rest = str_skip_prefix(type, "application/vnd.oci.image.layer.");

	if (rest)
		return !strstr(rest, "encrypted");
	return str_starts_with(type, "application/vnd.docker.image.rootfs.diff.tar") ||
	       str_starts_with(type, "application/vnd.docker.image.rootfs.foreign.diff.tar");
}

enum media_kind media_kind(const char *media_type)
{
	static const struct {
		const char *type;
		enum media_kind kind;
	} known[] = {
		{ MEDIA_OCI_MANIFEST, MEDIA_KIND_MANIFEST }, { MEDIA_DOCKER_MANIFEST, MEDIA_KIND_MANIFEST },
		{ MEDIA_OCI_INDEX, MEDIA_KIND_INDEX },	     { MEDIA_DOCKER_LIST, MEDIA_KIND_INDEX },
		{ MEDIA_OCI_CONFIG, MEDIA_KIND_CONFIG },     { MEDIA_DOCKER_CONFIG, MEDIA_KIND_CONFIG },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strcmp(known[i].type, media_type) == 0)
			return known[i].kind;
	return is_layer_type(media_type) ? MEDIA_KIND_LAYER : MEDIA_KIND_OTHER;
}

int json_need_digest(const struct json_at *at, const char *key, struct digest *ret, struct err *err)
{
	struct json_at found;
	struct err inner = { 0 };
	int r = json_need(at, key, JSON_WANT_STRING, &found, err);

	if (r < 0)
		return r;
	if (digest_parse(json_string_value(found.value), ret, &inner) < 0)
		return json_err(&found, err, inner.code, "%s", inner.msg);
	return 0;
}

int json_get_map(const struct json_at *at, const char *key, struct str_map *ret, struct err *err)
{
	struct json_at object;
	const char *name;
	json_t *value;
	int r = json_get(at, key, JSON_WANT_OBJECT, &object, err);

	if (r <= 0)
		return r;
	json_object_foreach(object.value, name, value)
	{
		autofree char *text = NULL;

		r = json_get_string(&object, name, &text, err);
		if (r < 0)
			return r;
		if (str_map_set(ret, name, text ? text : "") < 0)
			return err_oom(err);
	}
	return 0;
}

int json_add_map(json_t *object, const char *key, const struct str_map *m)
{
	autojson json_t *map = NULL;

	if (m->len == 0)
		return 0;
	map = json_object();
	for (size_t i = 0; i < m->len; i++)
		if (!map || json_add(map, m->items[i].key, json_text(m->items[i].value)) < 0)
			return -ENOMEM;
	return json_add(object, key, TAKE_PTR(map));
}

static int read_platform(const struct json_at *at, struct platform *ret, struct err *err)
{
	struct json_at platform;
	int r = json_get(at, "platform", JSON_WANT_OBJECT, &platform, err);

	if (r <= 0)
		return r;
	r = json_get_string(&platform, "os", &ret->os, err);
	if (r >= 0)
		r = json_get_string(&platform, "architecture", &ret->architecture, err);
	if (r >= 0)
		r = json_get_string(&platform, "variant", &ret->variant, err);
	if (r >= 0)
		r = json_get_string(&platform, "os.version", &ret->os_version, err);
	if (r >= 0)
		r = json_get_strings(&platform, "os.features", &ret->os_features, err);
	if (r >= 0)
		r = json_get_strings(&platform, "features", &ret->features, err);
	return r;
}

int descriptor_read(const struct json_at *at, struct descriptor *ret, struct err *err)
{
	struct descriptor d = { 0 };
	int64_t size = -1;
	int r;

	r = json_need_string(at, "mediaType", &d.media_type, err);
	if (r >= 0)
		r = json_need_digest(at, "digest", &d.digest, err);
	if (r >= 0)
		r = json_get_int(at, "size", 0, INT64_MAX, &size, err);
	if (r >= 0 && size < 0)
		r = json_err(at, err, EBADMSG, "size is missing");
	if (r >= 0)
		r = json_get_map(at, "annotations", &d.annotations, err);
	if (r >= 0)
		r = read_platform(at, &d.platform, err);
	if (r < 0) {
		descriptor_done(&d);
		return r;
	}
	d.size = (uint64_t)size;
	*ret = d;
	return 0;
}

static int add_platform(json_t *object, const struct platform *p)
{
	json_t *platform;

	if (!p->os && !p->architecture)
		return 0;
	platform = json_object();
	if (!platform || json_add_string(platform, "architecture", p->architecture) < 0 ||
	    json_add_string(platform, "os", p->os) < 0 || json_add_string(platform, "os.version", p->os_version) < 0 ||
	    json_add_strings(platform, "os.features", &p->os_features, false) < 0 ||
	    json_add_string(platform, "variant", p->variant) < 0 ||
	    json_add_strings(platform, "features", &p->features, false) < 0) {
		json_decref(platform);
		return -ENOMEM;
	}
	return json_add(object, "platform", platform);
}

json_t *descriptor_json(const struct descriptor *d)
{
	autojson json_t *object = json_object();
	char digest[DIGEST_STR_MAX];

	digest_format(&d->digest, digest);
	if (!object || json_add_string(object, "mediaType", d->media_type) < 0 ||
	    json_add_string(object, "digest", digest) < 0 || json_add_int(object, "size", (int64_t)d->size) < 0 ||
	    json_add_map(object, "annotations", &d->annotations) < 0 || add_platform(object, &d->platform) < 0)
		return NULL;
	return TAKE_PTR(object);
}
