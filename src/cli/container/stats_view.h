/* How `stats` shows containers: a row each, and on a terminal a small graph. */
#pragma once

#include "base/err.h"
#include "engine/container/stats.h"
#include "store/containers.h"

#include <stdbool.h>
#include <stdio.h>

enum { STATS_HISTORY = 24, STATS_GRAPH_MIN = 6 };

struct stats_row {
	char id[CONTAINER_ID_MAX];
	char *name; /* owned */
	struct container_sample before, now;
	uint16_t cpu[STATS_HISTORY], memory[STATS_HISTORY]; /* percent, the newest last */
};
DEFINE_VEC(stats_rows, struct stats_row)
void stats_rows_done(struct stats_rows *rows);

struct stats_view {
	const char *format; /* the user's, or NULL */
	bool no_trunc;
	bool utf8;	/* graphs may be of blocks */
	size_t columns; /* of the terminal, if it is shown live, with graphs; 0 if not */
};

/* Takes in the newest sample. */
void stats_row_push(struct stats_row *row, const struct container_sample *sample);
/* Prints them all, and what is to be said about where the numbers come from. */
int stats_print(FILE *f, const struct stats_view *view, const struct stats_rows *rows, struct err *err);

/* VALUES (0 to MAX) as LEN characters, of blocks or of plain ones. For tests. */
void stats_graph(const uint16_t *values, size_t len, uint16_t max, bool utf8, char *dst, size_t size);
