/*
 * docker-archive: manifest.json, <image ID>.json, <diff id>.tar. This is what docker has loaded since 1.10 and what
 * podman writes, without the layer folders that only older versions read.
 */
#include "engine/image/save_impl.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "codec/reference.h"
#include "oci/json.h"

#include <errno.h>
#include <string.h>

static int add_layers(struct saver *s, const struct store_image *img, struct strv *ret_members, struct err *err)
{
	for (size_t i = 0; i < img->manifest.layers_len; i++) {
		char hex[DIGEST_HEX_MAX], name[DIGEST_HEX_MAX + 8];
		int r;

		digest_format_hex(&img->config.diff_ids[i], hex);
		snprintf(name, sizeof(name), "%s.tar", hex);
		r = saver_add_plain(s, name, &img->manifest.layers[i], &img->config.diff_ids[i], err);
		if (r < 0)
			return err_wrap(err, "layer %zu of %zu", i + 1, img->manifest.layers_len);
		if (strv_add(ret_members, name) < 0)
			return err_oom(err);
	}
	return 0;
}

int save_docker_names(const struct strv *names, struct strv *ret, struct err *err)
{
	for (size_t i = 0; i < names->len; i++) {
		char familiar[REFERENCE_MAX + 256];
		struct reference ref;
		int r = reference_parse(names->items[i], &ref, err);

		if (r < 0)
			return r;
		reference_format_familiar(&ref, familiar);
		if (strv_add(ret, familiar) < 0)
			return err_oom(err);
	}
	return 0;
}

static int add_image(struct saver *s, const struct saved_image *image, json_t *manifest, struct err *err)
{
	autostrv struct strv layers = { 0 }, names = { 0 };
	char hex[DIGEST_HEX_MAX], config[DIGEST_HEX_MAX + 8];
	autojson json_t *entry = json_object();
	int r;

	digest_format_hex(&image->img.id, hex);
	snprintf(config, sizeof(config), "%s.json", hex);
	r = saver_add_blob(s, config, &image->img.id, err);
	if (r >= 0)
		r = add_layers(s, &image->img, &layers, err);
	if (r >= 0)
		r = save_docker_names(&image->names, &names, err);
	if (r < 0)
		return r;
	if (!entry || json_add_string(entry, "Config", config) < 0 ||
	    json_add_strings(entry, "RepoTags", &names, true) < 0 ||
	    json_add_strings(entry, "Layers", &layers, true) < 0 || json_array_append(manifest, entry) < 0)
		return err_oom(err);
	return 0;
}

int save_docker(struct saver *s, struct err *err)
{
	autobuf struct buf text = BUF_INIT(JSON_SIZE_MAX);
	autojson json_t *manifest = json_array();
	int r = manifest ? 0 : err_oom(err);

	for (size_t i = 0; r >= 0 && i < s->images_len; i++)
		r = add_image(s, &s->images[i], manifest, err);
	if (r >= 0)
		r = json_write(manifest, &text, err);
	return r < 0 ? r : saver_add_text(s, "manifest.json", text.data, text.len, err);
}
