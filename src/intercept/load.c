#include "intercept/load.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

static struct {
	int listener;
	bool has_flag, is_sync;
} load;

static void set_sync(bool on)
{
	if (load.has_flag && load.is_sync != on)
		ioctl(load.listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, on ? SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP : 0UL);
	load.is_sync = on;
}

void load_init(int listener)
{
	load.listener = listener;
	load.has_flag = ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP) == 0;
	load.is_sync = load.has_flag;
}

void load_note(const struct seccomp_notif *n)
{
	(void)n;
	set_sync(true);
}
