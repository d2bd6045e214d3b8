#include "cli/words.h"

#include "base/str.h"
#include "base/timefmt.h"

#include <stdio.h>
#include <string.h>

void words_since(const char *rfc3339, char dst[static 48])
{
	struct timespec then, now;
	char human[32];

	if (!rfc3339 || time_parse_rfc3339(rfc3339, &then) < 0) {
		strcpy(dst, "N/A");
		return;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	time_format_human(now.tv_sec > then.tv_sec ? now.tv_sec - then.tv_sec : 0, human);
	snprintf(dst, 48, "%s ago", human);
}

void words_date(const char *rfc3339, char dst[static 48])
{
	struct timespec t;
	struct tm tm;

	if (!rfc3339 || time_parse_rfc3339(rfc3339, &t) < 0 || !gmtime_r(&t.tv_sec, &tm) ||
	    strftime(dst, 48, "%Y-%m-%d %H:%M:%S +0000 UTC", &tm) == 0)
		strcpy(dst, "N/A");
}

char *words_ellipsis(const char *s, size_t max)
{
	size_t chars = 0, cut = 0;

	for (size_t i = 0; s[i]; i++) {
		if (((unsigned char)s[i] & 0xc0) == 0x80)
			continue;
		if (chars == max - 1)
			cut = i;
		if (++chars > max)
			return str_format("%.*s…", (int)cut, s);
	}
	return strdup(s);
}
