#include "codec/digest.h"

#include <errno.h>
#include <sha2.h>
#include <string.h>

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int digest_parse_hex(const char *hex, struct digest *ret, struct err *err)
{
	struct digest d;

	if (strlen(hex) != 2 * DIGEST_SIZE)
		return err_set(err, EBADMSG, "digest '%.80s': expected %d hex digits", hex, 2 * DIGEST_SIZE);
	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		int high = hex_value(hex[2 * i]), low = hex_value(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return err_set(err, EBADMSG, "digest '%.80s': expected lower-case hex digits", hex);
		d.bytes[i] = (uint8_t)(high << 4 | low);
	}
	*ret = d;
	return 0;
}

int digest_parse(const char *s, struct digest *ret, struct err *err)
{
	if (strncmp(s, "sha256:", 7) == 0)
		return digest_parse_hex(s + 7, ret, err);
	if (strncmp(s, "sha512:", 7) == 0)
		return err_set(err, EBADMSG, "digest '%.20s…': sha512 is not supported, only sha256", s);
	return err_set(err, EBADMSG, "digest '%.80s': expected sha256:<hex>", s);
}

void digest_format_hex(const struct digest *d, char dst[static DIGEST_HEX_MAX])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		dst[2 * i] = digits[d->bytes[i] >> 4];
		dst[2 * i + 1] = digits[d->bytes[i] & 15];
	}
	dst[DIGEST_HEX_MAX - 1] = '\0';
}

void digest_format(const struct digest *d, char dst[static DIGEST_STR_MAX])
{
	memcpy(dst, "sha256:", 7);
	digest_format_hex(d, dst + 7);
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return memcmp(a->bytes, b->bytes, DIGEST_SIZE) == 0;
}

void digest_of(const void *data, size_t len, struct digest *ret)
{
	SHA2_CTX ctx;

	SHA256Init(&ctx);
	SHA256Update(&ctx, data, len);
	SHA256Final(ret->bytes, &ctx);
}
