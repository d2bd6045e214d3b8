/* What a registry has, and taking away from there. Nothing of the store is touched. */
#pragma once

#include "base/vec.h"
#include "engine/image/remote.h"

#include <jansson.h>

enum {
	REMOTE_SEARCH_MAX = 100, /* what docker's registry gives at once */
	/* So many tags are asked for their manifests before one is taken away together with its manifest. */
	REMOTE_TAGS_COMPARED_MAX = 500,
};

/*
 * The tags of the repository that IMAGE names, in the registry's order; NAME: the repository as people write it. With DIGESTS, that
 * of each tag's manifest stands behind it: tag, digest, tag, digest.
 */
int remote_list_tags(const struct remote_options *options, const char *image, bool digests, struct strv *ret,
		     char name[static REFERENCE_MAX], struct err *err);

/*
 * Takes the tag IMAGE away; named by a digest: the manifest with all its tags. Registries that can only do the latter (docker's own)
 * lose a tag together with its manifest: -EBUSY if another tag has that as well, unless FORCE.
 */
int remote_remove(const struct remote_options *options, const char *image, bool force, struct err *err);

/*
 * At most LIMIT repositories of HOST that have to do with TERM: objects with Name, Description, StarCount and IsOfficial, all
 * text without control characters. -EOPNOTSUPP where the registry has no search.
 */
int remote_search(const struct remote_options *options, const char *host, const char *term, unsigned limit,
		  json_t **ret, struct err *err);
