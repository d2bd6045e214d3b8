/*
 * Numbers as text, read strictly: the whole string, no sign or blank that the form does not know, no
 * overflow. Each returns 0, -EINVAL (not of the form) or -ERANGE.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

int num_parse_u64(const char *s, unsigned base, uint64_t *ret);
int num_parse_i64(const char *s, int64_t *ret);
/* At most MAX. */
int num_parse_u32(const char *s, uint32_t max, uint32_t *ret);
/* Sizes as docker writes them: a number ("1.5") and b, k, m, g or t (powers of 1024), in either case, an optional "b" or "ib" behind. */
int num_parse_size(const char *s, uint64_t *ret_bytes);

/* "12.3MB" as docker prints sizes (powers of 1000, three significant digits); DST has room for 16. */
void num_format_size(uint64_t bytes, char dst[static 16]);
/* "12.34MiB" as docker prints memory (powers of 1024, four significant digits). */
void num_format_binary_size(uint64_t bytes, char dst[static 16]);
