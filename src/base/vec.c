#include "base/vec.h"

#include "base/cleanup.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void strv_done(struct strv *v)
{
	for (size_t i = 0; i < v->len; i++)
		free(v->items[i]);
	free(v->items);
	*v = (struct strv){ 0 };
}

int strv_take(struct strv *v, char *s)
{
	autofree char *owned = s;

	if (!owned)
		return -ENOMEM;
	if (v->len + 1 >= v->cap) {
		size_t cap = v->cap ? v->cap * 2 : 8;
		char **items = reallocarray(v->items, cap, sizeof(char *));

		if (!items)
			return -ENOMEM;
		v->items = items;
		v->cap = cap;
	}
	v->items[v->len++] = TAKE_PTR(owned);
	v->items[v->len] = NULL;
	return 0;
}

int strv_add(struct strv *v, const char *s)
{
	return strv_take(v, strdup(s));
}

int strv_addn(struct strv *v, const char *s, size_t len)
{
	return strv_take(v, strndup(s, len));
}

int strv_addf(struct strv *v, const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return n < 0 ? -ENOMEM : strv_take(v, s);
}

int strv_add_all(struct strv *v, const struct strv *src)
{
	for (size_t i = 0; i < src->len; i++) {
		int r = strv_add(v, src->items[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

void strv_remove(struct strv *v, size_t at)
{
	free(v->items[at]);
	memmove(v->items + at, v->items + at + 1, (v->len - at) * sizeof(char *));
	v->len--;
}

bool strv_contains(const struct strv *v, const char *s)
{
	for (size_t i = 0; i < v->len; i++)
		if (strcmp(v->items[i], s) == 0)
			return true;
	return false;
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(struct strv *v)
{
	if (v->len > 1)
		qsort(v->items, v->len, sizeof(char *), compare_strings);
}

static ssize_t find_env(const struct strv *v, const char *name, size_t name_len)
{
	for (size_t i = 0; i < v->len; i++)
		if (strncmp(v->items[i], name, name_len) == 0 && v->items[i][name_len] == '=')
			return (ssize_t)i;
	return -1;
}

int strv_env_set(struct strv *v, const char *name_value)
{
	ssize_t at = find_env(v, name_value, strcspn(name_value, "="));
	char *copy;

	if (at < 0)
		return strv_add(v, name_value);
	copy = strdup(name_value);
	if (!copy)
		return -ENOMEM;
	free(v->items[at]);
	v->items[at] = copy;
	return 0;
}

const char *strv_env_get(const struct strv *v, const char *name)
{
	ssize_t at = find_env(v, name, strlen(name));

	return at < 0 ? NULL : v->items[at] + strlen(name) + 1;
}

void strv_env_unset(struct strv *v, const char *name)
{
	ssize_t at = find_env(v, name, strlen(name));

	if (at >= 0)
		strv_remove(v, (size_t)at);
}
