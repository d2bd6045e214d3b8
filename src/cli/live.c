#include "cli/live.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static struct winsize terminal_size(void)
{
	struct winsize w = { 0 };

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &w);
	if (!w.ws_col)
		w.ws_col = 80;
	if (!w.ws_row)
		w.ws_row = 24;
	return w;
}

size_t live_columns(void)
{
	return terminal_size().ws_col;
}

size_t live_cut(const char *line, size_t columns)
{
	size_t at = 0;

	while (line[at] && line[at] != '\n') {
		/* The bytes after the first of a character in UTF-8 take no place of their own. */
		if (((unsigned char)line[at] & 0xc0) != 0x80 && columns-- == 0)
			break;
		at++;
	}
	return at;
}

static int show(const char *text)
{
	struct winsize w = terminal_size();

	fputs("\033[H", stdout);
	for (unsigned row = 0; *text && row < w.ws_row; row++) {
		size_t cut = live_cut(text, w.ws_col), len = strcspn(text, "\n");

		/* Each line wipes what is behind it; the last row gets no newline, which would scroll. */
		printf("%s%.*s\033[K", row ? "\r\n" : "", (int)cut, text);
		text += len + (text[len] == '\n');
	}
	fputs("\033[J", stdout);
	errno = 0;
	return fflush(stdout) == EOF || ferror(stdout) ? -(errno ? errno : EIO) : 0;
}

int live_begin(struct live_frame *ret, struct err *err)
{
	*ret = (struct live_frame){ 0 };
	ret->f = open_memstream(&ret->text, &ret->len);
	return ret->f ? 0 : err_oom(err);
}

int live_end(struct live_frame *frame, int r, struct err *err)
{
	if (fclose(frame->f) == EOF && r >= 0)
		r = err_oom(err);
	if (r >= 0) {
		r = show(frame->text);
		if (r < 0)
			err_errno(err, -r, "write to stdout");
	}
	free(frame->text);
	return r;
}
