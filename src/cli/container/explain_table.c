#include "cli/container/explain_table.h"

#include "base/cleanup.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DIM "\033[2m"
#define BOLD "\033[1m"
#define RED "\033[31m"
#define NORMAL "\033[0m"

enum { WHAT_WIDTH = 34, LEFT_WIDTH = 17 };

struct explain_table explain_table_init(FILE *out)
{
	struct explain_table t = { .out = out };
	struct winsize size;
	const char *no_color = getenv("NO_COLOR");

	if (isatty(fileno(out)) && ioctl(fileno(out), TIOCGWINSZ, &size) == 0)
		t.width = size.ws_col ? size.ws_col : 80;
	t.color = t.width && !(no_color && *no_color);
	return t;
}

static void format_time(uint64_t ns, char dst[static 16])
{
	if (ns < 1000)
		snprintf(dst, 16, "%u ns", (unsigned)ns);
	else if (ns < 10000000)
		snprintf(dst, 16, "%u us", (unsigned)(ns / 1000));
	else
		snprintf(dst, 16, "%u ms", (unsigned)(ns / 1000000));
}

static const char *style(const struct explain_table *t, const char *code)
{
	return t->color ? code : "";
}

/* Text that fits into a line of a terminal is not broken; the rest is cut, and whole elsewhere. */
static int room(const struct explain_table *t, int used)
{
	return !t->width ? 4096 : t->width > used ? t->width - used : 1;
}

/* IDs and digests of 64 digits are cut to 12, as elsewhere. Into DST, which is as large as TEXT with its NUL. */
static void shorten(const char *text, char *dst)
{
	while (*text) {
		size_t len = strspn(text, "0123456789abcdef");

		if (len == 64) {
			dst += snprintf(dst, 64, "%.12s...", text);
			text += len;
			continue;
		}
		len = len ? len : 1;
		memcpy(dst, text, len);
		dst += len;
		text += len;
	}
	*dst = '\0';
}

void explain_table_step(const struct runtime_step *step, void *arg)
{
	struct explain_table *t = arg;
	autofree char *what = strdup(step->what), *call = strdup(step->call);
	char time[16];

	if (!what || !call)
		return;
	shorten(step->what, what);
	shorten(step->call, call);

	if (!t->steps)
		fprintf(t->out, "%s %3s  %9s  %-*s %s%s\n", style(t, BOLD), "#", "time", WHAT_WIDTH, "step",
			"system call", style(t, NORMAL));
	format_time(step->ns, time);
	t->total_ns += step->ns;
	fprintf(t->out, " %3zu  %9s  %s%-*s%s %.*s\n", ++t->steps, time, style(t, BOLD), WHAT_WIDTH, what,
		style(t, NORMAL), room(t, LEFT_WIDTH + WHAT_WIDTH + 1), call);
	if (step->result < 0)
		fprintf(t->out, "%*s%s%s%s\n", LEFT_WIDTH, "", style(t, RED), strerror(-step->result),
			style(t, NORMAL));
	if (*step->effect)
		fprintf(t->out, "%*s%s%.*s%s\n", LEFT_WIDTH, "", style(t, DIM), room(t, LEFT_WIDTH), step->effect,
			style(t, NORMAL));
	fflush(t->out);
}
