#include "base/timefmt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void time_format_rfc3339(struct timespec t, char dst[static TIME_RFC3339_MAX])
{
	struct tm tm;
	size_t len;

	gmtime_r(&t.tv_sec, &tm);
	len = strftime(dst, TIME_RFC3339_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
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
