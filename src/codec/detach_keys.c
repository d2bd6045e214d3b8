#include "codec/detach_keys.h"

#include <errno.h>
#include <string.h>

enum { DELETE_KEY = 127 };

/* The code of the LEN bytes at WORD, or -1. */
static int key_code(const char *word, size_t len)
{
	char c;

	if (len == 1)
		return (unsigned char)word[0];
	if (len == 3 && memcmp(word, "DEL", 3) == 0)
		return DELETE_KEY;
	if (len != 6 || memcmp(word, "ctrl-", 5) != 0)
		return -1;
	c = word[5];
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 1;
	return c == '@' || (c >= '[' && c <= '_') ? c - '@' : -1;
}

int detach_keys_parse(const char *text, struct detach_keys *ret, struct err *err)
{
	struct detach_keys k = { .len = 0 };
	const char *at = text ? text : "ctrl-p,ctrl-q";

	while (*at) {
		size_t len = strcspn(at, ",");
		int code = key_code(at, len);

		if (code < 0) {
			err_set(err, EINVAL, "detach keys '%s': '%.*s' is no key", text, (int)len, at);
			return err_hint(err, "a character, or ctrl- and a letter or one of @ [ \\ ] ^ _; with commas "
					     "between");
		}
		if (k.len == DETACH_KEYS_MAX)
			return err_set(err, E2BIG, "detach keys '%s': more than %d", text, DETACH_KEYS_MAX);
		k.keys[k.len++] = (char)code;
		at += len;
		if (*at == ',' && !*++at)
			return err_set(err, EINVAL, "detach keys '%s': nothing behind the last comma", text);
	}
	*ret = k;
	return 0;
}

/* So many bytes at the beginning of the keys are the end of those SEEN followed by C. */
static size_t longest_beginning(const struct detach_keys *k, size_t seen, char c)
{
	for (size_t len = seen + 1; len > 0; len--) {
		if (len <= k->len && k->keys[len - 1] == c && memcmp(k->keys, k->keys + seen + 1 - len, len - 1) == 0)
			return len;
	}
	return 0;
}

bool detach_keys_filter(struct detach_keys *k, const char *typed, size_t len, char *dst, size_t *ret_len)
{
	size_t out = 0;

	for (size_t i = 0; i < len; i++) {
		size_t seen = longest_beginning(k, k->seen, typed[i]), lost = k->seen + 1 - seen;

		/* What was held back and can't be the beginning any more; the byte itself is its last if nothing is. */
		for (size_t n = 0; n < lost; n++)
			dst[out++] = n < k->seen ? k->keys[n] : typed[i];
		k->seen = seen;
		if (k->len > 0 && seen == k->len) {
			k->seen = 0;
			*ret_len = out;
			return true;
		}
	}
	*ret_len = out;
	return false;
}
