/* What `images`, `history` and `ps` print: rows of named fields, as a table, as JSON, or by a template. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* A field of a row, and what stands above its column. */
struct listing_column {
	const char *field, *header;
};

struct listing {
	const char *format;	 /* the user's --format; NULL: table */
	const char *table;	 /* the default: "{{.Repository}}\t{{.Tag}}" */
	const char *quiet_field; /* the only field printed with QUIET */
	bool quiet;
	const struct listing_column *columns; /* ended by a NULL field */
};

/*
 * Prints ROWS (an array of objects whose fields are strings). --format is "json" (one object a line),
 * "table TEMPLATE", or TEMPLATE.
 */
int listing_print(FILE *f, const struct listing *l, json_t *rows, struct err *err);

/* The same a row at a time, which takes less memory for many. */
struct listing_output {
	struct template *template;
	struct buf text;
	bool is_table;
};
/* L is borrowed only for the call. */
int listing_open(const struct listing *l, struct listing_output *ret, struct err *err);
int listing_add(struct listing_output *o, json_t *row, struct err *err);
/* Prints them. */
int listing_close(struct listing_output *o, FILE *f, struct err *err);
void listing_output_done(struct listing_output *o);
#define autolisting CLEANUP(listing_output_done)

/*
 * Prints ROWS as `inspect` does: the whole array for people, or each by FORMAT (a template, or "json"
 * for the array on one line).
 */
int listing_inspect(FILE *f, const char *format, json_t *rows, struct err *err);

/* Cells parted by tabs, lines by newlines: pads each column to its widest cell, three blanks between, as docker does. */
int table_print(FILE *f, const char *text, struct err *err);
