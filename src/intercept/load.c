#include "intercept/load.h"

#include "intercept/request.h"

#include <sys/ioctl.h>

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

enum {
	CALIBRATIONS = 16,
	IMMEDIATE = 4, /* times a bare call: no caller runs, and calls, in so short a time */
};

static struct {
	int listener;
	bool has_flag;
	uint64_t immediate_ns;
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

void load_init(int listener)
{
	load.listener = listener;
	load.has_flag = ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP) == 0;
	load.immediate_ns = measure_call(listener) * IMMEDIATE;
}

void load_add(int listener)
{
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
}

bool load_was_waiting(uint64_t waited_ns)
{
	return load.has_flag && waited_ns < load.immediate_ns;
}

void load_wake_elsewhere(bool on)
{
	(void)ioctl(load.listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, on ? 0UL : SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
}
