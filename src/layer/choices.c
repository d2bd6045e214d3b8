#include "layer/choices.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 256 << 20 };

void choices_init(struct choices *c)
{
	*c = (struct choices){ .names = BUF_INIT(NAMES_MAX) };
}

void choices_done(struct choices *c)
{
	free(c->items);
	free(c->deletions);
	buf_done(&c->names);
}

/* FNV-1a. */
static uint32_t hash_of(const char *path)
{
	uint32_t hash = 2166136261u;

	for (; *path; path++)
		hash = (hash ^ (uint8_t)*path) * 16777619u;
	return hash;
}

int64_t choices_add(struct choices *c, const char *path, uint32_t parent)
{
	if (c->len >= UINT32_MAX)
		return -E2BIG;
	if (c->len == c->cap) {
		size_t cap = c->cap ? c->cap * 2 : 256;
		struct choice *grown = reallocarray(c->items, cap, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		c->items = grown;
		c->cap = cap;
	}
	c->items[c->len] = (struct choice){ .hash = hash_of(path), .parent = parent, .next = (uint32_t)c->len + 1 };
	return (int64_t)c->len++;
}

void choices_want(struct choices *c, uint32_t number)
{
	/* Where a folder is wanted, those that it is in are. */
	while (!c->items[number].wanted) {
		c->items[number].wanted = true;
		number = c->items[number].parent;
	}
}

int choices_delete(struct choices *c, uint32_t folder, const char *name)
{
	size_t at = c->names.len;

	if (c->deletions_len == c->deletions_cap) {
		size_t cap = c->deletions_cap ? c->deletions_cap * 2 : 64;
		struct deletion *grown = reallocarray(c->deletions, cap, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		c->deletions = grown;
		c->deletions_cap = cap;
	}
	if (buf_add(&c->names, name, strlen(name) + 1) < 0)
		return c->names.error;
	c->deletions[c->deletions_len++] = (struct deletion){ folder, (uint32_t)at };
	choices_want(c, folder);
	return 0;
}

/* Names were added in their order, so their places keep it. */
static int compare(const void *a, const void *b)
{
	const struct deletion *x = a, *y = b;

	if (x->folder != y->folder)
		return x->folder < y->folder ? -1 : 1;
	return (x->name_at > y->name_at) - (x->name_at < y->name_at);
}

void choices_sort(struct choices *c)
{
	if (c->deletions_len > 1)
		qsort(c->deletions, c->deletions_len, sizeof(*c->deletions), compare);
}

const struct choice *choices_at(const struct choices *c, size_t at, const char *path)
{
	return at < c->len && c->items[at].hash == hash_of(path) ? &c->items[at] : NULL;
}

const char *choices_deletion(const struct choices *c, uint32_t folder, size_t i)
{
	size_t low = 0, high = c->deletions_len;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (c->deletions[middle].folder < folder)
			low = middle + 1;
		else
			high = middle;
	}
	low += i;
	return low < c->deletions_len && c->deletions[low].folder == folder ? c->names.data + c->deletions[low].name_at
									    : NULL;
}
