#include "cli/image/build_progress.h"

#include "base/timefmt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { LIVE_LINES = 5 }; /* of output below the line under way */

int build_progress_init(struct build_progress *p, const char *mode, bool quiet, struct err *err)
{
	bool terminal = isatty(STDERR_FILENO) == 1;

	*p = (struct build_progress){ .quiet = quiet };
	if (!mode || strcmp(mode, "auto") == 0)
		p->live = terminal;
	else if (strcmp(mode, "tty") == 0)
		p->live = true;
	else if (strcmp(mode, "plain") != 0)
		return err_set(err, EINVAL, "--progress takes auto, plain or tty, not '%s'", mode);
	return 0;
}

static unsigned terminal_width(void)
{
	struct winsize size;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

/* TEXT cut to at most WIDTH columns, control characters (which could play with the terminal) as '?'. */
static void print_cut(const char *text, unsigned width, bool dots)
{
	unsigned column = 0;
	size_t len = strlen(text);
	bool cut = len > width;

	for (const unsigned char *s = (const unsigned char *)text; *s; s++) {
		if ((*s & 0xc0) != 0x80 && ++column > (cut && dots ? width - 2 : width))
			break;
		fputc(*s < 0x20 || *s == 0x7f ? '?' : *s, stderr);
	}
	if (cut && dots)
		fputs(" …", stderr);
}

/* --- the terminal --- */

static void erase(struct build_progress *p)
{
	if (p->drawn > 0)
		fprintf(stderr, "\r\033[%zuA\033[J", p->drawn);
	p->drawn = 0;
}

static const char *tail_line(const struct build_progress *p, size_t back)
{
	return p->tail[(p->tail_len - back) % PROGRESS_TAIL];
}

static void draw(struct build_progress *p)
{
	unsigned width = terminal_width();
	double seconds = (double)(time_now_us() - p->start_us) / 1e6;
	size_t lines = p->tail_len < LIVE_LINES ? p->tail_len : LIVE_LINES;

	erase(p);
	print_cut(p->title, width - 10, true);
	fprintf(stderr, "  %.1fs\n", seconds);
	for (size_t i = lines; i > 0; i--) {
		fputs("\033[2m  ", stderr);
		print_cut(tail_line(p, i), width - 3, false);
		fputs("\033[0m\n", stderr);
	}
	p->drawn = lines + 1;
}

/* --- output --- */

static void print_line(const char *line)
{
	fputs("  ", stderr);
	print_cut(line, PROGRESS_LINE_MAX, false);
	fputc('\n', stderr);
}

static void end_line(struct build_progress *p)
{
	if (!p->line_open)
		return;
	p->line_open = false;
	if (!p->live && !p->quiet)
		print_line(tail_line(p, 1));
}

static void add_byte(struct build_progress *p, char c)
{
	char *line;

	if (c == '\n') {
		if (!p->line_open) {
			p->tail[p->tail_len++ % PROGRESS_TAIL][0] = '\0';
			p->line_open = true;
		}
		end_line(p);
		return;
	}
	if (!p->line_open) {
		p->tail_len++;
		p->line_len = 0;
		p->line_open = true;
	}
	line = p->tail[(p->tail_len - 1) % PROGRESS_TAIL];
	if (c == '\r')
		p->line_len = 0; /* a progress bar begins its line again */
	else if (p->line_len + 1 < PROGRESS_LINE_MAX)
		line[p->line_len++] = c == '\t' ? ' ' : c;
	if (c != '\r')
		line[p->line_len] = '\0';
}

static void on_output(const char *data, size_t len, void *arg)
{
	struct build_progress *p = arg;

	for (size_t i = 0; i < len; i++)
		add_byte(p, data[i]);
	if (p->live && !p->quiet)
		draw(p);
	fflush(stderr);
}

/* --- steps --- */

static void set_title(struct build_progress *p, const struct build_step *step)
{
	snprintf(p->title, sizeof(p->title), "[%s] %s", step->stage, step->text);
}

static void on_step(const struct build_step *step, void *arg)
{
	struct build_progress *p = arg;

	set_title(p, step);
	p->start_us = time_now_us();
	p->tail_len = 0;
	p->line_open = false;
	p->working = true;
	if (p->quiet)
		return;
	if (p->live) {
		draw(p);
	} else {
		print_cut(p->title, PROGRESS_LINE_MAX, false);
		fputc('\n', stderr);
	}
	fflush(stderr);
}

/* What a failing step said last: the terminal has shown some of it, and --quiet nothing. */
static void print_tail(const struct build_progress *p)
{
	size_t lines = p->tail_len < PROGRESS_TAIL ? p->tail_len : PROGRESS_TAIL;

	for (size_t i = lines; i > 0; i--)
		print_line(tail_line(p, i));
}

static void on_step_end(const struct build_step *step, int result, void *arg)
{
	struct build_progress *p = arg;
	unsigned width = p->live ? terminal_width() - 10 : PROGRESS_LINE_MAX;

	end_line(p);
	if (!p->working)
		set_title(p, step);
	if (p->live)
		erase(p);
	if (!p->quiet || result < 0) {
		bool again = p->working && !p->live && !p->quiet;

		if (again) /* the instruction stands above its output */
			fprintf(stderr, "[%s] ", step->stage);
		else
			print_cut(p->title, width, p->live);
		if (result < 0)
			fputs(again ? "failed" : "  failed", stderr);
		else if (step->cached)
			fputs("  CACHED", stderr);
		fprintf(stderr,
			step->cached	       ? "\n"
			: again && result >= 0 ? "%.1fs\n"
					       : "  %.1fs\n",
			(double)step->us / 1e6);
	}
	if (result < 0 && (p->live || p->quiet))
		print_tail(p);
	p->working = false;
	fflush(stderr);
}

static void on_notice(const char *text, void *arg)
{
	struct build_progress *p = arg;

	if (!p->quiet)
		fprintf(stderr, "cloche: build: %s\n", text);
}

void build_progress_events(struct build_progress *p, struct build_events *ret)
{
	*ret = (struct build_events){ on_step, on_output, on_step_end, on_notice, p };
}
