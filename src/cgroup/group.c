#include "cgroup/group.h"

#include "base/num.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>

static void dir_done(struct cgroup_dir *d)
{
	free(d->controllers);
	free(d->path);
	free(d->top);
}

void cgroup_done(struct cgroup *g)
{
	for (size_t i = 0; i < g->dirs.len; i++)
		dir_done(&g->dirs.items[i]);
	free(g->dirs.items);
	free(g->scope);
	free(g->slice);
	free(g->scope_controllers);
	*g = (struct cgroup){ 0 };
}

const struct cgroup_dir *cgroup_unified(const struct cgroup *g)
{
	for (size_t i = 0; i < g->dirs.len; i++)
		if (g->dirs.items[i].version == 2)
			return &g->dirs.items[i];
	return NULL;
}

const struct cgroup_dir *cgroup_with(const struct cgroup *g, const char *controller)
{
	for (size_t i = 0; i < g->dirs.len; i++)
		if (cgroup_list_has(g->dirs.items[i].controllers, controller))
			return &g->dirs.items[i];
	return NULL;
}

/* --- as text --- */

int cgroup_record(const struct cgroup *g, struct buf *text)
{
	for (size_t i = 0; i < g->dirs.len; i++) {
		const struct cgroup_dir *d = &g->dirs.items[i];

		if (strchr(d->path, '\n'))
			return -EBADMSG;
		buf_addf(text, "%d ", d->version);
		for (const char *c = d->controllers; *c; c++)
			buf_add_char(text, *c == ' ' ? ',' : *c);
		buf_addf(text, " %s\n", d->path);
	}
	if (g->scope)
		buf_addf(text, "scope %s\n", g->scope);
	return text->error;
}

/* Everything below is removed later: nothing but folders of control groups may be named. */
static bool is_clean_path(const char *path)
{
	autofree char *clean = path_clean(path);

	return clean && path[0] == '/' && path[1] && strcmp(clean, path) == 0;
}

static int parse_dir(int version, char *rest, struct cgroup *g)
{
	char *controllers = strsep(&rest, " ");
	struct cgroup_dir d = { .version = version };

	if (!rest || !is_clean_path(rest) || (version == 2 && cgroup_unified(g)))
		return -EBADMSG;
	d.controllers = strdup(controllers);
	d.path = strdup(rest);
	if (d.controllers && d.path && cgroup_dirs_push(&g->dirs, d) == 0)
		return 0;
	dir_done(&d);
	return -ENOMEM;
}

static int parse_line(char *line, struct cgroup *g)
{
	char *kind = strsep(&line, " ");

	if (!line)
		return *kind ? -EBADMSG : 0;
	if (strcmp(kind, "1") == 0 || strcmp(kind, "2") == 0)
		return g->dirs.len < CGROUP_TREES_MAX ? parse_dir(kind[0] - '0', line, g) : -EBADMSG;
	if (strcmp(kind, "scope") != 0 || g->scope)
		return -EBADMSG;
	g->scope = strdup(line);
	g->scope_made = true;
	return g->scope ? 0 : -ENOMEM;
}

int cgroup_parse_record(const char *text, struct cgroup *ret)
{
	autocgroup struct cgroup g = { 0 };
	autofree char *copy = strdup(text);
	char *rest = copy, *line;
	int r = copy ? 0 : -ENOMEM;

	while (r == 0 && rest && (line = strsep(&rest, "\n")))
		r = parse_line(line, &g);
	if (r < 0)
		return r;
	*ret = g;
	g = (struct cgroup){ 0 };
	return 0;
}
