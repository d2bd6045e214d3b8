/* The part "mounts" of state.json. */
#include "engine/container/record_impl.h"

#include <errno.h>

enum { MOUNTS_MAX = 4096 };

void record_mount_done(struct record_mount *m)
{
	char *owned[] = { m->type, m->name, m->source, m->target, m->mode, m->propagation };

	for (size_t i = 0; i < ARRAY_SIZE(owned); i++)
		free(owned[i]);
	*m = (struct record_mount){ 0 };
}

void record_mounts_free(struct container_record *r)
{
	for (size_t i = 0; i < r->mounts.len; i++)
		record_mount_done(&r->mounts.items[i]);
	free(r->mounts.items);
	r->mounts = (struct record_mounts){ 0 };
}

static json_t *write_one(const struct record_mount *m)
{
	autojson json_t *o = json_object();
	int bad = !o;

	bad |= json_add_string(o, "type", m->type);
	bad |= json_add_string(o, "name", m->name);
	bad |= json_add_string(o, "source", m->source);
	bad |= json_add_string(o, "target", m->target);
	bad |= json_add_string(o, "mode", m->mode);
	bad |= json_add_string(o, "propagation", m->propagation);
	if (m->read_only)
		bad |= json_add_bool(o, "readOnly", true);
	if (m->anonymous)
		bad |= json_add_bool(o, "anonymous", true);
	return bad ? NULL : TAKE_PTR(o);
}

int record_write_mounts(const struct container_record *r, json_t *o)
{
	autojson json_t *items = json_array();

	if (r->mounts.len == 0)
		return 0;
	for (size_t i = 0; i < r->mounts.len; i++)
		if (!items || json_array_append_new(items, write_one(&r->mounts.items[i])) < 0)
			return -ENOMEM;
	return json_object_set(o, "items", items) < 0 ? -ENOMEM : 0;
}

static int read_one(const struct json_at *at, struct record_mount *m, struct err *err)
{
	struct {
		const char *key;
		char **to;
	} strings[] = {
		{ "name", &m->name },
		{ "source", &m->source },
		{ "mode", &m->mode },
		{ "propagation", &m->propagation },
	};
	int r = json_need_string(at, "type", &m->type, err);

	if (r >= 0)
		r = json_need_string(at, "target", &m->target, err);
	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(strings); i++)
		r = json_get_string(at, strings[i].key, strings[i].to, err);
	if (r >= 0)
		r = json_get_bool(at, "readOnly", &m->read_only, err);
	return r < 0 ? r : json_get_bool(at, "anonymous", &m->anonymous, err);
}

int record_read_mounts(const struct json_at *at, struct container_record *r, struct err *err)
{
	struct json_at items;
	int result = json_get(at, "items", JSON_WANT_ARRAY, &items, err);
	size_t len = result > 0 ? json_array_size(items.value) : 0;

	if (len > MOUNTS_MAX)
		return json_err(&items, err, E2BIG, "more than %d mounts", MOUNTS_MAX);
	for (size_t i = 0; result >= 0 && i < len; i++) {
		CLEANUP(record_mount_done) struct record_mount m = { 0 };
		struct json_at one;

		result = json_element(&items, i, JSON_WANT_OBJECT, &one, err);
		if (result >= 0)
			result = read_one(&one, &m, err);
		if (result >= 0 && record_mounts_push(&r->mounts, m) < 0)
			result = err_oom(err);
		else if (result >= 0)
			m = (struct record_mount){ 0 };
	}
	return result < 0 ? result : 0;
}
