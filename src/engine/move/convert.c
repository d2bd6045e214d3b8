#include "engine/move/convert.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/vec.h"

#include <errno.h>
#include <string.h>

#define DOCKER_LAYER_PLAIN "application/vnd.docker.image.rootfs.diff.tar"

static const char *const manifest_types[] = {
	[FORMAT_OCI] = MEDIA_OCI_MANIFEST, [FORMAT_DOCKER] = MEDIA_DOCKER_MANIFEST
};
static const char *const config_types[] = { [FORMAT_OCI] = MEDIA_OCI_CONFIG, [FORMAT_DOCKER] = MEDIA_DOCKER_CONFIG };
static const char *const index_types[] = { [FORMAT_OCI] = MEDIA_OCI_INDEX, [FORMAT_DOCKER] = MEDIA_DOCKER_LIST };

/* What a layer is called in either vocabulary; Docker has no zstd. */
static const struct {
	const char *types[FORMAT_DOCKER + 1];
} layers[] = {
	{ { [FORMAT_OCI] = MEDIA_OCI_LAYER_GZIP, [FORMAT_DOCKER] = MEDIA_DOCKER_LAYER } },
	{ { [FORMAT_OCI] = MEDIA_OCI_LAYER, [FORMAT_DOCKER] = DOCKER_LAYER_PLAIN } },
};

int move_format_parse(const char *text, enum move_format *ret, struct err *err)
{
	*ret = FORMAT_AS_IT_IS;
	if (!text)
		return 0;
	if (strcmp(text, "oci") == 0)
		*ret = FORMAT_OCI;
	else if (strcmp(text, "v2s2") == 0 || strcmp(text, "docker") == 0)
		*ret = FORMAT_DOCKER;
	else
		return err_set(err, EINVAL, "--format takes oci or v2s2, not '%s'%s", text,
			       strcmp(text, "v2s1") == 0 ? ": schema 1 ended in 2019" : "");
	return 0;
}

static int set_type(char **type, const char *wanted, struct err *err)
{
	char *copy = strdup(wanted);

	if (!copy)
		return err_oom(err);
	free(*type);
	*type = copy;
	return 0;
}

static int convert_layer(struct descriptor *d, enum move_format format, struct err *err)
{
	enum move_format other = format == FORMAT_OCI ? FORMAT_DOCKER : FORMAT_OCI;

	for (size_t i = 0; i < ARRAY_SIZE(layers); i++)
		if (strcmp(d->media_type, layers[i].types[other]) == 0 ||
		    strcmp(d->media_type, layers[i].types[format]) == 0)
			return set_type(&d->media_type, layers[i].types[format], err);
	err_set(err, EOPNOTSUPP, "a layer of the type '%.100s' can't be said in %s", d->media_type,
		format == FORMAT_OCI ? "the OCI's format" : "Docker's schema 2");
	return err_hint(err, "without --format the image stays as it is");
}

static int replace_text(struct document *doc, struct buf *text, const char *type, struct err *err)
{
	char *copy = strdup(type);

	if (!copy)
		return err_oom(err);
	buf_reset(&doc->text);
	if (buf_add(&doc->text, text->data, text->len) < 0) {
		free(copy);
		return err_oom(err);
	}
	return document_describe(doc, copy, err);
}

static int convert(struct image_manifest *m, enum move_format format, struct document *doc, struct err *err)
{
	autobuf struct buf text = BUF_INIT(IMAGE_DOCUMENT_MAX);
	int r = set_type(&m->media_type, manifest_types[format], err);

	if (r >= 0)
		r = set_type(&m->config.media_type, config_types[format], err);
	for (size_t i = 0; r >= 0 && i < m->layers_len; i++)
		r = convert_layer(&m->layers[i], format, err);
	if (r >= 0)
		r = image_manifest_write(m, &text, err);
	return r < 0 ? r : replace_text(doc, &text, manifest_types[format], err);
}

int document_convert(struct document *doc, enum move_format format, struct err *err)
{
	struct image_manifest m;
	int r;

	if (format == FORMAT_AS_IT_IS || strcmp(doc->media_type, manifest_types[format]) == 0)
		return 0;
	r = image_manifest_parse(buf_str(&doc->text), doc->text.len, &m, err);
	if (r < 0)
		return r;
	r = convert(&m, format, doc, err);
	image_manifest_done(&m);
	return r;
}

/* 1: something changed. */
static int take_instances(struct image_index *index, const struct descriptor *instances, size_t count, struct err *err)
{
	int changed = 0;

	for (size_t i = 0; i < count && i < index->manifests_len; i++) {
		struct descriptor *d = &index->manifests[i];

		if (digest_equal(&d->digest, &instances[i].digest))
			continue;
		d->digest = instances[i].digest;
		d->size = instances[i].size;
		if (set_type(&d->media_type, instances[i].media_type, err) < 0)
			return -ENOMEM;
		changed = 1;
	}
	return changed;
}

int document_convert_index(struct document *doc, enum move_format format, const struct descriptor *instances,
			   size_t count, struct err *err)
{
	autobuf struct buf text = BUF_INIT(IMAGE_DOCUMENT_MAX);
	const char *type = format == FORMAT_AS_IT_IS ? doc->media_type : index_types[format];
	struct image_index index;
	int r = image_index_parse(buf_str(&doc->text), doc->text.len, &index, err);

	if (r < 0)
		return r;
	r = take_instances(&index, instances, count, err);
	if (r > 0 || (r == 0 && strcmp(type, doc->media_type) != 0)) {
		r = set_type(&index.media_type, type, err);
		if (r >= 0)
			r = image_index_write(&index, &text, err);
		if (r >= 0)
			r = replace_text(doc, &text, index.media_type, err);
	}
	image_index_done(&index);
	return r < 0 ? r : 0;
}
