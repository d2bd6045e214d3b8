#include "codec/tar_format.h"

#include <errno.h>
#include <inttypes.h>

void tar_checksum(const struct tar_header *h, uint32_t *ret_unsigned, int32_t *ret_signed)
{
	const uint8_t *p = (const uint8_t *)h;
	const size_t from = offsetof(struct tar_header, checksum), to = from + sizeof(h->checksum);
	uint32_t sum = 0, high = 0;

	for (size_t i = 0; i < TAR_BLOCK_SIZE; i++) {
		sum += p[i];
		high += p[i] >> 7;
	}
	for (size_t i = from; i < to; i++) {
		sum += (uint32_t)' ' - p[i];
		high -= p[i] >> 7;
	}
	*ret_unsigned = sum;
	*ret_signed = (int32_t)sum - 256 * (int32_t)high;
}

/* GNU's base-256: the first bit is set, the second is the sign, the rest is a big-endian number in two's complement. */
static int read_base256(const uint8_t *p, size_t len, int64_t *ret)
{
	bool negative = p[0] & 0x40;
	uint64_t n = negative ? UINT64_MAX : 0;

	for (size_t i = 0; i < len; i++) {
		uint8_t byte = i > 0 ? p[i] : negative ? p[0] | 0x80 : p[0] & 0x3f;

		/* What is shifted out, and the sign bit itself, must be copies of the sign. */
		if ((int64_t)n >> 55 != (negative ? -1 : 0))
			return -ERANGE;
		n = n << 8 | byte;
	}
	*ret = (int64_t)n;
	return 0;
}

int tar_read_field(const char *field, size_t len, int64_t *ret)
{
	size_t i = 0;
	uint64_t n = 0;

	if ((uint8_t)field[0] & 0x80)
		return read_base256((const uint8_t *)field, len, ret);
	while (i < len && field[i] == ' ')
		i++;
	for (; i < len && field[i] >= '0' && field[i] <= '7'; i++)
		n = n << 3 | (uint64_t)(field[i] - '0');
	for (; i < len; i++) {
		if (field[i] == '\0')
			break;
		if (field[i] != ' ')
			return -EINVAL;
	}
	*ret = (int64_t)n; /* 12 digits have 36 bits */
	return 0;
}

int tar_read_bounded(const char *field, size_t len, const char *what, int64_t max, int64_t *ret, struct err *err)
{
	int r = tar_read_field(field, len, ret);

	if (r == -EINVAL)
		return err_set(err, EBADMSG, "the %s in a header is no number", what);
	if (r < 0 || *ret > max)
		return err_set(err, EBADMSG, "the %s in a header is too large", what);
	if (*ret < 0)
		return err_set(err, EBADMSG, "the %s in a header is negative (%" PRId64 ")", what, *ret);
	return 0;
}

bool tar_checksum_is_right(const struct tar_header *h)
{
	int64_t stated;
	uint32_t sum;
	int32_t signed_sum;

	if (READ_FIELD(h, checksum, &stated) < 0)
		return false;
	tar_checksum(h, &sum, &signed_sum);
	return stated == (int64_t)sum || stated == (int64_t)signed_sum;
}

bool tar_is_header(const uint8_t *block)
{
	return block[0] != '\0' && tar_checksum_is_right((const struct tar_header *)block);
}
