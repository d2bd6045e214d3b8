/* Small questions about strings, and paths as text (nothing here touches the file system). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

bool str_starts_with(const char *s, const char *prefix);
bool str_ends_with(const char *s, const char *suffix);
/* The rest of S behind PREFIX, or NULL if S does not begin with it. */
const char *str_skip_prefix(const char *s, const char *prefix);
/* asprintf that returns the string, NULL without memory. */
char *str_format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Lexically clean: no "." or empty component, ".." taken back as far as the root goes, no trailing
 * slash. Absolute stays absolute ("/" at least); relative never rises above its start (".." at the
 * start is dropped) and is "." when empty. Owned by the caller; NULL without memory.
 */
char *path_clean(const char *path);
/* BASE "/" PATH, or PATH if it is absolute, cleaned as above. */
char *path_resolve(const char *base, const char *path);
/* BASE "/" NAME, just joined with one slash. */
char *path_join(const char *base, const char *name);
/* The part behind the last slash (borrowed). */
const char *path_basename(const char *path);
