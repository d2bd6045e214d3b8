#include "runtime/lists.h"

#include <errno.h>
#include <string.h>

/* The number that *TEXT begins with; moves *TEXT behind it. */
static int take_number(const char **text)
{
	int n = 0;

	if (**text < '0' || **text > '9')
		return -EINVAL;
	for (; **text >= '0' && **text <= '9'; ++*text) {
		n = n * 10 + (**text - '0');
		if (n >= NUMBERS_MAX)
			return -EINVAL;
	}
	return n;
}

int number_set_parse(const char *text, struct number_set *ret)
{
	enum { WORD = 8 * sizeof(unsigned long) };
	struct number_set set = { 0 };

	for (;;) {
		int first = take_number(&text), last = first;

		if (first >= 0 && *text == '-') {
			text++;
			last = take_number(&text);
		}
		if (first < 0 || last < first)
			return -EINVAL;
		for (int i = first; i <= last; i++)
			set.bits[i / WORD] |= 1UL << (i % WORD);
		if (*text == '\0')
			break;
		if (*text++ != ',')
			return -EINVAL;
	}
	*ret = set;
	return 0;
}
