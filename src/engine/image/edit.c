#include "engine/image/edit.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "engine/image/changes.h"
#include "oci/json.h"
#include "store/blob.h"

#include <errno.h>
#include <string.h>

enum { LINE_MAX_BYTES = 1 << 20, WORDS_MAX = 10000 };

/* --- texts and lists --- */

static int set_text(char **dst, const char *value, struct err *err)
{
	char *copy;

	if (!value)
		return 0;
	copy = strdup(value);
	if (!copy)
		return err_oom(err);
	free(*dst);
	*dst = copy;
	return 0;
}

static void clear_text(char **text)
{
	free(TAKE_PTR(*text));
}

static void clear_history(struct image_config *c)
{
	for (size_t i = 0; i < c->history_len; i++) {
		clear_text(&c->history[i].created);
		clear_text(&c->history[i].created_by);
		clear_text(&c->history[i].author);
		clear_text(&c->history[i].comment);
	}
	c->history_len = 0;
}

/* "NAME-" without an equals sign: the name, owned; NULL: it is none. */
static char *removal(const char *item)
{
	size_t len = strlen(item);

	return len > 1 && item[len - 1] == '-' && !strchr(item, '=') ? strndup(item, len - 1) : NULL;
}

static int edit_env(const struct strv *items, struct strv *env, struct err *err)
{
	for (size_t i = 0; i < items->len; i++) {
		const char *item = items->items[i];
		autofree char *gone = removal(item);

		if (gone)
			strv_env_unset(env, gone);
		else if (item[0] == '=' || !strchr(item, '='))
			return err_set(err, EINVAL, "--env takes NAME=VALUE, or NAME- to remove it, not '%.200s'",
				       item);
		else if (strv_env_set(env, item) < 0)
			return err_oom(err);
	}
	return 0;
}

static int edit_map(const char *option, const struct strv *items, struct str_map *map, struct err *err)
{
	for (size_t i = 0; i < items->len; i++) {
		const char *item = items->items[i], *equals = strchr(item, '=');
		autofree char *gone = removal(item), *key = NULL;

		if (gone) {
			str_map_unset(map, gone);
			continue;
		}
		if (!equals || equals == item)
			return err_set(err, EINVAL, "%s takes NAME=VALUE, or NAME- to remove it, not '%.200s'", option,
				       item);
		key = strndup(item, (size_t)(equals - item));
		if (!key || str_map_set(map, key, equals + 1) < 0)
			return err_oom(err);
	}
	return 0;
}

static void remove_port(struct strv *ports, const char *port)
{
	autofree char *tcp = str_format("%s/tcp", port);

	for (size_t i = ports->len; tcp && i-- > 0;)
		if (strcmp(ports->items[i], port) == 0 || strcmp(ports->items[i], tcp) == 0)
			strv_remove(ports, i);
}

/* What Dockerfiles have an instruction for is checked as there. */
static int instruct(struct image_config *c, struct err *err, const char *keyword, const char *flags, const char *rest)
{
	autostrv struct strv lines = { 0 };

	if (strchr(rest, '\n'))
		return err_set(err, EINVAL, "%s: a line break can't be in it", keyword);
	if (strv_addf(&lines, "%s %s%s", keyword, flags, rest) < 0)
		return err_oom(err);
	return changes_apply(&lines, c, err);
}

static int edit_ports(const struct strv *items, struct image_config *c, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < items->len; i++) {
		autofree char *gone = removal(items->items[i]);

		if (gone)
			remove_port(&c->exposed_ports, gone);
		else
			r = instruct(c, err, "EXPOSE", "", items->items[i]);
	}
	return r;
}

static int edit_volumes(const struct strv *items, struct image_config *c, struct err *err)
{
	for (size_t i = 0; i < items->len; i++) {
		autofree char *gone = removal(items->items[i]), *clean = NULL;

		if (gone) {
			for (size_t k = c->volumes.len; k-- > 0;)
				if (strcmp(c->volumes.items[k], gone) == 0)
					strv_remove(&c->volumes, k);
			continue;
		}
		if (items->items[i][0] != '/')
			return err_set(err, EINVAL, "--volume takes an absolute path, not '%.200s'", items->items[i]);
		clean = path_clean(items->items[i]);
		if (!clean || (!strv_contains(&c->volumes, clean) && strv_add(&c->volumes, clean) < 0))
			return err_oom(err);
		strv_sort(&c->volumes);
	}
	return 0;
}

/* --- commands --- */

/* Appends one word; moves *TEXT behind it. Quotes and backslashes as in a shell, nothing else. */
static int take_word(const char **text, struct strv *ret, const char *option, struct err *err)
{
	autobuf struct buf word = BUF_INIT(LINE_MAX_BYTES);
	const char *p = *text;
	char quote = 0;

	for (; *p && (quote || (*p != ' ' && *p != '\t')); p++) {
		if (quote ? *p == quote : *p == '\'' || *p == '"')
			quote = quote ? 0 : *p;
		else if (*p == '\\' && quote != '\'' && p[1])
			buf_add_char(&word, *++p);
		else
			buf_add_char(&word, *p);
	}
	if (quote)
		return err_set(err, EINVAL, "%s: a quote is not closed: '%.200s'", option, *text);
	*text = p;
	return word.error || strv_add(ret, buf_str(&word)) < 0 ? err_oom(err) : 0;
}

static int parse_array(const char *option, const char *text, struct strv *ret, struct err *err)
{
	autojson json_t *root = NULL;
	struct json_at top;
	int r = json_parse(text, strlen(text), option, &root, err);

	if (r < 0)
		return r;
	top = json_top(root, option);
	r = json_check(&top, JSON_WANT_ARRAY, err);
	for (size_t i = 0; r >= 0 && i < json_array_size(root); i++) {
		struct json_at element;

		r = json_element(&top, i, JSON_WANT_STRING, &element, err);
		if (r >= 0 && strv_add(ret, json_string_value(element.value)) < 0)
			r = err_oom(err);
	}
	return r;
}

/* Into DST, which is emptied. */
static int set_command(const char *option, const char *text, struct strv *dst, struct err *err)
{
	struct strv words = { 0 };
	int r = 0;

	if (text[0] == '[')
		r = parse_array(option, text, &words, err);
	for (const char *p = text; r >= 0 && text[0] != '[' && *(p += strspn(p, " \t"));)
		r = words.len < WORDS_MAX ? take_word(&p, &words, option, err)
					  : err_set(err, E2BIG, "%s: more than %d words", option, WORDS_MAX);
	if (r < 0) {
		strv_done(&words);
		return r;
	}
	strv_done(dst);
	*dst = words;
	return 0;
}

static int edit_commands(const struct edit_options *o, struct image_config *c, struct err *err)
{
	int r = 0;

	if (o->entrypoint) {
		r = set_command("--entrypoint", o->entrypoint, &c->entrypoint, err);
		c->has_entrypoint = c->entrypoint.len > 0;
	}
	if (r >= 0 && o->cmd) {
		r = set_command("--cmd", o->cmd, &c->cmd, err);
		c->has_cmd = c->cmd.len > 0;
	}
	return r >= 0 && o->shell ? set_command("--shell", o->shell, &c->shell, err) : r;
}

/* --- health --- */

static void add_flag(struct buf *flags, const char *name, const char *value)
{
	if (value)
		buf_addf(flags, "--%s=%s ", name, value);
}

static bool has_blank(const char *word)
{
	return word && strpbrk(word, " \t\n");
}

static int edit_health(const struct edit_options *o, struct image_config *c, struct err *err)
{
	autobuf struct buf flags = BUF_INIT(LINE_MAX_BYTES);

	if (has_blank(o->health_interval) || has_blank(o->health_timeout) || has_blank(o->health_start_period) ||
	    has_blank(o->health_retries))
		return err_set(err, EINVAL, "a time of --healthcheck is one word, as in 30s");
	add_flag(&flags, "interval", o->health_interval);
	add_flag(&flags, "timeout", o->health_timeout);
	add_flag(&flags, "start-period", o->health_start_period);
	add_flag(&flags, "retries", o->health_retries);
	if (flags.error)
		return err_oom(err);
	if (!o->health && flags.len > 0) {
		err_set(err, EINVAL, "times of a health check are set with its command");
		return err_hint(err, "say --healthcheck as well");
	}
	if (!o->health)
		return 0;
	if (strcmp(o->health, "none") == 0 || strcmp(o->health, "NONE") == 0)
		return instruct(c, err, "HEALTHCHECK", "", "NONE");
	if (str_starts_with(o->health, "CMD "))
		return instruct(c, err, "HEALTHCHECK", buf_str(&flags), o->health);
	buf_add_str(&flags, "CMD ");
	return flags.error ? err_oom(err) : instruct(c, err, "HEALTHCHECK", buf_str(&flags), o->health);
}

/* --- clear --- */

static void clear_health(struct image_config *c)
{
	strv_done(&c->health.test);
	c->health = (struct image_health){ 0 };
	c->has_health = false;
}

/* umoci says "config.labels" and "manifest.annotations". */
static int clear_field(struct store_image *img, const char *field, struct err *err)
{
	struct image_config *c = &img->config;
	const struct {
		const char *name;
		struct strv *list;
		char **text;
	} fields[] = {
		{ "author", NULL, &c->author },
		{ "cmd", &c->cmd, NULL },
		{ "entrypoint", &c->entrypoint, NULL },
		{ "env", &c->env, NULL },
		{ "onbuild", &c->on_build, NULL },
		{ "ports", &c->exposed_ports, NULL },
		{ "exposedports", &c->exposed_ports, NULL },
		{ "shell", &c->shell, NULL },
		{ "stop-signal", NULL, &c->stop_signal },
		{ "user", NULL, &c->user },
		{ "volumes", &c->volumes, NULL },
		{ "volume", &c->volumes, NULL },
		{ "workingdir", NULL, &c->working_dir },
	};
	const char *name = str_skip_prefix(field, "config.");

	name = name ? name : field;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (strcmp(fields[i].name, name) != 0)
			continue;
		if (fields[i].list)
			strv_done(fields[i].list);
		else
			clear_text(fields[i].text);
		c->has_cmd = c->cmd.len > 0;
		c->has_entrypoint = c->entrypoint.len > 0;
		return 0;
	}
	if (strcmp(name, "labels") == 0)
		str_map_done(&c->labels);
	else if (strcmp(name, "annotations") == 0 || strcmp(name, "manifest.annotations") == 0)
		str_map_done(&img->manifest.annotations);
	else if (strcmp(name, "healthcheck") == 0)
		clear_health(c);
	else if (strcmp(name, "history") == 0)
		clear_history(c);
	else
		return err_set(err, EINVAL, "--clear: there is no field '%.64s' (%s)", field, EDIT_FIELDS);
	return 0;
}

/* --- all of it --- */

static int edit_texts(const struct edit_options *o, struct image_config *c, struct err *err)
{
	int r = set_text(&c->user, o->user, err);

	if (r >= 0 && o->working_dir && *o->working_dir && o->working_dir[0] != '/')
		return err_set(err, EINVAL, "--workingdir takes an absolute path, not '%.200s'", o->working_dir);
	if (r >= 0)
		r = set_text(&c->working_dir, o->working_dir, err);
	if (r >= 0)
		r = set_text(&c->author, o->author, err);
	if (r >= 0)
		r = set_text(&c->os, o->os, err);
	if (r >= 0)
		r = set_text(&c->architecture, o->architecture, err);
	if (r >= 0)
		r = set_text(&c->variant, o->variant, err);
	return r >= 0 && o->stop_signal ? instruct(c, err, "STOPSIGNAL", "", o->stop_signal) : r;
}

static int edit(const struct edit_options *o, struct store_image *img, struct err *err)
{
	struct image_config *c = &img->config;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < o->clear->len; i++)
		r = clear_field(img, o->clear->items[i], err);
	if (r >= 0)
		r = edit_texts(o, c, err);
	if (r >= 0)
		r = edit_env(o->env, &c->env, err);
	if (r >= 0)
		r = edit_map("--label", o->labels, &c->labels, err);
	if (r >= 0)
		r = edit_map("--annotation", o->annotations, &img->manifest.annotations, err);
	if (r >= 0)
		r = edit_ports(o->ports, c, err);
	if (r >= 0)
		r = edit_volumes(o->volumes, c, err);
	if (r >= 0)
		r = edit_commands(o, c, err);
	if (r >= 0)
		r = edit_health(o, c, err);
	for (size_t i = 0; r >= 0 && i < o->on_build->len; i++)
		r = instruct(c, err, "ONBUILD", "", o->on_build->items[i]);
	if (r >= 0)
		r = changes_apply(o->changes, c, err);
	return r < 0 ? r : image_add_step(c, &o->words, "cloche config", true, err);
}

int engine_edit(struct engine *e, const char *image, const struct edit_options *options, const struct reference *name,
		struct digest *ret_id, struct err *err)
{
	autoimage struct store_image img = { 0 };
	struct reference own;
	struct digest manifest;
	int r = store_image_open(e->store, image, &img, err);

	if (r >= 0)
		r = edit(options, &img, err);
	if (r >= 0 && !name && img.name) {
		r = reference_parse(img.name, &own, err);
		name = &own;
	}
	return r < 0 ? r : image_put(e, &img, name, "config", &manifest, ret_id, err);
}

int engine_edit_show(struct engine *e, const char *image, struct buf *ret, struct err *err)
{
	autobuf struct buf text = BUF_INIT(IMAGE_DOCUMENT_MAX);
	autoimage struct store_image img = { 0 };
	autojson json_t *root = NULL;
	int r = store_image_open(e->store, image, &img, err);

	if (r >= 0)
		r = blob_read(e->store, &img.id, &text, err);
	if (r >= 0)
		r = json_parse(buf_str(&text), text.len, "configuration", &root, err);
	return r < 0 ? r : json_write_pretty(root, ret, err);
}
