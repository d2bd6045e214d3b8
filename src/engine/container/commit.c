#include "engine/container/commit.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "engine/image/changes.h"
#include "engine/container/container.h"
#include "engine/container/pause.h"
#include "engine/container/userns.h"
#include "layer/client.h"
#include "oci/spec.h"
#include "store/blob.h"
#include "store/image.h"
#include "store/ref.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct commit {
	const struct commit_options *options;
	struct container_record record;
	struct oci_spec spec; /* what it was started as */
	struct store_image image;
	struct image_config config;
	int dir_fd;
};

static void commit_done(struct commit *c)
{
	container_record_done(&c->record);
	oci_spec_done(&c->spec);
	store_image_done(&c->image);
	image_config_done(&c->config);
	if (c->dir_fd >= 0)
		close(c->dir_fd);
}

static int open_container(struct engine *e, const char *id, struct commit *c, struct err *err)
{
	struct container_keep keep;
	struct digest manifest;
	int r = container_record_read(e->store, id, &c->record, err);

	if (r < 0)
		return r;
	r = container_userns_of(&c->record, e->store, &e->ids, &keep, err);
	if (r < 0)
		return r;
	if (!c->record.manifest)
		return err_set(err, EBADMSG, "container %.12s does not say of which image it is", id);
	c->dir_fd = container_open(e->store, id, err);
	if (c->dir_fd < 0)
		return c->dir_fd;
	r = oci_spec_read(c->dir_fd, "config.json", &c->spec, err);
	if (r >= 0)
		r = digest_parse(c->record.manifest, &manifest, err);
	if (r >= 0)
		r = store_image_open_manifest(e->store, &manifest, &c->image, err);
	return r;
}

/* --- the layer --- */

static int make_layer(struct engine *e, const struct commit *c, struct store_tmp *tmp, struct layer_result *ret,
		      struct err *err)
{
	autoclose int upper = container_open_upper(c->dir_fd, err);
	autoclose int out = openat(tmp->dir_fd, "blob", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct layer_request q = { .verb = LAYER_MAKE, .ids = &e->ids };
	int r;

	if (upper < 0)
		return upper;
	if (out < 0)
		return err_errno(err, errno, "make a file in '%s/%s'", e->store->root, tmp->name);
	q.make = (struct layer_make){ .tree_fd = upper, .out_fd = out, .compression = LAYER_GZIP };
	r = layer_run(&q, ret, err);
	return r < 0 ? err_wrap(err, "make the layer") : blob_commit(tmp, "blob", &ret->digest, ret->size, err);
}

/* --- the configuration --- */

static int set_text(char **dst, const char *value, struct err *err)
{
	char *copy = value ? strdup(value) : NULL;

	if (value && !copy)
		return err_oom(err);
	free(*dst);
	*dst = copy;
	return 0;
}

/* The variables of the container but those that every start sets by itself. */
static int set_env(struct commit *c, struct err *err)
{
	static const char *const own[] = { "HOSTNAME", "HOME", "TERM" };
	struct strv env = { 0 };

	if (strv_add_all(&env, &c->spec.process.env) < 0) {
		strv_done(&env);
		return err_oom(err);
	}
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (!strv_env_get(&c->image.config.env, own[i]))
			strv_env_unset(&env, own[i]);
	strv_done(&c->config.env);
	c->config.env = env;
	return 0;
}

static int set_command(struct commit *c, struct err *err)
{
	struct image_config *config = &c->config;
	const struct strv *args = &c->record.args;

	strv_done(&config->entrypoint);
	strv_done(&config->cmd);
	for (size_t i = 0; i < args->len; i++)
		if (strv_add((int64_t)i < c->record.entrypoint_len ? &config->entrypoint : &config->cmd,
			     args->items[i]) < 0)
			return err_oom(err);
	config->has_entrypoint = config->entrypoint.len > 0;
	config->has_cmd = config->cmd.len > 0;
	return 0;
}

static int set_labels(struct commit *c, struct err *err)
{
	const struct strv *labels = &c->record.labels;

	for (size_t i = 0; i + 1 < labels->len; i += 2)
		if (str_map_set(&c->config.labels, labels->items[i], labels->items[i + 1]) < 0)
			return err_oom(err);
	return 0;
}

static int add_history(struct commit *c, const char *created, struct err *err)
{
	autobuf struct buf command = BUF_INIT(1 << 20);
	int r;

	for (size_t i = 0; i < c->record.args.len; i++)
		buf_addf(&command, "%s%s", i ? " " : "", c->record.args.items[i]);
	r = image_config_add_history(&c->config, created, buf_str(&command), c->options->message, false, err);
	if (r >= 0 && c->options->author && c->config.history_len)
		r = set_text(&c->config.history[c->config.history_len - 1].author, c->options->author, err);
	return r;
}

static int make_config(struct commit *c, const struct layer_result *layer, struct err *err)
{
	char created[TIME_RFC3339_MAX];
	struct timespec now;
	int r = image_config_copy(&c->config, &c->image.config, err);

	clock_gettime(CLOCK_REALTIME, &now);
	time_format_rfc3339(now, created);
	if (r >= 0)
		r = set_text(&c->config.created, created, err);
	if (r >= 0 && c->options->author)
		r = set_text(&c->config.author, c->options->author, err);
	if (r >= 0)
		r = set_env(c, err);
	if (r >= 0)
		r = set_command(c, err);
	if (r >= 0)
		r = set_labels(c, err);
	if (r >= 0)
		r = set_text(&c->config.user, c->record.user, err);
	if (r >= 0 && c->spec.process.cwd && strcmp(c->spec.process.cwd, "/") != 0)
		r = set_text(&c->config.working_dir, c->spec.process.cwd, err);
	if (r >= 0)
		r = image_config_add_diff_id(&c->config, &layer->diff_id, err);
	if (r >= 0 && c->image.config.history_len + 1 >= c->config.diff_ids_len)
		r = add_history(c, created, err);
	return r < 0 ? r : changes_apply(c->options->changes, &c->config, err);
}

/* --- the image --- */

static int put_image(struct engine *e, struct commit *c, const struct layer_result *result, struct digest *ret_id,
		     struct err *err)
{
	autobuf struct buf text = BUF_INIT(IMAGE_DOCUMENT_MAX);
	struct image_manifest *m = &c->image.manifest;
	struct descriptor layer;
	struct digest manifest;
	int r = image_config_write(&c->config, &text, err);

	if (r >= 0)
		r = descriptor_init(&layer, MEDIA_OCI_LAYER_GZIP, &result->digest, result->size, err);
	if (r < 0)
		return r;
	r = image_manifest_add_layer(m, &layer, err);
	descriptor_done(&layer);
	if (r >= 0)
		r = store_image_put(e->store, text.data, text.len, m->layers, m->layers_len, &manifest, ret_id, err);
	if (r < 0)
		return r;
	return c->options->name ? ref_set(e->store, c->options->name, &manifest, "commit", err)
				: ref_set_untagged(e->store, &manifest, err);
}

static int read_files(struct engine *e, struct commit *c, const char *id, struct store_tmp *tmp,
		      struct layer_result *ret, struct err *err)
{
	struct container_pausing pausing = CONTAINER_PAUSING_INIT;
	int r = c->options->pause ? container_pause_begin(e->store, id, &pausing, err) : 0;

	if (r < 0)
		return err_hint(err, "--pause=false takes it while it runs");
	r = make_layer(e, c, tmp, ret, err);
	container_pause_end(&pausing);
	return r;
}

static int commit(struct engine *e, struct commit *c, const char *id, struct store_tmp *tmp, struct digest *ret_id,
		  struct err *err)
{
	struct layer_result layer;
	int r = store_tmp_open(e->store, tmp, err);

	if (r >= 0)
		r = read_files(e, c, id, tmp, &layer, err);
	if (r >= 0)
		r = make_config(c, &layer, err);
	return r < 0 ? r : put_image(e, c, &layer, ret_id, err);
}

int engine_commit(struct engine *e, const char *container, const struct commit_options *options, struct digest *ret_id,
		  bool *ret_moved, struct err *err)
{
	CLEANUP(commit_done) struct commit c = { .options = options, .dir_fd = -1 };
	autotmp struct store_tmp tmp = STORE_TMP_INIT;
	struct container_status status;
	char id[CONTAINER_ID_MAX];
	int r = container_find(e->store, container, id, err);

	if (r >= 0)
		r = container_status_read(e->store, id, &status, err);
	if (r >= 0)
		r = open_container(e, id, &c, err);
	if (r < 0)
		return r;
	*ret_moved = status.phase == CONTAINER_RUNNING && !status.paused && !options->pause;
	return commit(e, &c, id, &tmp, ret_id, err);
}
