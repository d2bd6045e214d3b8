/* An image's configuration from JSON (image-spec config.md; Docker's Image Specification v1.2 and later additions). */
#include "oci/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* An object used as a set: {"80/tcp": {}, …}. */
static int read_set(const struct json_at *at, const char *key, struct strv *ret, struct err *err)
{
	struct json_at object;
	const char *name;
	json_t *value;
	int r = json_get(at, key, JSON_WANT_OBJECT, &object, err);

	if (r <= 0)
		return r;
	json_object_foreach(object.value, name, value) if (strv_add(ret, name) < 0) return err_oom(err);
	strv_sort(ret);
	return 0;
}

static int read_health(const struct json_at *at, struct image_config *c, struct err *err)
{
	struct image_health *h = &c->health;
	struct json_at health;
	int r = json_get(at, "Healthcheck", JSON_WANT_OBJECT, &health, err);
	const struct {
		const char *key;
		int64_t *to;
	} numbers[] = {
		{ "Interval", &h->interval_ns },
		{ "Timeout", &h->timeout_ns },
		{ "StartPeriod", &h->start_period_ns },
		{ "StartInterval", &h->start_interval_ns },
		{ "Retries", &h->retries },
	};

	if (r <= 0)
		return r;
	c->has_health = true;
	r = json_get_strings(&health, "Test", &h->test, err);
	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(numbers); i++)
		r = json_get_int(&health, numbers[i].key, 0, INT64_MAX, numbers[i].to, err);
	return r;
}

static int read_flagged_list(const struct json_at *at, const char *key, struct strv *ret, bool *ret_has,
			     struct err *err)
{
	int r = json_get_strings(at, key, ret, err);

	*ret_has = r == 1;
	return r;
}

/* The member "config". */
static int read_execution(const struct json_at *top, struct image_config *c, struct err *err)
{
	struct json_at config;
	int r = json_get(top, "config", JSON_WANT_OBJECT, &config, err);

	if (r <= 0)
		return r;
	r = json_get_string(&config, "User", &c->user, err);
	if (r >= 0)
		r = json_get_string(&config, "WorkingDir", &c->working_dir, err);
	if (r >= 0)
		r = json_get_string(&config, "StopSignal", &c->stop_signal, err);
	if (r >= 0)
		r = json_get_strings(&config, "Env", &c->env, err);
	if (r >= 0)
		r = read_flagged_list(&config, "Entrypoint", &c->entrypoint, &c->has_entrypoint, err);
	if (r >= 0)
		r = read_flagged_list(&config, "Cmd", &c->cmd, &c->has_cmd, err);
	if (r >= 0)
		r = read_set(&config, "ExposedPorts", &c->exposed_ports, err);
	if (r >= 0)
		r = read_set(&config, "Volumes", &c->volumes, err);
	if (r >= 0)
		r = json_get_map(&config, "Labels", &c->labels, err);
	if (r >= 0)
		r = json_get_strings(&config, "Shell", &c->shell, err);
	if (r >= 0)
		r = json_get_strings(&config, "OnBuild", &c->on_build, err);
	if (r >= 0)
		r = read_health(&config, c, err);
	if (r >= 0)
		r = json_get_bool(&config, "ArgsEscaped", &c->args_escaped, err);
	return r < 0 ? r : json_get_int(&config, "StopTimeout", 0, INT32_MAX, &c->stop_timeout, err);
}

static int read_root_fs(const struct json_at *top, struct image_config *c, struct err *err)
{
	struct json_at root_fs, ids, id;
	struct err inner = { 0 };
	struct digest d;
	int r = json_need(top, "rootfs", JSON_WANT_OBJECT, &root_fs, err);

	/* An image FROM scratch without a layer: docker writes null or leaves it out. */
	if (r >= 0)
		r = json_get(&root_fs, "diff_ids", JSON_WANT_ARRAY, &ids, err);
	if (r <= 0)
		return r;
	if (json_array_size(ids.value) > IMAGE_LAYERS_MAX)
		return json_err(&ids, err, E2BIG, "%zu layers are over the limit of %d", json_array_size(ids.value),
				IMAGE_LAYERS_MAX);
	for (size_t i = 0; i < json_array_size(ids.value); i++) {
		r = json_element(&ids, i, JSON_WANT_STRING, &id, err);
		if (r < 0)
			return r;
		if (digest_parse(json_string_value(id.value), &d, &inner) < 0)
			return json_err(&id, err, inner.code, "%s", inner.msg);
		r = image_config_add_diff_id(c, &d, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_history_entry(const struct json_at *at, struct image_history *h, struct err *err)
{
	int r = json_get_string(at, "created", &h->created, err);

	if (r >= 0)
		r = json_get_string(at, "created_by", &h->created_by, err);
	if (r >= 0)
		r = json_get_string(at, "author", &h->author, err);
	if (r >= 0)
		r = json_get_string(at, "comment", &h->comment, err);
	return r < 0 ? r : json_get_bool(at, "empty_layer", &h->empty_layer, err);
}

static int read_history(const struct json_at *top, struct image_config *c, struct err *err)
{
	struct json_at array, item;
	size_t len;
	int r = json_get(top, "history", JSON_WANT_ARRAY, &array, err);

	if (r <= 0)
		return r;
	len = json_array_size(array.value);
	if (len > IMAGE_HISTORY_MAX)
		return json_err(&array, err, E2BIG, "%zu steps are over the limit of %d", len, IMAGE_HISTORY_MAX);
	c->history = calloc(len ? len : 1, sizeof(*c->history));
	if (!c->history)
		return err_oom(err);
	for (size_t i = 0; i < len; i++) {
		r = json_element(&array, i, JSON_WANT_OBJECT, &item, err);
		if (r < 0)
			return r;
		c->history_len = i + 1;
		r = read_history_entry(&item, &c->history[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_texts(const struct json_at *top, struct image_config *c, struct err *err)
{
	const struct {
		const char *key;
		char **to;
	} texts[] = {
		{ "created", &c->created },	      { "author", &c->author },
		{ "comment", &c->comment },	      { "os", &c->os },
		{ "architecture", &c->architecture }, { "variant", &c->variant },
		{ "os.version", &c->os_version },
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		int r = json_get_string(top, texts[i].key, texts[i].to, err);

		if (r < 0)
			return r;
	}
	return 0;
}

int image_config_parse(const char *data, size_t len, struct image_config *ret, struct err *err)
{
	struct image_config c = { .stop_timeout = -1 };
	autojson json_t *root = NULL;
	struct json_at top;
	int r = json_parse(data, len, "image configuration", &root, err);

	if (r < 0)
		return r;
	top = json_top(root, "image configuration");
	r = json_check(&top, JSON_WANT_OBJECT, err);
	if (r >= 0)
		r = read_texts(&top, &c, err);
	if (r >= 0)
		r = read_execution(&top, &c, err);
	if (r >= 0)
		r = read_root_fs(&top, &c, err);
	if (r >= 0)
		r = read_history(&top, &c, err);
	if (r < 0) {
		image_config_done(&c);
		return r;
	}
	*ret = c;
	return 0;
}
