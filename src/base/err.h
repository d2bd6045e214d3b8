/*
 * Errors that grow context as they rise.
 *
 * A fallible function returns 0 or more, or a negative errno, and takes a `struct err *` last. The
 * function in which the failure begins fills it in (err_set, err_errno); each layer above puts its own
 * context in front, once (err_wrap); only commands print it (err_print). The result reads from the
 * outside in:
 *
 *     run: image 'web': layer 3 of 5: blob sha256:9f…: No such file or directory
 *       hint: pull the image again
 *
 * A NULL `struct err *` is allowed everywhere: the caller then wants the number only. Input from outside
 * that breaks its format is EBADMSG throughout; over a stated limit it is E2BIG.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

struct err {
	int code;	/* positive errno; 0: no error */
	char msg[1536]; /* always NUL-terminated; cut at the end when it would not fit */
	char hint[512]; /* what would help; empty if nothing is known */
};

/* Fills in E with CODE (positive errno) and the message; returns -CODE. errno's text is not added. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* As err_set, and adds ": " and the text of CODE; returns -CODE. */
int err_errno(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Puts "<message>: " in front of what E says; returns -E->code (where E is NULL, minus the code that was set last). */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Sets the remedy; the first one set is kept, since it is nearest to the cause. Returns -E->code. */
int err_hint(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Out of memory, said in one way everywhere; returns -ENOMEM. */
int err_oom(struct err *e);

/* Back to "no error". */
void err_clear(struct err *e);

/* As err_print, with the program's NAME in front. */
void err_print_as(FILE *f, const char *name, const struct err *e);
/* Writes "cloche: <msg>\n" and, if there is one, "  hint: <hint>\n" to F; control characters are escaped. */
void err_print(FILE *f, const struct err *e);
