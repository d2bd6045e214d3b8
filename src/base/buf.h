/*
 * A growable run of bytes that declares its maximum, so that nothing from outside can make it grow
 * without limit. The bytes are always followed by a NUL that does not count, so `data` serves as a C
 * string where the content has no NUL of its own.
 *
 * A failure (no memory, over the maximum) sticks: later appends do nothing, and buf_error tells. So a
 * writer may append many times and check once.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	char *data; /* NULL until the first byte; owned */
	size_t len, cap, max;
	int error; /* 0, -ENOMEM or -E2BIG */
};

/* An empty buffer of at most MAX bytes. */
#define BUF_INIT(max_bytes) ((struct buf){ .max = (max_bytes) })

void buf_done(struct buf *b);
#define autobuf CLEANUP(buf_done)

/* Each returns 0, or b->error: -ENOMEM, -E2BIG. */
int buf_reserve(struct buf *b, size_t more);
int buf_add(struct buf *b, const void *data, size_t len);
int buf_add_str(struct buf *b, const char *s);
int buf_add_char(struct buf *b, char c);
int buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int buf_vaddf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* Forgets the content, keeps the memory, clears the error. */
void buf_reset(struct buf *b);
/* Removes N bytes at the front; N <= len. */
void buf_consume(struct buf *b, size_t n);
/* The content as a string that the caller owns; "" if there is none; NULL on error. Empties B. */
char *buf_take(struct buf *b);
/* The content as a borrowed C string, never NULL. */
const char *buf_str(const struct buf *b);
