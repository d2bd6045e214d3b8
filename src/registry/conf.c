#include "registry/conf.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "codec/toml.h"
#include "sys/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* One [[registry]], as far as it has been read. */
struct table {
	bool open;
	struct registry_conf conf;
	bool mirror_insecure;
	char *mirror; /* location of the [[registry.mirror]] that is being read */
};

struct reading {
	const char *host, *repo;
	struct table table;
	struct registry_conf *best;
	size_t best_len;
	unsigned tables;
};

void registry_conf_done(struct registry_conf *c)
{
	free(c->prefix);
	free(c->location);
	strv_done(&c->mirrors);
	*c = (struct registry_conf){ 0 };
}

static void table_done(struct table *t)
{
	registry_conf_done(&t->conf);
	free(t->mirror);
	*t = (struct table){ 0 };
}

/* How much of HOST/REPO the prefix names: "host", "host/path", or "*.domain" for the host alone. 0: it doesn't fit. */
static size_t match(const char *prefix, const char *host, const char *repo)
{
	autofree char *full = str_format("%s%s%s", host, repo[0] ? "/" : "", repo);
	size_t len = strlen(prefix);

	if (str_starts_with(prefix, "*."))
		return str_ends_with(host, prefix + 1) ? len : 0;
	if (!full || len == 0 || strncmp(full, prefix, len) != 0)
		return 0;
	return full[len] == '\0' || full[len] == '/' || full[len] == ':' ? len : 0;
}

static int end_mirror(struct table *t, struct err *err)
{
	int r = 0;

	if (t->mirror)
		r = strv_addf(&t->conf.mirrors, "%s%s", t->mirror_insecure ? "!" : "", t->mirror);
	free(TAKE_PTR(t->mirror));
	t->mirror_insecure = false;
	return r < 0 ? err_oom(err) : 0;
}

static int end_table(struct reading *r, struct err *err)
{
	struct table *t = &r->table;
	const char *prefix = t->conf.prefix ? t->conf.prefix : t->conf.location;
	int e = end_mirror(t, err);
	size_t len = t->open && prefix ? match(prefix, r->host, r->repo) : 0;

	if (e >= 0 && len > 0 && len >= r->best_len) {
		registry_conf_done(r->best);
		*r->best = t->conf;
		t->conf = (struct registry_conf){ 0 };
		r->best_len = len;
	}
	table_done(t);
	return e;
}

static int take_string(char **dst, const char *text, struct err *err)
{
	free(*dst);
	*dst = strdup(text);
	return *dst ? 0 : err_oom(err);
}

static int on_registry_key(struct table *t, const struct toml_event *e, struct err *err)
{
	if (e->kind == TOML_BOOL && strcmp(e->key, "insecure") == 0)
		t->conf.insecure = e->value;
	else if (e->kind == TOML_BOOL && strcmp(e->key, "blocked") == 0)
		t->conf.blocked = e->value;
	else if (e->kind == TOML_STRING && strcmp(e->key, "prefix") == 0)
		return take_string(&t->conf.prefix, e->text, err);
	else if (e->kind == TOML_STRING && strcmp(e->key, "location") == 0)
		return take_string(&t->conf.location, e->text, err);
	return 0;
}

static int on_mirror_key(struct table *t, const struct toml_event *e, struct err *err)
{
	if (e->kind == TOML_BOOL && strcmp(e->key, "insecure") == 0)
		t->mirror_insecure = e->value;
	else if (e->kind == TOML_STRING && strcmp(e->key, "location") == 0)
		return take_string(&t->mirror, e->text, err);
	return 0;
}

/* What other versions of the format have besides is for others to understand. */
static int on_event(const struct toml_event *e, void *arg, struct err *err)
{
	struct reading *r = arg;
	bool is_registry = strcmp(e->table, "registry") == 0, is_mirror = strcmp(e->table, "registry.mirror") == 0;

	if (e->kind == TOML_ARRAY_TABLE && is_mirror)
		return end_mirror(&r->table, err);
	if (e->kind == TOML_TABLE || e->kind == TOML_ARRAY_TABLE) {
		int end = end_table(r, err);

		if (++r->tables > REGISTRY_CONF_TABLES_MAX)
			return err_set(err, E2BIG, "more than %d tables", REGISTRY_CONF_TABLES_MAX);
		r->table.open = is_registry;
		return end;
	}
	if (is_registry)
		return on_registry_key(&r->table, e, err);
	return is_mirror ? on_mirror_key(&r->table, e, err) : 0;
}

static int read_into(struct reading *r, const char *text, const char *name, struct err *err)
{
	int e = toml_read(text, name, on_event, r, err);

	if (e >= 0)
		return end_table(r, err);
	table_done(&r->table);
	return e;
}

int registry_conf_read(const char *text, const char *name, const char *host, const char *repo,
		       struct registry_conf *ret, struct err *err)
{
	struct reading r = { .host = host, .repo = repo, .best = ret };
	int e;

	*ret = (struct registry_conf){ 0 };
	e = read_into(&r, text, name, err);
	if (e < 0)
		registry_conf_done(ret);
	return e;
}

/* 1: it was there. */
static int read_file(struct reading *r, const char *path, struct err *err)
{
	struct buf autobuf text = BUF_INIT(REGISTRY_CONF_MAX);
	struct err why = { 0 };
	int e = fs_read_file(AT_FDCWD, path, REGISTRY_CONF_MAX, &text, &why);

	if (e == -ENOENT || e == -ENOTDIR)
		return 0;
	if (e < 0)
		return err_set(err, why.code, "%s", why.msg);
	e = read_into(r, buf_str(&text), path, err);
	return e < 0 ? e : 1;
}

static int read_folder(struct reading *r, const char *dir, struct err *err)
{
	autoclosedir DIR *d = opendir(dir);
	autostrv struct strv names = { 0 };
	const struct dirent *entry;
	int e = 0;

	while (d && e >= 0 && (entry = readdir(d)))
		if (str_ends_with(entry->d_name, ".conf"))
			e = strv_addf(&names, "%s/%s", dir, entry->d_name);
	if (e < 0)
		return err_oom(err);
	strv_sort(&names);
	for (size_t i = 0; e >= 0 && i < names.len; i++)
		e = read_file(r, names.items[i], err);
	return e < 0 ? e : 0;
}

static int read_place(struct reading *r, const char *path, struct err *err)
{
	autofree char *dir = str_format("%s.d", path);
	int there = read_file(r, path, err), e;

	if (there < 0)
		return there;
	e = dir ? read_folder(r, dir, err) : err_oom(err);
	return e < 0 ? e : there;
}

int registry_conf_find(const char *host, const char *repo, struct registry_conf *ret, struct err *err)
{
	const char *named = getenv("CONTAINERS_REGISTRIES_CONF"), *config = getenv("XDG_CONFIG_HOME"),
		   *home = getenv("HOME");
	autofree char *own = config && *config ? str_format("%s/containers/registries.conf", config)
			     : home	       ? str_format("%s/.config/containers/registries.conf", home)
					       : NULL;
	struct reading r = { .host = host, .repo = repo, .best = ret };
	int e = 0;

	*ret = (struct registry_conf){ 0 };
	if (named && *named)
		e = read_file(&r, named, err);
	else if (own)
		e = read_place(&r, own, err);
	if (e == 0 && !(named && *named))
		e = read_place(&r, "/etc/containers/registries.conf", err);
	if (e < 0)
		registry_conf_done(ret);
	return e < 0 ? e : 0;
}
