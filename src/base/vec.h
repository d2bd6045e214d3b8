/*
 * Typed growable arrays, and the one for strings.
 *
 *     DEFINE_VEC(fds, int)          // struct fds { int *items; size_t len, cap; }
 *     fds_push(&v, 3)               // 0 or -ENOMEM
 *     free(v.items)                 // elements that own something are released by their owner
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define DEFINE_VEC(name, type)                                                                                         \
	struct name {                                                                                                  \
		type *items;                                                                                           \
		size_t len, cap;                                                                                       \
	};                                                                                                             \
	__attribute__((unused)) static inline int name##_push(struct name *v, type item)                               \
	{                                                                                                              \
		if (v->len == v->cap) {                                                                                \
			size_t cap = v->cap ? v->cap * 2 : 8;                                                          \
			type *items = reallocarray(v->items, cap, sizeof(type));                                       \
			if (!items)                                                                                    \
				return -ENOMEM;                                                                        \
			v->items = items;                                                                              \
			v->cap = cap;                                                                                  \
		}                                                                                                      \
		v->items[v->len++] = item;                                                                             \
		return 0;                                                                                              \
	}

/*
 * A list of owned strings. `items` is NULL or ends with a NULL pointer that does not count, so it
 * serves as argv.
 */
struct strv {
	char **items;
	size_t len, cap;
};

void strv_done(struct strv *v);
#define autostrv CLEANUP(strv_done)

/* Append a copy; 0 or -ENOMEM. */
int strv_add(struct strv *v, const char *s);
int strv_addn(struct strv *v, const char *s, size_t len);
int strv_addf(struct strv *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Append S itself, which V then owns, also on failure; 0 or -ENOMEM (S NULL counts as that). */
int strv_take(struct strv *v, char *s);
/* Append copies of all of SRC. */
int strv_add_all(struct strv *v, const struct strv *src);
/* Removes the string at index AT, keeping the order. */
void strv_remove(struct strv *v, size_t at);
bool strv_contains(const struct strv *v, const char *s);
/* Sorts bytewise. */
void strv_sort(struct strv *v);

/*
 * Environment lists ("NAME=value"). strv_env_set replaces the entry of the same name or appends;
 * strv_env_get returns the borrowed value or NULL; strv_env_unset removes.
 */
int strv_env_set(struct strv *v, const char *name_value);
const char *strv_env_get(const struct strv *v, const char *name);
void strv_env_unset(struct strv *v, const char *name);
