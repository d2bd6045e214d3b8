/*
 * --detach-keys: the keys that leave a terminal without ending what runs there, as docker writes them ("ctrl-p,ctrl-q"):
 * single characters, "ctrl-" and a letter or one of @ [ \ ] ^ _, or "DEL", separated by commas.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum { DETACH_KEYS_MAX = 16 };

struct detach_keys {
	char keys[DETACH_KEYS_MAX];
	size_t len;  /* 0: nothing detaches */
	size_t seen; /* so many of them were typed last, and are held back */
};

/* TEXT NULL: docker's default; "": none. -EINVAL, -E2BIG. */
int detach_keys_parse(const char *text, struct detach_keys *ret, struct err *err);
/*
 * What of TYPED goes on to the program, in DST, which has room for LEN + DETACH_KEYS_MAX bytes; *RET_LEN: how much. True once
 * all the keys were typed, one after the other: what follows them is dropped.
 */
bool detach_keys_filter(struct detach_keys *k, const char *typed, size_t len, char *dst, size_t *ret_len);
