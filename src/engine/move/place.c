#include "engine/move/place.h"

#include "base/num.h"
#include "base/str.h"
#include "base/vec.h"

#include <errno.h>
#include <string.h>

static const char *const prefixes[] = {
	[PLACE_DOCKER] = "docker://",
	[PLACE_OCI] = "oci:",
	[PLACE_OCI_ARCHIVE] = "oci-archive:",
	[PLACE_DOCKER_ARCHIVE] = "docker-archive:",
	[PLACE_DIR] = "dir:",
	[PLACE_STORE] = "store:",
};

/* What skopeo has besides, and what brings an image from there. */
static const struct {
	const char *prefix, *remedy;
} foreign[] = {
	{ "containers-storage:", "'podman save --format oci-archive' writes what oci-archive: reads" },
	{ "docker-daemon:", "'docker save' writes what docker-archive: reads" },
	{ "ostree:", "skopeo can copy it to oci:" },
	{ "sif:", "skopeo can copy it to oci:" },
	{ "tarball:", "'cloche import' makes an image of the files of a root file system" },
};

void place_done(struct place *p)
{
	free(p->path);
	free(p->name);
	*p = (struct place){ .index = -1 };
}

const char *place_prefix(enum place_kind kind)
{
	return prefixes[kind];
}

bool place_needs_store(enum place_kind kind, bool as_dest)
{
	return kind == PLACE_STORE || kind == PLACE_DOCKER_ARCHIVE || (kind == PLACE_OCI_ARCHIVE && !as_dest);
}

bool place_is_one(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (str_starts_with(text, prefixes[i]))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++)
		if (str_starts_with(text, foreign[i].prefix))
			return true;
	return false;
}

static int unknown(const char *text, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++)
		if (str_starts_with(text, foreign[i].prefix)) {
			err_set(err, EOPNOTSUPP, "'%.200s': %s can't be used here", text, foreign[i].prefix);
			return err_hint(err, "%s", foreign[i].remedy);
		}
	err_set(err, EINVAL, "'%.200s' doesn't say where the image is", text);
	return err_hint(
		err, "begin with docker://, oci:, oci-archive:, docker-archive:, dir: or store:, as in docker://%.100s",
		text);
}

/* Behind the path and a colon: "@N", or a name. */
static int parse_inside(const char *text, struct place *p, struct err *err)
{
	uint32_t index;

	if (text[0] != '@') {
		p->name = strdup(text);
		return p->name ? 0 : err_oom(err);
	}
	if (p->kind != PLACE_DOCKER_ARCHIVE)
		return err_set(err, EINVAL, "only docker-archive: counts its images");
	if (num_parse_u32(text + 1, PLACE_INDEX_MAX, &index) < 0)
		return err_set(err, EINVAL, "'%.40s': a number from 0 to %d is which image", text, PLACE_INDEX_MAX);
	p->index = (int)index;
	return 0;
}

static int parse_path(const char *text, struct place *p, struct err *err)
{
	const char *colon = p->kind == PLACE_DIR ? NULL : strchr(text, ':');

	p->path = colon ? strndup(text, (size_t)(colon - text)) : strdup(text);
	if (!p->path)
		return err_oom(err);
	if (!p->path[0])
		return err_set(err, EINVAL, "no path stands behind '%s'", prefixes[p->kind]);
	return colon && colon[1] ? parse_inside(colon + 1, p, err) : 0;
}

static int parse(const char *text, struct place *p, struct err *err)
{
	const char *rest = NULL;

	if (strlen(text) > PLACE_NAME_MAX)
		return err_set(err, E2BIG, "'%.60s…' is longer than %d bytes", text, PLACE_NAME_MAX);
	for (size_t i = 0; !rest && i < ARRAY_SIZE(prefixes); i++) {
		rest = str_skip_prefix(text, prefixes[i]);
		p->kind = (enum place_kind)i;
	}
	if (!rest)
		return unknown(text, err);
	if (p->kind != PLACE_DOCKER && p->kind != PLACE_STORE)
		return parse_path(rest, p, err);
	if (!*rest)
		return err_set(err, EINVAL, "no name stands behind '%s'", prefixes[p->kind]);
	p->name = strdup(rest);
	return p->name ? 0 : err_oom(err);
}

int place_parse(const char *text, struct place *ret, struct err *err)
{
	struct place p = { .index = -1 };
	int r = parse(text, &p, err);

	if (r < 0)
		place_done(&p);
	else
		*ret = p;
	return r;
}
