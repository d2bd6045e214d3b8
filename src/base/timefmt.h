/* Times as text: RFC 3339 as the OCI specs use it, and durations as docker prints them. */
#pragma once

#include "base/err.h"

#include <stdint.h>
#include <time.h>

enum { TIME_RFC3339_MAX = 40 };

/* "2026-11-22T15:04:05.123456789Z", the fraction without trailing zeros and left out if it is 0; in UTC. */
void time_format_rfc3339(struct timespec t, char dst[static TIME_RFC3339_MAX]);
/* Any offset, any number of digits in the fraction (nine count). 0 or -EINVAL. */
int time_parse_rfc3339(const char *s, struct timespec *ret);
/* "4 minutes", "About an hour", "2 weeks": docker's units.HumanDuration. DST has room for 32. */
void time_format_human(int64_t seconds, char dst[static 32]);
/* Go's form of a duration: "1h30m", "1.5s", "100ms", "0". 0; -EINVAL: not of the form, or no unit; -ERANGE. */
int time_parse_duration(const char *s, int64_t *ret_ns);
/* Monotonic clock. */
uint64_t time_now_us(void);

/*
 * A time as docker takes it for --since and --until: RFC 3339 with or without a zone or a time, seconds since 1970, or a duration
 * (then so long before NOW). -EINVAL.
 */
int time_parse_when(const char *word, struct timespec now, struct timespec *ret, struct err *err);
