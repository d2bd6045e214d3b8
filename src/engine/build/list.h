/* The sources of COPY --from, as root of the image sees them: folders are named, what is in them is the helper's to walk. */
#pragma once

#include "base/err.h"
#include "base/vec.h"
#include "build/sources.h"
#include "sys/idmap.h"

/*
 * Adds what WORDS name in the root FD. With a range of ids a child in a user namespace looks, since folders of other
 * users are closed to us. -ENOENT.
 */
int build_list_roots(const struct idmap *ids, int fd, const struct strv *words, struct sources *ret, struct err *err);
