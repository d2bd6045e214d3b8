/* The plain functions are marked deprecated in favour of EVP; sha256.h says why they are used. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "layer/sha256.h"

void sha256_init(struct sha256 *s)
{
	SHA256_Init(&s->ctx);
}

void sha256_add(struct sha256 *s, const void *data, size_t len)
{
	if (len > 0)
		SHA256_Update(&s->ctx, data, len);
}

void sha256_end(struct sha256 *s, struct digest *ret)
{
	SHA256_Final(ret->bytes, &s->ctx);
}
