#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

/*
 * What err_set said last in this thread, for callers that pass no `struct err` and yet must get the right
 * number out of err_wrap and err_hint, which always follow an err_set.
 */
static _Thread_local int last_code = EIO;

static void format_at(char *dst, size_t size, const char *fmt, va_list ap)
{
	vsnprintf(dst, size, fmt, ap);
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	last_code = code;
	if (!e)
		return -code;
	e->code = code;
	e->hint[0] = '\0';
	va_start(ap, fmt);
	format_at(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	return -code;
}

int err_errno(struct err *e, int code, const char *fmt, ...)
{
	size_t len;
	va_list ap;

	last_code = code;
	if (!e)
		return -code;
	e->code = code;
	e->hint[0] = '\0';
	va_start(ap, fmt);
	format_at(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	len = strlen(e->msg);
	snprintf(e->msg + len, sizeof(e->msg) - len, ": %s", strerror(code));
	return -code;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	char outer[sizeof(e->msg)];
	size_t len, room;
	va_list ap;

	if (!e)
		return -last_code;
	va_start(ap, fmt);
	format_at(outer, sizeof(outer), fmt, ap);
	va_end(ap);

	len = strlen(outer);
	if (len + 2 >= sizeof(e->msg))
		return -e->code;
	room = sizeof(e->msg) - len - 2;
	memmove(e->msg + len + 2, e->msg, room);
	e->msg[sizeof(e->msg) - 1] = '\0';
	memcpy(e->msg, outer, len);
	memcpy(e->msg + len, ": ", 2);
	return -e->code;
}

int err_hint(struct err *e, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return -last_code;
	if (e->hint[0] == '\0') {
		va_start(ap, fmt);
		format_at(e->hint, sizeof(e->hint), fmt, ap);
		va_end(ap);
	}
	return -e->code;
}

int err_oom(struct err *e)
{
	return err_errno(e, ENOMEM, "cannot allocate");
}

void err_clear(struct err *e)
{
	if (!e)
		return;
	e->code = 0;
	e->msg[0] = '\0';
	e->hint[0] = '\0';
}

static void print_escaped(FILE *f, const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '\n')
			fputs("\n  ", f);
		else if (c == '\t' || (c >= 0x20 && c != 0x7f))
			fputc(c, f);
		else
			fprintf(f, "\\x%02x", c);
	}
}

void err_print(FILE *f, const struct err *e)
{
	err_print_as(f, "cloche", e);
}

void err_print_as(FILE *f, const char *name, const struct err *e)
{
	fprintf(f, "%s: ", name);
	print_escaped(f, e->msg[0] ? e->msg : strerror(e->code));
	fputc('\n', f);
	if (e->hint[0]) {
		fputs("  hint: ", f);
		print_escaped(f, e->hint);
		fputc('\n', f);
	}
}
