/* Terminals: raw mode with a sure way back, and sizes. */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <termios.h>

struct tty_saved {
	int fd; /* borrowed; -1: nothing to restore */
	struct termios mode;
};
#define TTY_SAVED_INIT ((struct tty_saved){ .fd = -1 })

/* Raw mode, output processing included (the other side does it). -ENOTTY if FD is none. */
int tty_make_raw(int fd, struct tty_saved *ret, struct err *err);
/* Back to what it was; does nothing the second time. */
void tty_restore(struct tty_saved *saved);
/* Gives TO the size of FROM; 0 or a negative errno. */
int tty_copy_size(int from, int to);
