#include "engine/image/inside.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "codec/reference.h"
#include "layer/ensure.h"
#include "store/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int add_identity(struct engine *e, const struct store_image *img, const char *image, json_t *object)
{
	const struct image_config *c = &img->config;
	char id[DIGEST_STR_MAX], manifest[DIGEST_STR_MAX], familiar[REFERENCE_MAX + 256];
	autofree char *platform = str_format("%s/%s%s%s", c->os ? c->os : "?", c->architecture ? c->architecture : "?",
					     c->variant && *c->variant ? "/" : "", c->variant ? c->variant : "");
	struct reference ref;

	digest_format(&img->id, id);
	digest_format(&img->manifest_digest, manifest);
	snprintf(familiar, sizeof(familiar), "%s", image);
	if (img->name && reference_parse(img->name, &ref, NULL) >= 0)
		reference_format_familiar(&ref, familiar);
	if (!platform || json_add_string(object, "Image", familiar) < 0 || json_add_string(object, "Id", id) < 0 ||
	    json_add_string(object, "Digest", manifest) < 0 || json_add_string(object, "Created", c->created) < 0 ||
	    json_add_string(object, "Platform", platform) < 0 ||
	    json_add_int(object, "Size", (int64_t)store_image_size(e->store, img)) < 0)
		return -ENOMEM;
	return 0;
}

static int add_map(json_t *object, const char *key, const struct str_map *map)
{
	autojson json_t *values = json_object();

	if (map->len == 0)
		return 0;
	for (size_t i = 0; i < map->len; i++)
		if (!values || json_add(values, map->items[i].key, json_text(map->items[i].value)) < 0)
			return -ENOMEM;
	return json_add(object, key, TAKE_PTR(values));
}

static int add_surroundings(const struct image_config *c, json_t *object)
{
	if (json_add_strings(object, "Entrypoint", &c->entrypoint, false) < 0 ||
	    json_add_strings(object, "Cmd", &c->cmd, false) < 0 ||
	    json_add_strings(object, "Env", &c->env, false) < 0 || json_add_string(object, "User", c->user) < 0 ||
	    json_add_string(object, "WorkingDir", c->working_dir) < 0 ||
	    json_add_strings(object, "ExposedPorts", &c->exposed_ports, false) < 0 ||
	    json_add_strings(object, "Volumes", &c->volumes, false) < 0 || add_map(object, "Labels", &c->labels) < 0 ||
	    json_add_string(object, "StopSignal", c->stop_signal) < 0 ||
	    json_add_strings(object, "OnBuild", &c->on_build, false) < 0)
		return -ENOMEM;
	return 0;
}

static int add_layers(struct engine *e, const struct store_image *img, bool all_files, json_t *object, struct err *err)
{
	autojson json_t *layers = json_array();

	for (size_t i = 0; i < img->manifest.layers_len; i++) {
		json_t *layer = NULL;
		int r = inside_layer(e, img, i, all_files, &layer, err);

		if (r < 0)
			return err_wrap(err, "layer %zu of %zu", i + 1, img->manifest.layers_len);
		if (!layers || json_array_append_new(layers, layer) < 0)
			return err_oom(err);
	}
	return json_add(object, "Layers", TAKE_PTR(layers)) < 0 ? err_oom(err) : 0;
}

static int add_program(struct engine *e, const struct store_image *img, json_t *object, struct err *err)
{
	int fds[IMAGE_LAYERS_MAX];
	struct layered layers = { .fds = fds };
	json_t *program = NULL;
	int r = layers_ensure(e->store, &e->ids, img, err);

	for (size_t i = img->config.diff_ids_len; r >= 0 && i-- > 0;) {
		char folder[LAYER_DIR_MAX], path[LAYER_DIR_MAX + 4];

		layer_path(e->store, &img->config.diff_ids[i], folder);
		snprintf(path, sizeof(path), "%s/fs", folder);
		fds[layers.len] = openat(e->store->root_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fds[layers.len] < 0)
			r = err_errno(err, errno, "open '%s/%s'", e->store->root, path);
		else
			layers.len++;
	}
	if (r >= 0)
		r = inside_program(img, &layers, &program, err);
	if (r >= 0 && program && json_add(object, "Program", program) < 0)
		r = err_oom(err);
	for (size_t i = 0; i < layers.len; i++)
		close(fds[i]);
	return r;
}

static int describe(struct engine *e, const struct store_image *img, const char *image, bool all_files, json_t *object,
		    struct err *err)
{
	int r;

	if (add_identity(e, img, image, object) < 0 || add_surroundings(&img->config, object) < 0)
		return err_oom(err);
	r = add_layers(e, img, all_files, object, err);
	return r < 0 ? r : add_program(e, img, object, err);
}

int engine_inside(struct engine *e, const char *image, bool all_files, json_t **ret, struct err *err)
{
	autojson json_t *object = json_object();
	struct store_image img;
	int r = store_image_open(e->store, image, &img, err);

	if (r < 0)
		return r;
	r = object ? describe(e, &img, image, all_files, object, err) : err_oom(err);
	store_image_done(&img);
	if (r < 0)
		return err_wrap(err, "image '%s'", image);
	*ret = TAKE_PTR(object);
	return 0;
}
