/* The namespace that the container does not get from clone: that of time. */
#include "base/cleanup.h"
#include "runtime/start.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

static int write_offsets(struct start *st)
{
	const struct oci_linux *l = &st->spec->linux_;
	autoclose int fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
	char text[128];
	int n = snprintf(text, sizeof(text), "monotonic %lld %u\nboottime %lld %u\n", (long long)l->monotonic_secs,
			 l->monotonic_nsecs, (long long)l->boottime_secs, l->boottime_nsecs);

	if (fd < 0 || write(fd, text, (size_t)n) != n)
		return start_fail(st, errno, "set the clocks' offsets", "/proc/self/timens_offsets");
	return 0;
}

/* Its offsets can only be set while nobody is in it, so it is made for children first, then entered: time_namespaces(7). */
static int enter_time(struct start *st)
{
	autoclose int fd = -1;
	int r;

	if (unshare(CLONE_NEWTIME) < 0)
		return start_fail(st, errno, "make a time namespace", NULL);
	r = write_offsets(st);
	if (r < 0)
		return r;
	fd = open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWTIME) < 0)
		return start_fail(st, errno, "enter the time namespace", NULL);
	start_note(st, 0, "make a time namespace", NULL, "its own time since boot", "unshare(CLONE_NEWTIME); setns()");
	return 0;
}

int start_enter_time(struct start *st)
{
	for (size_t i = 0; i < st->joined_len; i++)
		start_note(st, 0, "join the namespace", st->joined[i].path, "shared with another",
			   "setns(\"%s\", 0x%x)", st->joined[i].path, (unsigned)st->joined[i].flag);
	return st->new_time ? enter_time(st) : 0;
}
