/* The part "asked" of state.json: words of the command line that nothing else keeps, for `inspect`. */
#include "engine/container/record_impl.h"

#include <stddef.h>

#define FIELD(name) offsetof(struct container_asked, name)

struct asked_field {
	const char *key;
	size_t offset;
};

static const struct asked_field lists[] = {
	{ "capAdd", FIELD(cap_add) }, { "capDrop", FIELD(cap_drop) }, { "securityOpt", FIELD(security) },
	{ "groups", FIELD(groups) },  { "devices", FIELD(devices) },  { "volumesFrom", FIELD(volumes_from) },
};
static const struct asked_field words[] = {
	{ "pid", FIELD(pid) },	     { "ipc", FIELD(ipc) },	      { "uts", FIELD(uts) },
	{ "userns", FIELD(userns) }, { "cgroupns", FIELD(cgroupns) },
};

static void *at(const struct container_record *r, size_t offset)
{
	return (char *)(uintptr_t)&r->asked + offset;
}

int record_write_asked(const struct container_record *r, json_t *o)
{
	int bad = 0;

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		bad |= json_add_strings(o, lists[i].key, at(r, lists[i].offset), false);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		bad |= json_add_string(o, words[i].key, *(char *const *)at(r, words[i].offset));
	if (r->asked.privileged)
		bad |= json_add_bool(o, "privileged", true);
	return bad;
}

int record_read_asked(const struct json_at *from, struct container_record *r, struct err *err)
{
	int result = json_get_bool(from, "privileged", &r->asked.privileged, err);

	for (size_t i = 0; result >= 0 && i < ARRAY_SIZE(lists); i++)
		result = json_get_strings(from, lists[i].key, at(r, lists[i].offset), err);
	for (size_t i = 0; result >= 0 && i < ARRAY_SIZE(words); i++)
		result = json_get_string(from, words[i].key, at(r, words[i].offset), err);
	return result;
}

void record_asked_free(struct container_record *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		strv_done(at(r, lists[i].offset));
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		free(*(char **)at(r, words[i].offset));
}
