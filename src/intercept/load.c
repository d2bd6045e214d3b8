#include "intercept/load.h"

#include "intercept/request.h"

#include <stdatomic.h>
#include <sys/ioctl.h>

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

enum {
	LOOK = 128,   /* notifications that are looked at with one thread waiting */
	CROWDED = 12, /* so many of them had been waiting already: several callers run at a time */
	KEEP = 4096,  /* notifications before it is looked at again */
	CALIBRATIONS = 16,
	IMMEDIATE = 4, /* times a bare call: a notification that came so fast was there already */
	CROWD_THREADS = 2,
};

static struct {
	uint64_t immediate_ns;
	atomic_uint seen, waiting;
	atomic_int threads;
} load = { .threads = 1 };

/* How long a call of the listener takes that does nothing. */
static uint64_t measure_call(int listener)
{
	uint64_t best = UINT64_MAX, id = 0;

	for (int i = 0; i < CALIBRATIONS; i++) {
		uint64_t start = request_now_ns(), took;

		(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id);
		took = request_now_ns() - start;
		if (took < best)
			best = took;
	}
	return best;
}

void load_init(int listener)
{
	/* Older kernels don't have it, and do without. */
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
	load.immediate_ns = measure_call(listener) * IMMEDIATE;
}

int load_note(uint64_t waited_ns)
{
	unsigned seen = atomic_fetch_add_explicit(&load.seen, 1, memory_order_relaxed) + 1;
	int threads = atomic_load_explicit(&load.threads, memory_order_relaxed);

	if (threads == 1 && waited_ns < load.immediate_ns)
		atomic_fetch_add_explicit(&load.waiting, 1, memory_order_relaxed);
	if (seen < (threads == 1 ? LOOK : KEEP))
		return threads;
	threads = threads == 1 && atomic_load_explicit(&load.waiting, memory_order_relaxed) >= CROWDED ? CROWD_THREADS
												       : 1;
	atomic_store_explicit(&load.threads, threads, memory_order_relaxed);
	atomic_store_explicit(&load.seen, 0, memory_order_relaxed);
	atomic_store_explicit(&load.waiting, 0, memory_order_relaxed);
	return threads;
}
