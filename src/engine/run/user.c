#include "engine/run/user.h"

#include "base/cleanup.h"
#include "base/num.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

/* uid_t's last value means "no change" to the kernel. */
enum { FIELDS_MAX = 7 };
#define ID_MAX (UINT32_MAX - 1)

struct slice {
	const char *at;
	size_t len;
};

static bool slice_is(struct slice s, const char *text, size_t len)
{
	return s.len == len && memcmp(s.at, text, len) == 0;
}

static int slice_number(struct slice s, uint32_t *ret)
{
	char digits[16];

	if (s.len >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, s.at, s.len);
	digits[s.len] = '\0';
	return num_parse_u32(digits, ID_MAX, ret);
}

/* Splits the line at *TEXT at colons and moves on behind it; false at the end. Missing fields are empty. */
static bool next_line(const char **text, struct slice fields[static FIELDS_MAX])
{
	const char *line = *text, *end = line + strcspn(line, "\n");

	if (!*line)
		return false;
	*text = end + (*end == '\n');
	for (size_t i = 0; i < FIELDS_MAX; i++) {
		const char *colon = i + 1 < FIELDS_MAX ? memchr(line, ':', (size_t)(end - line)) : NULL;
		const char *stop = colon ? colon : end;

		fields[i] = (struct slice){ line, (size_t)(stop - line) };
		line = colon ? colon + 1 : end;
	}
	return true;
}

static bool list_has(struct slice list, struct slice name)
{
	const char *p = list.at, *end = list.at + list.len;

	while (p < end) {
		const char *comma = memchr(p, ',', (size_t)(end - p));
		const char *stop = comma ? comma : end;

		if (slice_is(name, p, (size_t)(stop - p)))
			return true;
		p = stop + 1;
	}
	return false;
}

static int add_group(struct run_user *u, uint32_t gid, struct err *err)
{
	struct run_ids *g = &u->groups;

	for (size_t i = 0; i < g->len; i++)
		if (g->items[i] == gid)
			return 0;
	if (g->len == RUN_GROUPS_MAX)
		return err_set(err, E2BIG, "more than %d groups", RUN_GROUPS_MAX);
	if (g->len == g->cap) {
		size_t cap = g->cap ? g->cap * 2 : 8;
		uint32_t *items = reallocarray(g->items, cap, sizeof(*items));

		if (!items)
			return err_oom(err);
		g->items = items;
		g->cap = cap;
	}
	g->items[g->len++] = gid;
	return 0;
}

/* Takes over what passwd says about the user WANTED (a name or a number); *RET_NAME is the name found there. */
static int find_user(struct run_user *u, struct slice wanted, const char *passwd, struct slice *ret_name,
		     struct err *err)
{
	struct slice f[FIELDS_MAX];
	uint32_t number = 0, uid, gid;
	bool is_number = slice_number(wanted, &number) == 0;

	while (next_line(&passwd, f)) {
		if (slice_number(f[2], &uid) < 0 || slice_number(f[3], &gid) < 0)
			continue;
		if (!slice_is(f[0], wanted.at, wanted.len) && !(is_number && uid == number))
			continue;
		u->uid = uid;
		u->gid = gid;
		*ret_name = f[0];
		if (f[5].len && f[5].len < PATH_MAX) {
			free(u->home);
			u->home = strndup(f[5].at, f[5].len);
		}
		return u->home ? 0 : err_oom(err);
	}
	if (!is_number) {
		err_set(err, EINVAL, "user '%.*s': the image's /etc/passwd does not have it", (int)wanted.len,
			wanted.at);
		return err_hint(err, "a number works without an entry");
	}
	u->uid = number;
	return 0;
}

static int find_group(struct slice wanted, const char *group, uint32_t *ret, struct err *err)
{
	struct slice f[FIELDS_MAX];
	uint32_t gid;

	while (next_line(&group, f)) {
		if (slice_is(f[0], wanted.at, wanted.len) && slice_number(f[2], &gid) == 0) {
			*ret = gid;
			return 0;
		}
	}
	if (slice_number(wanted, ret) == 0)
		return 0;
	err_set(err, EINVAL, "group '%.*s': the image's /etc/group does not have it", (int)wanted.len, wanted.at);
	return err_hint(err, "a number works without an entry");
}

static int add_listed_groups(struct run_user *u, struct slice name, const char *group, struct err *err)
{
	struct slice f[FIELDS_MAX];
	uint32_t gid;

	while (next_line(&group, f)) {
		int r;

		if (slice_number(f[2], &gid) < 0 || !list_has(f[3], name))
			continue;
		r = add_group(u, gid, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int resolve(struct run_user *u, const char *spec, const struct strv *add, const char *passwd, const char *group,
		   struct err *err)
{
	size_t user_len = strcspn(spec, ":");
	const char *group_word = spec[user_len] ? spec + user_len + 1 : "";
	struct slice wanted = user_len ? (struct slice){ spec, user_len } : (struct slice){ "0", 1 }, name = { "", 0 };
	int r = find_user(u, wanted, passwd, &name, err);

	if (r >= 0 && *group_word)
		r = find_group((struct slice){ group_word, strlen(group_word) }, group, &u->gid, err);
	else if (r >= 0 && name.len)
		r = add_listed_groups(u, name, group, err);
	for (size_t i = 0; r >= 0 && i < add->len; i++) {
		uint32_t gid;

		r = find_group((struct slice){ add->items[i], strlen(add->items[i]) }, group, &gid, err);
		if (r >= 0)
			r = add_group(u, gid, err);
	}
	return r;
}

int run_user_resolve(const char *spec, const struct strv *add, const char *passwd, const char *group,
		     struct run_user *ret, struct err *err)
{
	struct run_user u = { .home = strdup("/") };
	int r;

	if (!u.home)
		return err_oom(err);
	r = resolve(&u, spec ? spec : "", add, passwd, group, err);
	if (r < 0) {
		run_user_done(&u);
		return r;
	}
	*ret = u;
	return 0;
}

void run_user_done(struct run_user *u)
{
	free(u->groups.items);
	free(u->home);
	*u = (struct run_user){ 0 };
}

enum { NOBODY = 65534 };

static void count_id(uint32_t id, uint32_t *count)
{
	if (id >= *count && id < NOBODY)
		*count = id + 1;
}

static void count_field(struct slice field, uint32_t *count)
{
	uint32_t id;

	if (slice_number(field, &id) == 0)
		count_id(id, count);
}

uint32_t run_user_count_ids(const struct run_user *u, const char *passwd, const char *group)
{
	struct slice f[FIELDS_MAX];
	uint32_t count = 0;

	while (next_line(&passwd, f)) {
		count_field(f[2], &count);
		count_field(f[3], &count);
	}
	while (next_line(&group, f))
		count_field(f[2], &count);
	count_id(u->uid, &count);
	count_id(u->gid, &count);
	for (size_t i = 0; i < u->groups.len; i++)
		count_id(u->groups.items[i], &count);
	return count;
}

int run_user_apply(const struct run_user *u, struct oci_process *p, struct err *err)
{
	p->user.uid = u->uid;
	p->user.gid = u->gid;
	for (size_t i = 0; i < u->groups.len; i++)
		if (oci_ids_push(&p->user.additional_gids, u->groups.items[i]) < 0)
			return err_oom(err);
	return 0;
}
