/*
 * What steps made before, by content.
 *
 *     cache/steps/<hex of key>     "<time> layer <blob digest> <size> <diff id>\n", or "<time> empty\n"
 *     cache/roots/<hex of key>     keeps blob and layer from the collector (store/gc.h)
 *     cache/sources/<hex>          signature of a COPY's files -> digest of their content
 *
 * Each file is written aside and renamed. Anything else that is found in one, or an entry whose blob is gone, is
 * a miss.
 */
#pragma once

#include "base/err.h"
#include "codec/digest.h"
#include "engine/build/layers.h"
#include "store/store.h"

/* 1: found, RET is filled in (has_layer, blob, diff_id, size); 0: not; or an error. */
int build_cache_find(struct store *s, const struct digest *key, struct build_entry *ret, struct err *err);
int build_cache_put(struct store *s, const struct build_entry *entry, struct err *err);

/* How long an entry that nothing asks for is kept by itself. */
enum { BUILD_CACHE_DAYS = 30 };

/*
 * Removes what nothing has asked for in the last DAYS days (0: all), caches of RUN --mount included unless they are in
 * use. The blobs and layers are then the collector's. Returns how many entries went. Never fails: what stays is met again.
 */
uint64_t build_cache_prune(struct store *s, unsigned days);
/* The same with BUILD_CACHE_DAYS, if that was not done today. 1 if anything went. */
int build_cache_prune_daily(struct store *s);

/* The content's digest for a signature. 1 or 0. */
int build_cache_find_sources(struct store *s, const struct digest *signature, struct digest *ret);
/* Failing is no error: it is looked at again next time. */
void build_cache_put_sources(struct store *s, const struct digest *signature, const struct digest *content);
