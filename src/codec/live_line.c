#include "codec/live_line.h"

#include "base/cleanup.h"
#include "base/num.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

void live_line_format(const struct live_line *line, char dst[static LIVE_LINE_SIZE])
{
	int n = snprintf(dst, LIVE_LINE_SIZE, "%d %lld %ld %lld %d", (int)line->pid, (long long)line->since.tv_sec,
			 line->since.tv_nsec, (long long)line->restarts, line->exit_code);

	memset(dst + n, ' ', (size_t)(LIVE_LINE_SIZE - 1 - n));
	dst[LIVE_LINE_SIZE - 1] = '\n';
}

/* The next number of *P, which moves behind it. 1; 0: there is none; -EBADMSG. */
static int next_number(const char **p, int64_t *ret)
{
	char word[24];
	size_t len;

	*p += strspn(*p, " ");
	len = strcspn(*p, " \n");
	if (len == 0)
		return 0;
	if (len >= sizeof(word))
		return -EBADMSG;
	memcpy(word, *p, len);
	word[len] = '\0';
	*p += len;
	return num_parse_i64(word, ret) < 0 ? -EBADMSG : 1;
}

int live_line_parse(const char *text, struct live_line *ret)
{
	int64_t numbers[5] = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		int r = next_number(&text, &numbers[i]);

		if (r < 0 || (r == 0 && i < 3))
			return -EBADMSG;
		if (r == 0)
			break;
	}
	if (numbers[0] < 0 || numbers[0] > INT_MAX || numbers[2] < 0 || numbers[2] > 999999999 || numbers[3] < 0 ||
	    numbers[4] < 0 || numbers[4] > 255)
		return -EBADMSG;
	*ret = (struct live_line){ .pid = (pid_t)numbers[0],
				   .since = { .tv_sec = numbers[1], .tv_nsec = numbers[2] },
				   .restarts = numbers[3],
				   .exit_code = (int)numbers[4] };
	return 0;
}
