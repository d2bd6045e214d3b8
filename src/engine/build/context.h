/*
 * Where a build takes its files from: a folder, an archive (a file or stdin, compressed or not) that is unpacked
 * into tmp/ first, or nothing but a Dockerfile on stdin. And the Dockerfile and .dockerignore that go with it.
 */
#pragma once

#include "base/err.h"
#include "codec/dockerfile.h"
#include "codec/dockerignore.h"
#include "store/store.h"
#include "sys/idmap.h"

#include <stdbool.h>

struct build_context {
	int fd; /* the folder; -1: there is none */
	struct dockerignore ignore;
	struct store_tmp tmp; /* holds an unpacked archive */
};
#define BUILD_CONTEXT_INIT ((struct build_context){ .fd = -1, .tmp = STORE_TMP_INIT })

/*
 * Opens CONTEXT ("-": stdin) and reads the Dockerfile that FILE names (NULL: the context's; "-": stdin) into DF. RET
 * and DF (initialised) are to be released also on failure.
 */
int build_context_open(struct store *s, const struct idmap *ids, const char *context, const char *file,
		       struct build_context *ret, struct dockerfile *df, struct err *err);
void build_context_done(struct build_context *c);

/* What the first LEN bytes of a file say: a tar, compressed or not. */
bool build_looks_like_archive(const void *data, size_t len);
