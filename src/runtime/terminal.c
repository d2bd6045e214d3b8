/* The terminal, and which descriptors the program begins with. */
#include "base/cleanup.h"
#include "runtime/start.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* The program's side, opened through the controlling side, so that no path in the container is trusted. */
static int open_peer(struct start *st, int console)
{
	int unlock = 0, terminal;

	if (ioctl(console, TIOCSPTLCK, &unlock) < 0)
		return start_fail(st, errno, "unlock the terminal", "/dev/pts/ptmx");
	terminal = ioctl(console, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return terminal < 0 ? start_fail(st, errno, "open the terminal", "/dev/pts/0") : terminal;
}

/* /dev/console is the terminal too, as programs that write there expect; by its descriptor, not by a name in /dev/pts (CVE-2025-52565). */
static int bind_console(struct start *st, int terminal)
{
	autoclose int tree = open_tree(terminal, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH), place = -1;
	int r;

	if (tree < 0)
		return start_fail(st, errno, "find the terminal", "/dev/pts");
	place = place_make(st, "/dev/console", false);
	r = place < 0 ? place : place_attach(tree, place);
	return r < 0 ? start_fail(st, -r, "bind the terminal", "/dev/console") : 0;
}

/* As the spec says, else as large as the caller's own, if it has one; from the start, since programs ask early. */
static struct winsize initial_size(const struct oci_process *p)
{
	struct winsize size = { .ws_row = (unsigned short)p->console_height,
				.ws_col = (unsigned short)p->console_width };

	for (int fd = 0; fd <= 2 && size.ws_row == 0; fd++)
		ioctl(fd, TIOCGWINSZ, &size);
	return size;
}

/* Sets *RET to the program's side; -1 where the spec asks for no terminal. */
static int make_terminal(struct start *st, int *ret)
{
	const struct oci_process *p = &st->spec->process;
	struct winsize size = initial_size(p);
	autoclose int console = -1, terminal = -1;
	int r;

	console = fs_open_in_root(st->root_fd, "/dev/pts/ptmx", O_RDWR | O_NOCTTY, 0, NULL);
	/* Outside of containers that one is mostly forbidden. */
	if (console == -EACCES)
		console = fs_open_in_root(st->root_fd, "/dev/ptmx", O_RDWR | O_NOCTTY, 0, NULL);

	if (console < 0)
		return start_fail(st, -console, "allocate a terminal", "/dev/pts/ptmx");
	terminal = open_peer(st, console);
	if (terminal < 0)
		return terminal;
	if (size.ws_row && ioctl(console, TIOCSWINSZ, &size) < 0)
		return start_fail(st, errno, "set the terminal's size", "/dev/pts/ptmx");
	/* An id that isn't mapped can't own it; who emulates ids knows devices by their numbers. */
	if (p->user.uid != 0 && fchown(terminal, p->user.uid, (gid_t)-1) < 0 && errno != EINVAL)
		return start_fail(st, errno, "give the terminal to the user", "/dev/pts/0");
	/* /dev/console is pid 1's. */
	r = st->target ? 0 : bind_console(st, terminal);
	if (r < 0)
		return r;
	start_note(st, 0, "allocate a terminal", "/dev/pts/0", "in its own devpts; the other side stays with us",
		   "open(\"/dev/pts/ptmx\"); ioctl(TIOCGPTPEER); sendmsg(SCM_RIGHTS)");
	r = start_send(st, START_CONSOLE, console);
	if (r < 0)
		return start_fail(st, -r, "hand over the terminal", NULL);
	*ret = TAKE_FD(terminal);
	return 0;
}

int start_make_terminal(struct start *st)
{
	st->terminal = -1;
	return st->spec->process.terminal ? make_terminal(st, &st->terminal) : 0;
}

/* Moves the descriptor out of the way of the program's own. */
static int move_up(int fd, int above)
{
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, above);

	return moved < 0 ? -errno : moved;
}

/* What becomes descriptor NUMBER; -1: /dev/null. */
static int source_of(const struct start *st, int number)
{
	if (number >= 3)
		return st->options->extra_fds[number - 3];
	return st->terminal >= 0 ? st->terminal : st->options->stdio[number];
}

enum { OWN_FDS_MAX = 5 };

/* What is ours until the exec, moved behind the program's. */
static size_t own_fds(struct start *st, int *ret[static OWN_FDS_MAX])
{
	int *all[OWN_FDS_MAX] = { &st->child_end, &st->init_fd, &st->go, &st->report, &st->created_state };
	size_t len = 0;

	for (size_t i = 0; i < OWN_FDS_MAX; i++)
		if (*all[i] >= 0)
			ret[len++] = all[i];
	return len;
}

/*
 * 0 to COUNT-1 for the program, then what is ours, and really nothing else: what the caller had open must not even be
 * there until the exec, or a working folder of "/proc/self/fd/7" would lead out of the container.
 */
static int place_fds(struct start *st, int count)
{
	int moved[3 + EXTRA_FDS_MAX + OWN_FDS_MAX], *own[OWN_FDS_MAX];
	int total = count + (int)own_fds(st, own);

	for (int i = 0; i < total; i++) {
		int from = i < count ? source_of(st, i) : *own[i - count];

		if (from < 0)
			from = open("/dev/null", O_RDWR | O_CLOEXEC);
		moved[i] = from < 0 ? -errno : move_up(from, total);
		if (moved[i] < 0)
			return moved[i];
	}
	for (int i = 0; i < total; i++) {
		if (dup3(moved[i], i, i < count ? 0 : O_CLOEXEC) < 0)
			return -errno;
		if (i >= count)
			*own[i - count] = i;
	}
	return close_range((unsigned)total, ~0U, 0) < 0 ? -errno : 0;
}

bool start_is_pipe_to_give(const struct start *st, int i)
{
	struct stat file;

	return st->options->give_stdio && st->options->stdio[i] >= 0 && fstat(st->options->stdio[i], &file) == 0 &&
	       S_ISFIFO(file.st_mode);
}

/* /dev/stdout is /proc/self/fd/1: opening that asks whose the pipe is. Where its id isn't mapped, it stays root's. */
static void give_pipes(const struct start *st)
{
	for (int i = 0; i <= 2 && st->terminal < 0; i++)
		if (st->spec->process.user.uid != 0 && start_is_pipe_to_give(st, i))
			(void)!fchown(st->options->stdio[i], st->spec->process.user.uid, (gid_t)-1);
}

int start_arrange_fds(struct start *st)
{
	int r;

	give_pipes(st);
	r = place_fds(st, 3 + (int)st->options->extra_fds_len);

	if (r < 0)
		return start_fail(st, -r, "arrange the descriptors", NULL);
	/* A session of its own: no signal of our terminal reaches it, and it can't take our terminal. */
	if (setsid() < 0 && errno != EPERM)
		return start_fail(st, errno, "make a session", NULL);
	if (st->terminal >= 0 && ioctl(0, TIOCSCTTY, 0) < 0)
		return start_fail(st, errno, "take the terminal", "/dev/pts/0");
	start_note(st, 0, "close descriptors", NULL, "it has 0, 1 and 2 and no file of ours besides",
		   "close_range(%d, ~0, 0); setsid()", 3 + (int)st->options->extra_fds_len);
	return 0;
}
