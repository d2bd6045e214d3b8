#include "intercept/intern.h"

#include "base/cleanup.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

enum { BUCKETS = 4096, FIRST_COLLECTION = 1024 };

struct entry {
	struct cred cred; /* first: intern_unref gets its address */
	uint64_t hash;
	uint32_t index, refs;
	int32_t next; /* in the bucket; -1: last */
	uint8_t is_used, unused_before;
};

static struct {
	pthread_mutex_t lock;
	struct entry *entries[INTERN_MAX];
	int32_t buckets[BUCKETS];
	uint32_t high, count; /* numbers up to HIGH (exclusive) may be taken; COUNT are */
	uint32_t collect_at;
	size_t groups_memory;
	bool is_collecting;
} table = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void free_entry(struct entry *e)
{
	table.groups_memory -= e->cred.groups_len * sizeof(uint32_t);
	free((uint32_t *)(uintptr_t)e->cred.groups);
	free(e);
}

/* A number that is free, the lowest first so that the array stays dense; -1 if there is none. */
static int32_t free_index(void)
{
	if (table.count == table.high)
		return table.high < INTERN_MAX ? (int32_t)table.high : -1;
	for (uint32_t i = 0; i < table.high; i++)
		if (!table.entries[i])
			return (int32_t)i;
	return -1;
}

static struct entry *insert(const struct cred *c, uint64_t hash)
{
	size_t groups_size = c->groups_len * sizeof(uint32_t);
	int32_t index = free_index();
	autofree uint32_t *groups = NULL;
	struct entry *e;

	if (index < 0 || table.groups_memory + groups_size > INTERN_GROUPS_MEMORY)
		return NULL;
	if (groups_size > 0) {
		groups = malloc(groups_size);
		if (!groups)
			return NULL;
		memcpy(groups, c->groups, groups_size);
	}
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->cred = *c;
	e->cred.groups = TAKE_PTR(groups);
	e->hash = hash;
	e->index = (uint32_t)index;
	e->next = table.buckets[hash % BUCKETS];
	table.buckets[hash % BUCKETS] = index;
	table.entries[index] = e;
	table.groups_memory += groups_size;
	table.count++;
	if ((uint32_t)index >= table.high)
		table.high = (uint32_t)index + 1;
	return e;
}

int intern_init(const struct cred *root)
{
	/* Only what was used: untouched memory costs nothing. */
	for (uint32_t i = 0; i < table.high; i++) {
		if (table.entries[i])
			free_entry(table.entries[i]);
		table.entries[i] = NULL;
	}
	memset(table.buckets, 0xff, sizeof(table.buckets));
	table.high = table.count = 0;
	table.collect_at = FIRST_COLLECTION;
	return insert(root, cred_hash(root)) ? 0 : -ENOMEM;
}

static struct entry *find(const struct cred *c, uint64_t hash)
{
	for (int32_t i = table.buckets[hash % BUCKETS]; i >= 0; i = table.entries[i]->next)
		if (table.entries[i]->hash == hash && cred_equal(&table.entries[i]->cred, c))
			return table.entries[i];
	return NULL;
}

int intern_add(const struct cred *c, const struct cred **ret)
{
	uint64_t hash = cred_hash(c);
	struct entry *e;
	int r = -EAGAIN;

	pthread_mutex_lock(&table.lock);
	e = find(c, hash);
	if (!e)
		e = insert(c, hash);
	if (e) {
		e->refs++;
		e->unused_before = 0;
		*ret = &e->cred;
		r = (int)e->index;
	}
	pthread_mutex_unlock(&table.lock);
	return r;
}

const struct cred *intern_get(uint32_t index)
{
	const struct cred *c = NULL;

	pthread_mutex_lock(&table.lock);
	if (index < table.high && table.entries[index]) {
		table.entries[index]->refs++;
		c = &table.entries[index]->cred;
	}
	pthread_mutex_unlock(&table.lock);
	return c;
}

void intern_unref(const struct cred *c)
{
	struct entry *e = (struct entry *)(uintptr_t)c;

	if (!e)
		return;
	pthread_mutex_lock(&table.lock);
	e->refs--;
	pthread_mutex_unlock(&table.lock);
}

bool intern_wants_collection(void)
{
	bool wants;

	pthread_mutex_lock(&table.lock);
	wants = table.count >= table.collect_at && !table.is_collecting;
	pthread_mutex_unlock(&table.lock);
	return wants;
}

void intern_mark(uint32_t index)
{
	pthread_mutex_lock(&table.lock);
	if (index < table.high && table.entries[index])
		table.entries[index]->is_used = 1;
	pthread_mutex_unlock(&table.lock);
}

static void forget(struct entry *e)
{
	int32_t *link = &table.buckets[e->hash % BUCKETS];

	while (*link != (int32_t)e->index)
		link = &table.entries[*link]->next;
	*link = e->next;
	table.entries[e->index] = NULL;
	table.count--;
	free_entry(e);
}

void intern_collect(bool (*mark_used)(void *arg), void *arg)
{
	bool is_known, is_other;

	pthread_mutex_lock(&table.lock);
	is_other = table.is_collecting;
	table.is_collecting = true;
	for (uint32_t i = 1; i < table.high && !is_other; i++)
		if (table.entries[i])
			table.entries[i]->is_used = 0;
	pthread_mutex_unlock(&table.lock);
	if (is_other)
		return;
	is_known = mark_used(arg);

	pthread_mutex_lock(&table.lock);
	for (uint32_t i = 1; is_known && i < table.high; i++) {
		struct entry *e = table.entries[i];

		if (!e)
			continue;
		if (e->is_used || e->refs > 0)
			e->unused_before = 0;
		else if (e->unused_before)
			forget(e);
		else
			e->unused_before = 1;
	}
	table.collect_at = table.count + FIRST_COLLECTION;
	if (table.collect_at > INTERN_MAX)
		table.collect_at = INTERN_MAX;
	table.is_collecting = false;
	pthread_mutex_unlock(&table.lock);
}
