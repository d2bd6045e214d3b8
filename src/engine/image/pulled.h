/*
 * What names led to in their registries when images were brought: cache/pulled/<hex of the name>,
 * "<digest in the registry> <digest of the manifest> <architecture>\n". A tag may lead to an index there, and to the manifest that
 * was chosen from it here; by this a pull of what hasn't changed is one request. It may be lost at any time.
 */
#pragma once

#include "codec/digest.h"
#include "store/store.h"

struct pulled {
	struct digest remote, manifest;
	char architecture[64];
};

/* 1: there; 0: not. */
int pulled_read(struct store *s, const char *name, struct pulled *ret);
int pulled_write(struct store *s, const char *name, const struct pulled *p);
