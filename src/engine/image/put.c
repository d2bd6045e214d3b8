#include "engine/image/put.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/timefmt.h"
#include "store/ref.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/* --- the image --- */

/* An OCI manifest names the layers in the OCI's words. */
static int rename_layers(struct image_manifest *m, struct err *err)
{
	for (size_t i = 0; i < m->layers_len; i++) {
		char **type = &m->layers[i].media_type, *copy;

		if (strcmp(*type, MEDIA_DOCKER_LAYER) != 0)
			continue;
		copy = strdup(MEDIA_OCI_LAYER_GZIP);
		if (!copy)
			return err_oom(err);
		free(*type);
		*type = copy;
	}
	return 0;
}

int image_put(struct engine *e, const struct store_image *img, const struct reference *name, const char *why,
	      struct digest *ret_manifest, struct digest *ret_id, struct err *err)
{
	autobuf struct buf text = BUF_INIT(IMAGE_DOCUMENT_MAX);
	const struct image_manifest *m = &img->manifest;
	int r = image_config_write(&img->config, &text, err);

	if (r >= 0)
		r = store_image_put_annotated(e->store, text.data, text.len, m->layers, m->layers_len, &m->annotations,
					      ret_manifest, ret_id, err);
	if (r < 0)
		return r;
	return name ? ref_set(e->store, name, ret_manifest, why, err) : ref_set_untagged(e->store, ret_manifest, err);
}

int image_add_layer(struct store_image *img, const struct layer_result *result, struct err *err)
{
	const char *type = result->compression == LAYER_GZIP   ? MEDIA_OCI_LAYER_GZIP
			   : result->compression == LAYER_ZSTD ? MEDIA_OCI_LAYER_ZSTD
							       : MEDIA_OCI_LAYER;
	struct descriptor layer;
	int r = descriptor_init(&layer, type, &result->digest, result->size, err);

	if (r >= 0)
		r = image_manifest_add_layer(&img->manifest, &layer, err);
	if (r >= 0)
		r = rename_layers(&img->manifest, err);
	if (r >= 0)
		r = image_config_add_diff_id(&img->config, &result->diff_id, err);
	descriptor_done(&layer);
	return r;
}

int image_compression_parse(const char *word, enum layer_compression *ret, struct err *err)
{
	if (word && strcmp(word, "gzip") != 0 && strcmp(word, "zstd") != 0 && strcmp(word, "none") != 0)
		return err_set(err, EINVAL, "--compression takes gzip, zstd or none, not '%.64s'", word);
	*ret = !word || word[0] == 'g' ? LAYER_GZIP : word[0] == 'z' ? LAYER_ZSTD : LAYER_PLAIN_TAR;
	return 0;
}

/* --- the history --- */

/* As `build` takes it: reproducible-builds.org. */
static int now_or_epoch(char dst[static TIME_RFC3339_MAX], struct err *err)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	struct timespec now;
	int64_t sec;

	clock_gettime(CLOCK_REALTIME, &now);
	if (epoch && *epoch) {
		if (num_parse_i64(epoch, &sec) < 0)
			return err_set(err, EINVAL, "SOURCE_DATE_EPOCH is no number of seconds: '%.64s'", epoch);
		now = (struct timespec){ .tv_sec = sec };
	}
	time_format_rfc3339(now, dst);
	return 0;
}

static int set_created(struct image_config *c, const char *created, struct err *err)
{
	char *copy = strdup(created);

	if (!copy)
		return err_oom(err);
	free(c->created);
	c->created = copy;
	return 0;
}

/* Steps that made layers. A history that is there must tell of all of them. */
static size_t told_layers(const struct image_config *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->history_len; i++)
		n += !c->history[i].empty_layer;
	return n;
}

int image_add_step(struct image_config *c, const struct image_words *words, const char *created_by, bool empty,
		   struct err *err)
{
	char now[TIME_RFC3339_MAX];
	struct timespec checked;
	size_t told = told_layers(c), layers = c->diff_ids_len - !empty;
	int r = now_or_epoch(now, err);

	if (r >= 0 && words->created && time_parse_rfc3339(words->created, &checked) < 0)
		r = err_set(err, EINVAL, "'%.64s' is no time, as in 2026-01-31T12:00:00Z", words->created);
	if (r >= 0)
		r = set_created(c, words->created ? words->created : now, err);
	if (r < 0 || words->no_history)
		return r;
	/* What was never told stays so, but each layer has a step: a history that tells of some only would be refused. */
	if (told < layers && c->history_len > 0)
		return 0;
	for (; r >= 0 && told < layers; told++)
		r = image_config_add_history(c, NULL, NULL, NULL, false, err);
	if (r >= 0)
		r = image_config_add_history(c, c->created, words->created_by ? words->created_by : created_by,
					     words->comment, empty, err);
	if (r >= 0 && words->author) {
		struct image_history *h = &c->history[c->history_len - 1];

		h->author = strdup(words->author);
		if (!h->author)
			return err_oom(err);
	}
	return r;
}
