/* Lists of small numbers, as the kernel writes processors and memory nodes: "0-3,7". Private to runtime/. */
#pragma once

enum { NUMBERS_MAX = 4096 };

struct number_set {
	unsigned long bits[NUMBERS_MAX / (8 * sizeof(unsigned long))];
};

/* Async-signal-safe. -EINVAL: no such list, or an empty one, or numbers of NUMBERS_MAX and above. RET is set only on success. */
int number_set_parse(const char *text, struct number_set *ret);
