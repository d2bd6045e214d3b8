#include "monitor/monitor.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <string.h>
#include <unistd.h>

enum { END_OF_INPUT = 4 /* ^D */ };

static int input_fd(const struct monitor *m)
{
	return (int)(m->c.console >= 0 ? m->c.console : m->c.in);
}

static void close_input(struct monitor *m)
{
	if (m->c.in >= 0)
		close((int)m->c.in);
	m->c.in = -1;
	m->input_ends = false;
}

void input_pump(struct monitor *m)
{
	int fd = input_fd(m);
	ssize_t n = fd < 0 ? -1 : write(fd, m->input, m->input_len);

	if (fd < 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		/* Nobody reads any more. */
		m->input_len = 0;
		close_input(m);
		return;
	}
	if (n <= 0)
		return;
	memmove(m->input, m->input + n, m->input_len - (size_t)n);
	m->input_len -= (size_t)n;
	if (m->input_len == 0 && m->input_ends)
		close_input(m);
}

void input_end(struct monitor *m)
{
	if (m->c.console >= 0) {
		if (m->input_len < sizeof(m->input))
			m->input[m->input_len++] = END_OF_INPUT;
		input_pump(m);
	} else if (m->input_len > 0) {
		m->input_ends = true;
	} else {
		close_input(m);
	}
}

void input_resize(struct monitor *m, const struct attach_size *size, bool redraw)
{
	struct winsize w = { .ws_row = size->rows, .ws_col = size->columns }, now;

	if (m->c.console < 0 || !size->rows || !size->columns)
		return;
	/* The kernel tells the programs only of a change. */
	if (redraw && ioctl((int)m->c.console, TIOCGWINSZ, &now) == 0 && now.ws_row == w.ws_row &&
	    now.ws_col == w.ws_col) {
		now.ws_row++;
		ioctl((int)m->c.console, TIOCSWINSZ, &now);
	}
	ioctl((int)m->c.console, TIOCSWINSZ, &w);
}
