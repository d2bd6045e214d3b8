/* SHA-256 of streams, with the processor's instructions where it has them. */
#pragma once

#include "codec/digest.h"

#include <openssl/sha.h>

/*
 * OpenSSL's plain functions rather than its EVP layer: the same code, and none of EVP's set-up (providers,
 * a configuration file), which would cost more than the digest of a small layer, and which a confined
 * process could not read.
 */
struct sha256 {
	SHA256_CTX ctx;
};

void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *data, size_t len);
void sha256_end(struct sha256 *s, struct digest *ret);
