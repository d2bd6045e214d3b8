/* What lists of containers show of each: a part of its record, in memory that is somebody else's. */
#pragma once

#include "monitor/restart.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

/* Strings one behind the other, each with its NUL. */
struct words {
	const char *first;
	size_t size; /* in bytes, NULs included */
};
/* The words of a string literal: "one\0two". */
#define WORDS(literal)                                                                                                 \
	{                                                                                                              \
		(literal), sizeof(literal)                                                                             \
	}
/* The word behind WORD; the first one if WORD is NULL; NULL: there are no more. */
static inline const char *words_next(const struct words *w, const char *word)
{
	if (!word)
		return w->size ? w->first : NULL;
	word += strlen(word) + 1;
	return word < w->first + w->size ? word : NULL;
}

/* A string that the record doesn't have is "" here. */
struct container_summary {
	const char *id, *name, *image, *image_id, *network;
	struct timespec created;
	enum restart_policy restart;
	bool remove;
	bool has_health;      /* something is checked */
	bool has_private_net; /* its network is a private one */
	struct words args, publish, expose;
	struct words labels; /* key, value, key, value … */
	struct words mounts; /* type, name, source, target, type … */
};
enum { SUMMARY_MOUNT_WORDS = 4 };
