/*
 * Digests of what a step depends on. Fields are added with their lengths, so that no two different lists of
 * fields give the same digest.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"
#include "codec/digest.h"

struct key {
	struct buf text;
};
#define KEY_INIT ((struct key){ BUF_INIT(512 * 1024 * 1024) })

void key_done(struct key *k);
void key_add(struct key *k, const void *data, size_t len);
/* NULL and "" differ. */
void key_add_str(struct key *k, const char *s);
void key_add_strv(struct key *k, const struct strv *v);
void key_add_digest(struct key *k, const struct digest *d);
/* -ENOMEM, -E2BIG: what was wrong with one of the above. */
int key_finish(const struct key *k, struct digest *ret, struct err *err);
