#include "layer/inodes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* All first names together: so many files with several names fit into no layer that is allowed. */
enum { NAMES_MAX = 1 << 30, FIRST_CAP = 256 };

void inodes_init(struct inodes *i)
{
	*i = (struct inodes){ .names = BUF_INIT(NAMES_MAX) };
}

void inodes_done(struct inodes *i)
{
	free(i->slots);
	buf_done(&i->names);
}

/* The slot that has it, or the free one where it belongs. */
static struct inode_slot *find(struct inode_slot *slots, size_t cap, dev_t dev, ino_t ino)
{
	uint64_t hash = ((uint64_t)ino ^ (uint64_t)dev << 32) * UINT64_C(0x9e3779b97f4a7c15);

	for (size_t at = (size_t)(hash >> 20);; at++) {
		struct inode_slot *s = &slots[at & (cap - 1)];

		if (s->name_at == 0 || (s->ino == ino && s->dev == dev))
			return s;
	}
}

static int grow(struct inodes *i)
{
	size_t cap = i->cap ? i->cap * 2 : FIRST_CAP;
	struct inode_slot *slots = calloc(cap, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t n = 0; n < i->cap; n++)
		if (i->slots[n].name_at)
			*find(slots, cap, i->slots[n].dev, i->slots[n].ino) = i->slots[n];
	free(i->slots);
	i->slots = slots;
	i->cap = cap;
	return 0;
}

int inodes_meet(struct inodes *i, dev_t dev, ino_t ino, const char *name, const char **ret_name)
{
	struct inode_slot *s;
	size_t at = i->names.len;

	if (i->len * 2 >= i->cap && grow(i) < 0)
		return -ENOMEM;
	s = find(i->slots, i->cap, dev, ino);
	if (s->name_at) {
		*ret_name = i->names.data + s->name_at - 1;
		return 1;
	}
	if (buf_add(&i->names, name, strlen(name) + 1) < 0)
		return i->names.error;
	*s = (struct inode_slot){ dev, ino, (uint32_t)at + 1 };
	i->len++;
	return 0;
}
