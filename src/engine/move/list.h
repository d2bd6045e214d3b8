/* `cloche manifest`: lists of images for several machines, put together here and pushed as a whole. */
#pragma once

#include "engine/move/copy.h"
#include "oci/json.h"

/* What is said of an entry instead of what its image says; NULL and empty: nothing. Borrowed. */
struct list_words {
	const char *os, *architecture, *variant, *os_version;
	const struct strv *os_features, *features, *annotations; /* "KEY=VALUE"; may be NULL */
};

/* A new, empty list; AMEND: one that is there is taken. -EEXIST. */
int engine_list_create(struct engine *e, const char *name, bool amend, struct err *err);
/*
 * Adds IMAGE: at a place (place.h), else of the store, else of its registry. Of a list there, the one for this machine, or with
 * ALL each. Images of registries stay there until the list is pushed. An entry with the same digest is replaced.
 */
int engine_list_add(struct engine *e, const char *name, const char *image, bool all, const struct list_words *words,
		    const struct remote_options *options, struct err *err);
/* ENTRY: a digest, or a name that leads to one of the entries. */
int engine_list_annotate(struct engine *e, const char *name, const char *entry, const struct list_words *words,
			 const struct remote_options *options, struct err *err);
int engine_list_remove_entry(struct engine *e, const char *name, const char *digest, struct err *err);
int engine_list_delete(struct engine *e, const char *name, struct err *err);
/* 1 or 0. */
int engine_list_exists(struct engine *e, const char *name, struct err *err);
/* The bytes of the list as they would be pushed, and their digest. */
int engine_list_document(struct engine *e, const char *name, struct document *ret, struct err *err);
/* All images, and then the list, to TO, which is taken over. */
int engine_list_push(struct engine *e, const char *name, struct place *to, const struct copy_options *options,
		     struct digest *ret, struct err *err);

/*
 * What NAME is without pulling it: a list of ours, or what a place or a registry has. With VERBOSE as docker's -v says it: an
 * object (or for a list an array of them) with Ref, Descriptor and the manifest. RET is owned by the caller.
 */
int engine_list_inspect(struct engine *e, const char *name, bool verbose, const struct remote_options *options,
			json_t **ret, struct err *err);
