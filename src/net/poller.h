/* epoll(7) with a function for each descriptor. One thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* EVENTS are EPOLL*. May watch, change and forget descriptors, its own too. */
typedef void (*poller_fn)(int fd, uint32_t events, void *arg);

struct poller_entry {
	poller_fn fn; /* NULL: not watched */
	void *arg;
	uint32_t events; /* 0: watched, but not waited for */
	uint32_t serial; /* tells apart those that had the same number one after the other */
};

struct poller {
	int epoll;		    /* owned */
	struct poller_entry *table; /* by descriptor */
	size_t cap;
	uint32_t serial;
};

int poller_init(struct poller *p);
void poller_done(struct poller *p);
/* Watches FD, or changes how: EVENTS 0 stops the waiting, but for nothing is it then woken. 0 or a negative errno. */
int poller_watch(struct poller *p, int fd, uint32_t events, poller_fn fn, void *arg);
/* Before FD is closed. */
void poller_forget(struct poller *p, int fd);
/* Waits at most TIMEOUT_MS (-1: for ever) and calls the functions of what is ready. Returns how many, or a negative errno. */
int poller_wait(struct poller *p, int timeout_ms);
