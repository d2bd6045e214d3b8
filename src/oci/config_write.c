#include "oci/model.h"

#include <errno.h>
#include <string.h>

static int add_set(json_t *object, const char *key, const struct strv *names)
{
	autojson json_t *set = NULL;

	if (names->len == 0)
		return 0;
	set = json_object();
	for (size_t i = 0; i < names->len; i++)
		if (!set || json_add(set, names->items[i], json_object()) < 0)
			return -ENOMEM;
	return json_add(object, key, TAKE_PTR(set));
}

static int add_nonzero(json_t *object, const char *key, int64_t value)
{
	return value ? json_add_int(object, key, value) : 0;
}

static int add_health(json_t *object, const struct image_config *c)
{
	const struct image_health *h = &c->health;
	autojson json_t *health = NULL;

	if (!c->has_health)
		return 0;
	health = json_object();
	if (!health || json_add_strings(health, "Test", &h->test, false) < 0 ||
	    add_nonzero(health, "Interval", h->interval_ns) < 0 || add_nonzero(health, "Timeout", h->timeout_ns) < 0 ||
	    add_nonzero(health, "StartPeriod", h->start_period_ns) < 0 ||
	    add_nonzero(health, "StartInterval", h->start_interval_ns) < 0 ||
	    add_nonzero(health, "Retries", h->retries) < 0)
		return -ENOMEM;
	return json_add(object, "Healthcheck", TAKE_PTR(health));
}

static json_t *execution_json(const struct image_config *c)
{
	autojson json_t *config = json_object();

	if (!config || json_add_string(config, "User", c->user) < 0 ||
	    add_set(config, "ExposedPorts", &c->exposed_ports) < 0 ||
	    json_add_strings(config, "Env", &c->env, false) < 0 ||
	    json_add_strings(config, "Entrypoint", &c->entrypoint, c->has_entrypoint) < 0 ||
	    json_add_strings(config, "Cmd", &c->cmd, c->has_cmd) < 0 || add_health(config, c) < 0 ||
	    (c->args_escaped && json_add_bool(config, "ArgsEscaped", true) < 0) ||
	    add_set(config, "Volumes", &c->volumes) < 0 || json_add_string(config, "WorkingDir", c->working_dir) < 0 ||
	    json_add_strings(config, "OnBuild", &c->on_build, false) < 0 ||
	    json_add_map(config, "Labels", &c->labels) < 0 ||
	    json_add_string(config, "StopSignal", c->stop_signal) < 0 ||
	    (c->stop_timeout >= 0 && json_add_int(config, "StopTimeout", c->stop_timeout) < 0) ||
	    json_add_strings(config, "Shell", &c->shell, false) < 0)
		return NULL;
	return TAKE_PTR(config);
}

static json_t *root_fs_json(const struct image_config *c)
{
	autojson json_t *root_fs = json_object(), *ids = json_array();
	char digest[DIGEST_STR_MAX];

	for (size_t i = 0; i < c->diff_ids_len; i++) {
		digest_format(&c->diff_ids[i], digest);
		if (!ids || json_array_append_new(ids, json_string(digest)) < 0)
			return NULL;
	}
	if (!root_fs || json_add_string(root_fs, "type", "layers") < 0 ||
	    json_add(root_fs, "diff_ids", TAKE_PTR(ids)) < 0)
		return NULL;
	return TAKE_PTR(root_fs);
}

static json_t *history_json(const struct image_config *c)
{
	autojson json_t *array = json_array();

	for (size_t i = 0; i < c->history_len; i++) {
		const struct image_history *h = &c->history[i];
		autojson json_t *entry = json_object();

		if (!array || !entry || json_add_string(entry, "created", h->created) < 0 ||
		    json_add_string(entry, "created_by", h->created_by) < 0 ||
		    json_add_string(entry, "author", h->author) < 0 ||
		    json_add_string(entry, "comment", h->comment) < 0 ||
		    (h->empty_layer && json_add_bool(entry, "empty_layer", true) < 0) ||
		    json_array_append(array, entry) < 0)
			return NULL;
	}
	return TAKE_PTR(array);
}

/* --- the least --- */

/* What docker, podman and ourselves give to a container whose image has no PATH. */
static bool is_default_env(const struct strv *env)
{
	return env->len == 1 &&
	       strcmp(env->items[0], "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin") == 0;
}

static int add_smallest_platform(json_t *root, const struct image_config *c)
{
	if (c->os && c->architecture && strcmp(c->os, "linux") == 0 && strcmp(c->architecture, "amd64") == 0 &&
	    !c->variant)
		return 0;
	return json_add_string(root, "architecture", c->architecture) < 0 ||
			       json_add_string(root, "variant", c->variant) < 0 ||
			       json_add_string(root, "os", c->os) < 0 ||
			       json_add_string(root, "os.version", c->os_version) < 0
		       ? -ENOMEM
		       : 0;
}

int image_config_write_smallest(const struct image_config *c, struct buf *out, struct err *err)
{
	autojson json_t *root = json_object(), *config = execution_json(c), *root_fs = root_fs_json(c);

	if (!root || !config || !root_fs || add_smallest_platform(root, c) < 0)
		return err_oom(err);
	if (is_default_env(&c->env))
		json_object_del(config, "Env");
	if (json_object_size(config) > 0 && json_add(root, "config", TAKE_PTR(config)) < 0)
		return err_oom(err);
	json_object_del(root_fs, "type");
	if (json_add(root, "rootfs", TAKE_PTR(root_fs)) < 0)
		return err_oom(err);
	return json_write(root, out, err);
}

int image_config_write(const struct image_config *c, struct buf *out, struct err *err)
{
	autojson json_t *root = json_object();

	if (!root || json_add_string(root, "created", c->created) < 0 ||
	    json_add_string(root, "author", c->author) < 0 ||
	    json_add_string(root, "architecture", c->architecture) < 0 ||
	    json_add_string(root, "variant", c->variant) < 0 || json_add_string(root, "os", c->os) < 0 ||
	    json_add_string(root, "os.version", c->os_version) < 0 ||
	    json_add_string(root, "comment", c->comment) < 0 || json_add(root, "config", execution_json(c)) < 0 ||
	    json_add(root, "rootfs", root_fs_json(c)) < 0)
		return err_oom(err);
	if (c->history_len > 0 && json_add(root, "history", history_json(c)) < 0)
		return err_oom(err);
	return json_write(root, out, err);
}
