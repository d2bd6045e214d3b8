#include "intercept/load.h"

#include "intercept/request.h"

#include <linux/sched.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

enum {
	CALIBRATIONS = 16,
	IMMEDIATE = 4,	       /* times a bare call: no caller runs, and calls, in so short a time */
	SLICE_NS = 100 * 1000, /* the kernel's least */
};

/* struct sched_attr as it was at first (SCHED_ATTR_SIZE_VER0); the C library has none. */
struct slice_attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns, deadline_ns, period_ns;
};

static struct {
	int listener;
	bool has_flag;
	uint64_t immediate_ns;
	_Atomic pid_t last_caller;
} load;

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

/* For this thread and those that it starts; all else stays as whoever started us had it (nice, chrt). Older kernels ignore it. */
static void ask_for_short_slices(void)
{
	struct slice_attr attr = { .size = sizeof(attr) };

	if (syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0) < 0)
		return;
	attr.runtime_ns = SLICE_NS;
	if (attr.policy == SCHED_NORMAL || attr.policy == SCHED_BATCH)
		(void)syscall(SYS_sched_setattr, 0, &attr, 0);
}

void load_init(int listener)
{
	ask_for_short_slices();
	load.listener = listener;
	load.has_flag = ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP) == 0;
	load.immediate_ns = measure_call(listener) * IMMEDIATE;
}

void load_add(int listener)
{
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
}

bool load_was_waiting(uint64_t waited_ns, pid_t caller)
{
	pid_t last = atomic_exchange_explicit(&load.last_caller, caller, memory_order_relaxed);

	return load.has_flag && caller != last && waited_ns < load.immediate_ns;
}

void load_wake_elsewhere(bool on)
{
	(void)ioctl(load.listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, on ? 0UL : SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
}
