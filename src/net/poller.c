#include "net/poller.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { BATCH = 64, TABLE_FIRST = 64 };

int poller_init(struct poller *p)
{
	*p = (struct poller){ .epoll = epoll_create1(EPOLL_CLOEXEC) };
	return p->epoll < 0 ? -errno : 0;
}

void poller_done(struct poller *p)
{
	if (p->epoll >= 0)
		close(p->epoll);
	free(p->table);
	*p = (struct poller){ .epoll = -1 };
}

static int make_room(struct poller *p, int fd)
{
	size_t cap = p->cap ? p->cap : TABLE_FIRST;
	struct poller_entry *table;

	if ((size_t)fd < p->cap)
		return 0;
	while (cap <= (size_t)fd)
		cap *= 2;
	table = reallocarray(p->table, cap, sizeof(*table));
	if (!table)
		return -ENOMEM;
	memset(table + p->cap, 0, (cap - p->cap) * sizeof(*table));
	p->table = table;
	p->cap = cap;
	return 0;
}

/* With no events at all it would still be woken for errors and hang-ups: then it has to be out of the set. */
static int control(struct poller *p, int fd, uint32_t before, uint32_t events, uint32_t serial)
{
	struct epoll_event e = { .events = events, .data = { .u64 = (uint64_t)serial << 32 | (uint32_t)fd } };
	int op = !events ? EPOLL_CTL_DEL : before ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (!before && !events)
		return 0;
	if (epoll_ctl(p->epoll, op, fd, &e) == 0 || op == EPOLL_CTL_DEL)
		return 0;
	/* Closed behind our back, and another by now has its number. */
	if (errno == ENOENT && epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &e) == 0)
		return 0;
	if (errno == EEXIST && epoll_ctl(p->epoll, EPOLL_CTL_MOD, fd, &e) == 0)
		return 0;
	return -errno;
}

int poller_watch(struct poller *p, int fd, uint32_t events, poller_fn fn, void *arg)
{
	struct poller_entry *entry;
	int r = make_room(p, fd);

	if (r < 0)
		return r;
	entry = &p->table[fd];
	if (!entry->fn)
		*entry = (struct poller_entry){ .serial = ++p->serial };
	if (entry->events != events || !entry->fn)
		r = control(p, fd, entry->events, events, entry->serial);
	if (r < 0)
		return r;
	entry->fn = fn;
	entry->arg = arg;
	entry->events = events;
	return 0;
}

void poller_forget(struct poller *p, int fd)
{
	if (fd < 0 || (size_t)fd >= p->cap || !p->table[fd].fn)
		return;
	control(p, fd, p->table[fd].events, 0, 0);
	p->table[fd] = (struct poller_entry){ 0 };
}

int poller_wait(struct poller *p, int timeout_ms)
{
	struct epoll_event events[BATCH];
	int n = epoll_wait(p->epoll, events, BATCH, timeout_ms);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		uint32_t fd = (uint32_t)events[i].data.u64;
		struct poller_entry *entry = &p->table[fd];

		/* One of those before it may have put an end to it. */
		if (entry->fn && entry->serial == events[i].data.u64 >> 32)
			entry->fn((int)fd, events[i].events, entry->arg);
	}
	return n;
}
