/* What somebody may have meant: of the names that there are, the one that takes the fewest slips of the finger. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct nearest {
	const char *typed;
	size_t len;
	const char *best; /* NULL: nothing is near enough to be worth a hint */
	size_t distance;
	bool ignore_case;
};
#define NEAREST_INIT(t, l) ((struct nearest){ .typed = (t), .len = (l), .distance = (size_t)-1 })

/* NAME, which must outlive N, becomes the best if it is nearer than what was tried before. */
void nearest_try(struct nearest *n, const char *name);
