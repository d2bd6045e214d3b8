#include "base/timefmt.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/*
 * As gmtime_r, which reads /etc/localtime though it does not need it: half a dozen system calls at each start. The
 * calendar is counted from 1 March, so that the leap day is a year's last, and from 400 years before year 0, so that
 * nothing is negative. Years 0 to 9999.
 */
static void gm_time(int64_t seconds, struct tm *ret)
{
	int64_t days = seconds / 86400, rest = seconds % 86400, era, day, year, month;

	if (rest < 0) {
		rest += 86400;
		days--;
	}
	days += 719468 + 146097; /* from 1 March of year -400 to 1970-01-01 */
	era = days / 146097;
	day = days % 146097;
	year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	day -= 365 * year + year / 4 - year / 100;
	month = (5 * day + 2) / 153;
	*ret = (struct tm){ .tm_mday = (int)(day - (153 * month + 2) / 5 + 1),
			    .tm_mon = (int)(month < 10 ? month + 2 : month - 10),
			    .tm_year = (int)(year + (era - 1) * 400 + (month >= 10) - 1900),
			    .tm_hour = (int)(rest / 3600),
			    .tm_min = (int)(rest / 60 % 60),
			    .tm_sec = (int)(rest % 60) };
}

void time_format_rfc3339(struct timespec t, char dst[static TIME_RFC3339_MAX])
{
	struct tm tm;
	size_t len;

	gm_time(t.tv_sec, &tm);
	len = (size_t)snprintf(dst, TIME_RFC3339_MAX, "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1,
			       tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	if (t.tv_nsec) {
		len += (size_t)snprintf(dst + len, TIME_RFC3339_MAX - len, ".%09ld", t.tv_nsec);
		while (dst[len - 1] == '0')
			len--;
	}
	dst[len] = 'Z';
	dst[len + 1] = '\0';
}

/* Exactly COUNT digits; -1 if they aren't there. Moves *P behind them. */
static int take_digits(const char **p, int count)
{
	int value = 0;

	for (int i = 0; i < count; i++, (*p)++) {
		if (**p < '0' || **p > '9')
			return -1;
		value = value * 10 + (**p - '0');
	}
	return value;
}

/* ".123" -> nanoseconds; moves *P behind it. -1: a point without digits. */
static long take_fraction(const char **p)
{
	long ns = 0, unit = 100000000;

	if (**p != '.')
		return 0;
	(*p)++;
	if (**p < '0' || **p > '9')
		return -1;
	for (; **p >= '0' && **p <= '9'; (*p)++) {
		ns += (**p - '0') * unit;
		unit /= 10;
	}
	return ns;
}

/* Two-digit fields of date and time, each with what stands before it and its range. */
static int take_fields(const char **p, struct tm *tm)
{
	const struct {
		int *field;
		char before;
		int min, max;
	} fields[] = {
		{ &tm->tm_mon, '-', 1, 12 }, { &tm->tm_mday, '-', 1, 31 }, { &tm->tm_hour, 'T', 0, 23 },
		{ &tm->tm_min, ':', 0, 59 }, { &tm->tm_sec, ':', 0, 60 },
	};

	tm->tm_year = take_digits(p, 4) - 1900;
	if (tm->tm_year < -1900)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		char c = *(*p)++;

		if (c != fields[i].before && !(fields[i].before == 'T' && c == 't'))
			return -EINVAL;
		*fields[i].field = take_digits(p, 2);
		if (*fields[i].field < fields[i].min || *fields[i].field > fields[i].max)
			return -EINVAL;
	}
	tm->tm_mon--;
	return 0;
}

/* "Z", "+02:00": seconds to take away. */
static int take_offset(const char **p, int *ret_seconds)
{
	int sign, hours, minutes;

	if (**p == 'Z' || **p == 'z') {
		(*p)++;
		*ret_seconds = 0;
		return 0;
	}
	if (**p != '+' && **p != '-')
		return -EINVAL;
	sign = *(*p)++ == '-' ? -1 : 1;
	hours = take_digits(p, 2);
	if (hours < 0 || hours > 23 || *(*p)++ != ':')
		return -EINVAL;
	minutes = take_digits(p, 2);
	if (minutes < 0 || minutes > 59)
		return -EINVAL;
	*ret_seconds = sign * (hours * 3600 + minutes * 60);
	return 0;
}

int time_parse_rfc3339(const char *s, struct timespec *ret)
{
	/* 0000-01-01T00:00:00Z and 9999-12-31T23:59:59Z: what four digits can say, also after the offset. */
	static const int64_t first = -62167219200, last = 253402300799;
	struct tm tm = { 0 };
	int64_t seconds;
	int offset;
	long ns;

	if (take_fields(&s, &tm) < 0)
		return -EINVAL;
	ns = take_fraction(&s);
	if (ns < 0 || take_offset(&s, &offset) < 0 || *s)
		return -EINVAL;
	seconds = timegm(&tm) - offset;
	if (seconds < first || seconds > last)
		return -EINVAL;
	*ret = (struct timespec){ seconds, ns };
	return 0;
}

void time_format_human(int64_t seconds, char dst[static 32])
{
	int64_t minutes = seconds / 60, hours = (seconds + 1800) / 3600;

	if (seconds < 1)
		snprintf(dst, 32, "Less than a second");
	else if (seconds == 1)
		snprintf(dst, 32, "1 second");
	else if (seconds < 60)
		snprintf(dst, 32, "%d seconds", (int)seconds);
	else if (minutes == 1)
		snprintf(dst, 32, "About a minute");
	else if (minutes < 60)
		snprintf(dst, 32, "%d minutes", (int)minutes);
	else if (hours == 1)
		snprintf(dst, 32, "About an hour");
	else if (hours < 48)
		snprintf(dst, 32, "%d hours", (int)hours);
	else if (hours < 24 * 14)
		snprintf(dst, 32, "%d days", (int)(hours / 24));
	else if (hours < 24 * 60)
		snprintf(dst, 32, "%d weeks", (int)(hours / 24 / 7));
	else if (hours < 24 * 365 * 2)
		snprintf(dst, 32, "%d months", (int)(hours / 24 / 30));
	else
		snprintf(dst, 32, "%lld years", (long long)(hours / 24 / 365));
}

uint64_t time_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* The factor of the unit at *P, which moves behind it; 0: none. */
static int64_t take_unit(const char **p)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = {
		{ "ns", 1 },	     { "us", 1000 },	   { "\xc2\xb5s", 1000 },  { "ms", 1000000 },
		{ "s", 1000000000 }, { "m", 60000000000 }, { "h", 3600000000000 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		const char *rest = str_skip_prefix(*p, units[i].name);

		if (rest) {
			*p = rest;
			return units[i].ns;
		}
	}
	return 0;
}

int time_parse_duration(const char *s, int64_t *ret_ns)
{
	int64_t total = 0;

	if (strcmp(s, "0") == 0) {
		*ret_ns = 0;
		return 0;
	}
	if (!*s)
		return -EINVAL;
	while (*s) {
		int64_t whole = 0, fraction = 0, scale = 1, unit, part;
		const char *start = s;

		for (; *s >= '0' && *s <= '9'; s++)
			if (__builtin_mul_overflow(whole, 10, &whole) ||
			    __builtin_add_overflow(whole, *s - '0', &whole))
				return -ERANGE;
		if (*s == '.') {
			for (s++; *s >= '0' && *s <= '9'; s++) {
				if (scale >= 1000000000)
					continue;
				fraction = fraction * 10 + (*s - '0');
				scale *= 10;
			}
		}
		if (s == start || (s == start + 1 && *start == '.'))
			return -EINVAL;
		unit = take_unit(&s);
		if (unit == 0)
			return -EINVAL;
		if (__builtin_mul_overflow(whole, unit, &part) || __builtin_add_overflow(total, part, &total) ||
		    __builtin_add_overflow(total, (int64_t)((__int128)fraction * unit / scale), &total))
			return -ERANGE;
	}
	*ret_ns = total;
	return 0;
}

/* --- as people say when --- */

/* "2026-11-24", "2026-11-24T07:15", "…:30", with what is missing: the zone is UTC, as that of what is printed. */
static int parse_date(const char *word, struct timespec *ret)
{
	static const char *const ends[] = { "", "Z", ":00Z", "T00:00:00Z" };

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		autofree char *whole = str_format("%s%s", word, ends[i]);

		if (!whole)
			return -ENOMEM;
		if (time_parse_rfc3339(whole, ret) == 0)
			return 0;
	}
	return -EINVAL;
}

/* "1461943101" or "1461943101.123456789". */
static int parse_seconds(const char *word, struct timespec *ret)
{
	char digits[32];
	const char *dot = strchr(word, '.');
	size_t len = dot ? (size_t)(dot - word) : strlen(word), places = dot ? strlen(dot + 1) : 0;
	int64_t seconds;
	uint64_t fraction = 0;

	if (len == 0 || len >= sizeof(digits) || places > 9)
		return -EINVAL;
	memcpy(digits, word, len);
	digits[len] = '\0';
	if (num_parse_i64(digits, &seconds) < 0 || seconds < 0 || seconds > INT64_MAX / 2000000000)
		return -EINVAL;
	if (dot && num_parse_u64(dot + 1, 10, &fraction) < 0)
		return -EINVAL;
	while (places++ < 9 && dot)
		fraction *= 10;
	*ret = (struct timespec){ .tv_sec = seconds, .tv_nsec = (long)fraction };
	return 0;
}

int time_parse_when(const char *word, struct timespec now, struct timespec *ret, struct err *err)
{
	int64_t ago, at;

	if (strlen(word) < 64) {
		if (parse_seconds(word, ret) == 0 || parse_date(word, ret) == 0)
			return 0;
		if (time_parse_duration(word, &ago) == 0) {
			at = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec - ago;
			if (at < 0)
				at = 0;
			*ret = (struct timespec){ .tv_sec = at / 1000000000, .tv_nsec = at % 1000000000 };
			return 0;
		}
	}
	err_set(err, EINVAL, "'%s' is not a time", word);
	return err_hint(err, "as in 2026-11-24T07:15:00Z, 1461943101 (seconds since 1970), or 10m (so long ago)");
}
