#include "base/timefmt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/*
 * As gmtime_r, which reads /etc/localtime though it does not need it: half a dozen system calls at each start. The
 * calendar is counted from 1 March of year 0, so that the leap day is a year's last. Years 0 to 9999.
 */
static void gm_time(int64_t seconds, struct tm *ret)
{
	int64_t days = seconds / 86400, rest = seconds % 86400, era, day, year, month;

	if (rest < 0) {
		rest += 86400;
		days--;
	}
	days += 719468; /* from 0000-03-01 to 1970-01-01 */
	era = days / 146097;
	day = days % 146097;
	year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	day -= 365 * year + year / 4 - year / 100;
	month = (5 * day + 2) / 153;
	*ret = (struct tm){ .tm_mday = (int)(day - (153 * month + 2) / 5 + 1),
			    .tm_mon = (int)(month < 10 ? month + 2 : month - 10),
			    .tm_year = (int)(year + era * 400 + (month >= 10) - 1900),
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

/* ".123" -> nanoseconds; moves *P behind it. */
static long parse_fraction(const char **p)
{
	long ns = 0, unit = 100000000;

	if (**p != '.')
		return 0;
	for ((*p)++; **p >= '0' && **p <= '9'; (*p)++) {
		ns += (**p - '0') * unit;
		unit /= 10;
	}
	return ns;
}

static int parse_two_digits(const char *s, int *ret)
{
	if (s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9')
		return -EINVAL;
	*ret = (s[0] - '0') * 10 + s[1] - '0';
	return 0;
}

int time_parse_rfc3339(const char *s, struct timespec *ret)
{
	struct tm tm = { 0 };
	const char *p;
	int sign, hours, minutes;
	long ns;

	if (strlen(s) > 64)
		return -EINVAL;
	p = strptime(s, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!p)
		return -EINVAL;
	ns = parse_fraction(&p);
	if ((*p == 'Z' || *p == 'z') && !p[1]) {
		*ret = (struct timespec){ timegm(&tm), ns };
		return 0;
	}
	if (*p != '+' && *p != '-')
		return -EINVAL;
	sign = *p == '-' ? -1 : 1;
	if (parse_two_digits(p + 1, &hours) < 0 || p[3] != ':' || parse_two_digits(p + 4, &minutes) < 0 || p[6])
		return -EINVAL;
	*ret = (struct timespec){ timegm(&tm) - sign * (hours * 3600 + minutes * 60), ns };
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
