#include "sys/tty.h"

#include <errno.h>
#include <sys/ioctl.h>

int tty_make_raw(int fd, struct tty_saved *ret, struct err *err)
{
	struct tty_saved saved = { .fd = fd };
	struct termios raw;

	if (tcgetattr(fd, &saved.mode) < 0)
		return err_errno(err, errno, "read the terminal's mode");
	raw = saved.mode;
	cfmakeraw(&raw);
	if (tcsetattr(fd, TCSANOW, &raw) < 0)
		return err_errno(err, errno, "set the terminal to raw mode");
	*ret = saved;
	return 0;
}

void tty_restore(struct tty_saved *saved)
{
	if (saved->fd < 0)
		return;
	tcsetattr(saved->fd, TCSANOW, &saved->mode);
	saved->fd = -1;
}

int tty_copy_size(int from, int to)
{
	struct winsize size;

	if (ioctl(from, TIOCGWINSZ, &size) < 0 || ioctl(to, TIOCSWINSZ, &size) < 0)
		return -errno;
	return 0;
}
