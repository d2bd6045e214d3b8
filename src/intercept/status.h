/* What the outer /proc/TID/status says of a thread, by its number as the supervisor sees it. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* The lines that are read here come early in the file; what doesn't fit is cut off. */
enum { STATUS_TEXT_MAX = 4096 };

/* Its length, or a negative errno (-ENOENT, -ESRCH: there is no such thread any more). */
ssize_t status_read(pid_t tid, char text[static STATUS_TEXT_MAX]);
/* The number in the field NAME ("CapBnd") of such a TEXT in BASE; 0 if there is none. */
uint64_t status_number(const char *text, const char *name, int base);

/* The thread group of TID. -ESRCH. */
pid_t status_tgid(pid_t tid);
/* The number that TID's process has in the innermost pid namespace that it is in. -ESRCH. */
pid_t status_inner_pid(pid_t tid);
