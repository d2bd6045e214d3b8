/*
 * What the fuzzers share. A fuzzer states what must hold of any input (a result that reads back as itself, a
 * limit that is kept) with FUZZ_ASSERT; crashes and undefined behaviour are found by the sanitizers.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FUZZ_ASSERT(condition)                                                                                         \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                 \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input as a string: ends at the first NUL. Owned by the caller. */
static inline char *fuzz_string(const uint8_t *data, size_t size)
{
	char *s = malloc(size + 1);

	FUZZ_ASSERT(s);
	if (size)
		memcpy(s, data, size);
	s[size] = '\0';
	return s;
}
