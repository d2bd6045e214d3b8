/*
 * Content digests (image-spec, descriptor.md "Digests"). Only sha256 is spoken; another registered
 * algorithm is refused by its name.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DIGEST_SIZE = 32, DIGEST_HEX_MAX = 65, DIGEST_STR_MAX = 72 };

struct digest {
	uint8_t bytes[DIGEST_SIZE];
};

/* "sha256:<64 lower-case hex digits>"; -EBADMSG otherwise. */
int digest_parse(const char *s, struct digest *ret, struct err *err);
/* Just the 64 hex digits. */
int digest_parse_hex(const char *hex, struct digest *ret, struct err *err);
void digest_format(const struct digest *d, char dst[static DIGEST_STR_MAX]);
void digest_format_hex(const struct digest *d, char dst[static DIGEST_HEX_MAX]);
bool digest_equal(const struct digest *a, const struct digest *b);
/* The digest of LEN bytes that are in memory: for manifests and configs, not for layers (libmd; SHA instructions are not used). */
void digest_of(const void *data, size_t len, struct digest *ret);
