/*
 * How far a pull or a push has come: one line that is drawn over again on a terminal, a line for each layer elsewhere, or
 * JSON objects, one a line (--progress json). All of it goes to standard error.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { TRANSFERS_MAX = 512 };

struct transfer_progress {
	FILE *f;
	bool is_terminal, json, quiet;
	const char *verb; /* "pulling" */
	size_t layers;
	uint64_t total, shown_at_us;
	struct {
		uint64_t id, bytes, size;
		size_t layer;
	} transfers[TRANSFERS_MAX];
	size_t len;
};

/* WORD: "auto", "plain", "json" or NULL. -EINVAL. */
int transfer_progress_init(struct transfer_progress *p, const char *word, const char *verb, bool quiet,
			   struct err *err);
/* So many layers of TOTAL bytes make the image. */
void transfer_progress_image(struct transfer_progress *p, size_t layers, uint64_t total);
/* Transfer ID moves LAYER. */
void transfer_progress_layer(uint64_t id, size_t layer, uint64_t size, void *progress);
void transfer_progress_bytes(uint64_t id, uint64_t bytes, void *progress);
/* Wipes the line. */
void transfer_progress_end(struct transfer_progress *p);
