#include "oci/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void str_map_done(struct str_map *m)
{
	for (size_t i = 0; i < m->len; i++) {
		free(m->items[i].key);
		free(m->items[i].value);
	}
	free(m->items);
	*m = (struct str_map){ 0 };
}

/* Where KEY is, or where it would have to be put; *RET_FOUND says which. */
static size_t position(const struct str_map *m, const char *key, bool *ret_found)
{
	size_t low = 0, high = m->len;

	*ret_found = false;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = strcmp(m->items[mid].key, key);

		if (c == 0) {
			*ret_found = true;
			return mid;
		}
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int insert(struct str_map *m, size_t at, char *key, char *value)
{
	if (m->len == m->cap) {
		size_t cap = m->cap ? m->cap * 2 : 8;
		struct str_pair *items = reallocarray(m->items, cap, sizeof(*items));

		if (!items)
			return -ENOMEM;
		m->items = items;
		m->cap = cap;
	}
	memmove(m->items + at + 1, m->items + at, (m->len - at) * sizeof(*m->items));
	m->items[at] = (struct str_pair){ key, value };
	m->len++;
	return 0;
}

int str_map_set(struct str_map *m, const char *key, const char *value)
{
	char *new_key, *new_value = strdup(value);
	bool found;
	size_t at = position(m, key, &found);

	if (!new_value)
		return -ENOMEM;
	if (found) {
		free(m->items[at].value);
		m->items[at].value = new_value;
		return 0;
	}
	new_key = strdup(key);
	if (!new_key || insert(m, at, new_key, new_value) < 0) {
		free(new_key);
		free(new_value);
		return -ENOMEM;
	}
	return 0;
}

const char *str_map_get(const struct str_map *m, const char *key)
{
	bool found;
	size_t at = position(m, key, &found);

	return found ? m->items[at].value : NULL;
}

void str_map_unset(struct str_map *m, const char *key)
{
	bool found;
	size_t at = position(m, key, &found);

	if (!found)
		return;
	free(m->items[at].key);
	free(m->items[at].value);
	m->len--;
	memmove(m->items + at, m->items + at + 1, (m->len - at) * sizeof(*m->items));
}

int str_map_copy(struct str_map *dst, const struct str_map *src)
{
	for (size_t i = 0; i < src->len; i++)
		if (str_map_set(dst, src->items[i].key, src->items[i].value) < 0)
			return -ENOMEM;
	return 0;
}
