#include "base/num.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 10;
	return 64;
}

/* Reads digits up to the first other character; *RET_END points there. */
static int parse_digits(const char *s, unsigned base, uint64_t *ret, const char **ret_end)
{
	uint64_t value = 0;
	const char *p = s;

	for (; (unsigned)digit_value(*p) < base; p++) {
		if (__builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, (uint64_t)digit_value(*p), &value))
			return -ERANGE;
	}
	if (p == s)
		return -EINVAL;
	*ret = value;
	*ret_end = p;
	return 0;
}

int num_parse_u64(const char *s, unsigned base, uint64_t *ret)
{
	const char *end;
	uint64_t value;
	int r = parse_digits(s, base, &value, &end);

	if (r < 0)
		return r;
	if (*end)
		return -EINVAL;
	*ret = value;
	return 0;
}

int num_parse_i64(const char *s, int64_t *ret)
{
	uint64_t value, limit = INT64_MAX;
	int negative = *s == '-';
	int r = num_parse_u64(s + negative, 10, &value);

	if (r < 0)
		return r;
	if (value > limit + (unsigned)negative)
		return -ERANGE;
	*ret = negative ? (int64_t)(0 - value) : (int64_t)value;
	return 0;
}

int num_parse_u32(const char *s, uint32_t max, uint32_t *ret)
{
	uint64_t value;
	int r = num_parse_u64(s, 10, &value);

	if (r < 0)
		return r;
	if (value > max)
		return -ERANGE;
	*ret = (uint32_t)value;
	return 0;
}

/* The digits behind a point, as billionths; *END points at the first other character afterwards. More than nine don't count. */
static int parse_fraction(const char **end, uint64_t *ret)
{
	uint64_t value = 0, unit = 100000000;
	const char *p = *end;

	for (; *p >= '0' && *p <= '9'; p++) {
		value += (uint64_t)(*p - '0') * unit;
		unit /= 10;
	}
	if (p == *end)
		return -EINVAL;
	*end = p;
	*ret = value;
	return 0;
}

int num_parse_size(const char *s, uint64_t *ret_bytes)
{
	static const char units[] = "bkmgtp";
	const char *end, *unit;
	uint64_t value, fraction = 0;
	int r = parse_digits(s, 10, &value, &end);

	if (r == 0 && *end == '.') {
		end++;
		r = parse_fraction(&end, &fraction);
	}
	if (r < 0)
		return r;
	if (*end) {
		char lower = (char)(*end | 0x20);

		unit = strchr(units, lower);
		if (!unit)
			return -EINVAL;
		end++;
		if (lower != 'b' && (strcasecmp(end, "b") == 0 || strcasecmp(end, "ib") == 0))
			end += strlen(end);
		if (*end)
			return -EINVAL;
		if (__builtin_mul_overflow(value, UINT64_C(1) << (10 * (unit - units)), &value))
			return -ERANGE;
		/* A thousandth of a GiB is no whole number of bytes either. */
		fraction =
			(uint64_t)((unsigned __int128)fraction * (UINT64_C(1) << (10 * (unit - units))) / 1000000000);
		if (__builtin_add_overflow(value, fraction, &value))
			return -ERANGE;
	}
	*ret_bytes = value;
	return 0;
}

void num_format_size(uint64_t bytes, char dst[static 16])
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 999.5 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1000;
		unit++;
	}
	if (unit == 0)
		snprintf(dst, 16, "%uB", (unsigned)bytes);
	else
		snprintf(dst, 16, "%.3g%s", value, units[unit]);
}

void num_format_binary_size(uint64_t bytes, char dst[static 16])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1024;
		unit++;
	}
	snprintf(dst, 16, "%.4g%s", value, units[unit]);
}
