#include "engine/image/load.h"

#include "base/str.h"
#include "engine/image/load_impl.h"
#include "store/ref.h"

#include <errno.h>
#include <string.h>

void loaded_images_done(struct loaded_images *images)
{
	for (size_t i = 0; i < images->len; i++)
		free(images->items[i].name);
	free(images->items);
	*images = (struct loaded_images){ 0 };
}

void load_results_done(struct load_results *results)
{
	for (size_t i = 0; i < results->len; i++)
		strv_done(&results->items[i].names);
	free(results->items);
	*results = (struct load_results){ 0 };
}

int load_results_add(struct load_results *results, struct load_result *result, struct err *err)
{
	int r = 0;

	if (results->len >= LOAD_IMAGES_MAX)
		r = err_set(err, E2BIG, "more than %d images in one archive", LOAD_IMAGES_MAX);
	else if (load_results_push(results, *result) < 0)
		r = err_oom(err);
	if (r < 0)
		strv_done(&result->names);
	*result = (struct load_result){ 0 };
	return r;
}

int load_add_name(struct strv *names, const char *text, struct err *err)
{
	struct reference ref;
	int r = reference_parse(text, &ref, err);

	/* A digest is no name that could be given: the image is loaded without. */
	if (r < 0 || !ref.tag[0])
		return r < 0 ? r : 0;
	return strv_addf(names, "%s:%s", ref.name, ref.tag) < 0 ? err_oom(err) : 0;
}

static int add_loaded(struct loaded_images *ret, const char *name, const struct digest *id, struct err *err)
{
	struct loaded_image image = { name ? strdup(name) : NULL, *id };

	if ((name && !image.name) || loaded_images_push(ret, image) < 0) {
		free(image.name);
		return err_oom(err);
	}
	return 0;
}

static int name_one(struct engine *e, const struct load_result *result, struct loaded_images *ret, struct err *err)
{
	int r = 0;

	if (result->names.len == 0) {
		r = ref_set_untagged(e->store, &result->manifest, err);
		return r < 0 ? r : add_loaded(ret, NULL, &result->id, err);
	}
	for (size_t i = 0; r >= 0 && i < result->names.len; i++) {
		struct reference ref;

		r = reference_parse(result->names.items[i], &ref, err);
		if (r >= 0)
			r = ref_set(e->store, &ref, &result->manifest, "load", err);
		if (r >= 0)
			r = add_loaded(ret, result->names.items[i], &result->id, err);
	}
	return r;
}

static int empty_archive(struct err *err)
{
	err_set(err, EBADMSG, "the archive is empty");
	return err_hint(err, "without -i FILE it is read from stdin, as in 'cloche load <FILE'");
}

static int load_any(struct loader *l, struct err *err)
{
	if (archive_has(l->archive, "manifest.json"))
		return load_docker(l, err);
	if (archive_has(l->archive, "index.json"))
		return load_oci(l, err);
	if (archive_has(l->archive, "repositories"))
		return load_docker_old(l, err);
	if (l->archive->dir_fd < 0 && l->archive->len == 0)
		return empty_archive(err);
	err_set(err, EBADMSG, "this is no image: there is neither manifest.json nor index.json nor repositories in it");
	return err_hint(err, "the files of a root file system become an image with 'cloche import'");
}

static int load_all(struct engine *e, struct store_tmp *tmp, int fd, const char *origin, struct load_results *results,
		    struct err *err)
{
	struct archive archive;
	struct loader l = { .engine = e, .tmp = tmp, .archive = &archive, .origin = origin, .results = results };
	int r = archive_open(tmp, fd, &archive, err);

	if (r < 0)
		return r;
	r = load_any(&l, err);
	archive_done(&archive);
	return r;
}

int engine_load(struct engine *e, int fd, const char *origin, struct loaded_images *ret, struct err *err)
{
	struct load_results results = { 0 };
	struct loaded_images loaded = { 0 };
	struct store_tmp tmp = STORE_TMP_INIT;
	int r = store_tmp_open(e->store, &tmp, err);

	if (r >= 0)
		r = load_all(e, &tmp, fd, origin, &results, err);
	for (size_t i = 0; r >= 0 && i < results.len; i++)
		r = name_one(e, &results.items[i], &loaded, err);
	store_tmp_done(&tmp);
	load_results_done(&results);
	engine_tidy(e, r < 0);
	if (r < 0) {
		loaded_images_done(&loaded);
		return r;
	}
	*ret = loaded;
	return 0;
}
