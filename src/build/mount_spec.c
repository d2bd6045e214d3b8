#include "build/mount_spec.h"

#include "base/cleanup.h"
#include "base/num.h"

#include <errno.h>
#include <string.h>

void mount_spec_done(struct mount_spec *m)
{
	free(m->target);
	free(m->source);
	free(m->from);
	free(m->id);
	*m = (struct mount_spec){ 0 };
}

static int set_type(struct mount_spec *m, const char *value, struct err *err)
{
	static const char *const names[] = { "bind", "cache", "tmpfs", "secret", "ssh" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(value, names[i]) == 0) {
			m->type = (enum mount_type)i;
			return 0;
		}
	}
	return err_set(err, EBADMSG, "there is no type '%s' of mount: bind, cache, tmpfs, secret, ssh", value);
}

static int set_sharing(struct mount_spec *m, const char *value, struct err *err)
{
	static const char *const names[] = { "shared", "private", "locked" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(value, names[i]) == 0) {
			m->sharing = (enum mount_sharing)i;
			return 0;
		}
	}
	return err_set(err, EBADMSG, "sharing is shared, private or locked, not '%s'", value);
}

static int set_string(char **slot, const char *value, struct err *err)
{
	free(*slot);
	*slot = strdup(value);
	return *slot ? 0 : err_oom(err);
}

static int set_flag(bool *slot, const char *key, const char *value, bool when_true, struct err *err)
{
	if (value && strcmp(value, "true") != 0 && strcmp(value, "1") != 0 && strcmp(value, "false") != 0 &&
	    strcmp(value, "0") != 0)
		return err_set(err, EBADMSG, "%s is true or false, not '%s'", key, value);
	*slot = (!value || strcmp(value, "true") == 0 || strcmp(value, "1") == 0) == when_true;
	return 0;
}

static int set_number(uint32_t *slot, bool *has, const char *key, const char *value, unsigned base, struct err *err)
{
	uint64_t number;

	if (num_parse_u64(value, base, &number) < 0 || number > UINT32_MAX - 1 || (base == 8 && number > 07777))
		return err_set(err, EBADMSG, "%s is a number, not '%s'", key, value);
	*slot = (uint32_t)number;
	*has = true;
	return 0;
}

static bool is(const char *key, const char *name)
{
	return strcmp(key, name) == 0;
}

/* Keys that may stand alone: VALUE may be NULL. 1: not one of them. */
static int set_bare(struct mount_spec *m, const char *key, const char *value, struct err *err)
{
	if (is(key, "readonly") || is(key, "ro"))
		return set_flag(&m->read_only, key, value, true, err);
	if (is(key, "readwrite") || is(key, "rw"))
		return set_flag(&m->read_only, key, value, false, err);
	return 1;
}

static int set_valued(struct mount_spec *m, const char *key, const char *value, struct err *err)
{
	if (is(key, "type"))
		return set_type(m, value, err);
	if (is(key, "target") || is(key, "dst") || is(key, "destination"))
		return set_string(&m->target, value, err);
	if (is(key, "source") || is(key, "src"))
		return set_string(&m->source, value, err);
	if (is(key, "from"))
		return set_string(&m->from, value, err);
	if (is(key, "id"))
		return set_string(&m->id, value, err);
	if (is(key, "sharing"))
		return set_sharing(m, value, err);
	if (is(key, "uid"))
		return set_number(&m->uid, &m->has_owner, key, value, 10, err);
	if (is(key, "gid"))
		return set_number(&m->gid, &m->has_owner, key, value, 10, err);
	if (is(key, "mode"))
		return set_number(&m->mode, &m->has_mode, key, value, 8, err);
	if (is(key, "size"))
		return num_parse_size(value, &m->size) < 0
			       ? err_set(err, EBADMSG, "size is a number of bytes, not '%s'", value)
			       : 0;
	if ((is(key, "required") || is(key, "env")) && (m->type == MOUNT_SECRET || m->type == MOUNT_SSH))
		return 0;
	return err_set(err, EBADMSG, "there is no '%s' in a mount", key);
}

int mount_spec_parse(const char *text, struct mount_spec *ret, struct err *err)
{
	autofree char *copy = strdup(text);
	char *rest = copy, *word;
	int r = 0;

	if (!copy)
		return err_oom(err);
	/* docker's default; a bind mount is read-only unless it says rw. */
	ret->type = MOUNT_BIND;
	ret->read_only = strstr(text, "type=") == NULL || strstr(text, "type=bind") != NULL;
	while (r >= 0 && (word = strsep(&rest, ","))) {
		char *value = strchr(word, '=');

		if (value)
			*value++ = '\0';
		r = set_bare(ret, word, value, err);
		if (r == 1 && (!value || !*value))
			r = err_set(err, EBADMSG, "'%s' needs a value", word);
		if (r == 1)
			r = set_valued(ret, word, value, err);
	}
	if (r >= 0 && !ret->target && ret->type != MOUNT_SECRET && ret->type != MOUNT_SSH)
		r = err_set(err, EBADMSG, "a mount needs target=PATH");
	return r;
}
