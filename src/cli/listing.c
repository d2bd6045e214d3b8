#include "cli/listing.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/template/template.h"
#include "oci/json.h"

#include <errno.h>
#include <string.h>

enum { OUTPUT_MAX = 256 << 20, COLUMNS_MAX = 32, COLUMN_GAP = 3, COLUMN_WIDTH_MIN = 7 };

/* Characters of UTF-8, which is what a terminal shows (nearly). */
static size_t display_width(const char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)s[i] & 0xc0) != 0x80;
	return n;
}

/* Calls of the cell at *P: returns its length, moves *P behind it; *RET_LAST says whether the line ends there. */
static size_t next_cell(const char **p, bool *ret_last)
{
	size_t len = strcspn(*p, "\t\n");

	*ret_last = (*p)[len] != '\t';
	*p += len + ((*p)[len] != '\0');
	return len;
}

static void measure(const char *text, size_t widths[static COLUMNS_MAX])
{
	size_t column = 0;

	while (*text) {
		const char *cell = text;
		bool last;
		size_t len = next_cell(&text, &last), width = display_width(cell, len);

		if (column < COLUMNS_MAX && !last && width > widths[column])
			widths[column] = width;
		column = last ? 0 : column + 1;
	}
}

int table_print(FILE *f, const char *text, struct err *err)
{
	size_t widths[COLUMNS_MAX], column = 0;

	for (size_t i = 0; i < COLUMNS_MAX; i++)
		widths[i] = COLUMN_WIDTH_MIN;
	measure(text, widths);
	while (*text) {
		const char *cell = text;
		bool last;
		size_t len = next_cell(&text, &last);

		fwrite(cell, 1, len, f);
		if (!last && column < COLUMNS_MAX)
			fprintf(f, "%*s", (int)(widths[column] - display_width(cell, len) + COLUMN_GAP), "");
		if (last)
			fputc('\n', f);
		column = last ? 0 : column + 1;
	}
	return ferror(f) ? err_errno(err, errno, "write") : 0;
}

/* The row that stands above: each field is its own heading. */
static json_t *headers(const struct listing *l)
{
	autojson json_t *row = json_object();

	for (const struct listing_column *c = l->columns; row && c->field; c++)
		if (json_add_string(row, c->field, c->header) < 0)
			return NULL;
	return TAKE_PTR(row);
}

/* What a row is printed by; *RET_TABLE: in columns. */
static const char *template_text(const struct listing *l, bool *ret_table)
{
	const char *format = l->format, *columns;

	*ret_table = true;
	if (!format || strcmp(format, "table") == 0)
		return l->table;
	columns = str_skip_prefix(format, "table ");
	if (columns)
		return columns;
	*ret_table = false;
	return strcmp(format, "json") == 0 ? "{{json .}}" : format;
}

int listing_open(const struct listing *l, struct listing_output *ret, struct err *err)
{
	autolisting struct listing_output o = { .text = BUF_INIT(OUTPUT_MAX) };
	autofree char *only = l->quiet ? str_format("{{.%s}}", l->quiet_field) : NULL;
	autojson json_t *head = NULL;
	int r;

	if (l->quiet && !only)
		return err_oom(err);
	r = template_parse(only ? only : template_text(l, &o.is_table), &o.template, err);
	if (r < 0)
		return r;
	if (o.is_table) {
		head = headers(l);
		r = head ? listing_add(&o, head, err) : err_oom(err);
	}
	if (r < 0)
		return r;
	*ret = o;
	o = (struct listing_output){ 0 };
	return 0;
}

int listing_add(struct listing_output *o, json_t *row, struct err *err)
{
	int r = template_render(o->template, row, true, &o->text, err);

	buf_add_char(&o->text, '\n');
	return r;
}

int listing_close(struct listing_output *o, FILE *f, struct err *err)
{
	if (o->text.error)
		return err_errno(err, -o->text.error, "format");
	if (o->is_table)
		return table_print(f, buf_str(&o->text), err);
	fputs(buf_str(&o->text), f);
	return 0;
}

void listing_output_done(struct listing_output *o)
{
	template_free(o->template);
	buf_done(&o->text);
}

int listing_print(FILE *f, const struct listing *l, json_t *rows, struct err *err)
{
	autolisting struct listing_output o = { 0 };
	int r = listing_open(l, &o, err);
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (r >= 0)
			r = listing_add(&o, row, err);
	}
	return r < 0 ? r : listing_close(&o, f, err);
}

static int print_lines(FILE *f, const char *format, json_t *rows, struct err *err)
{
	autotemplate struct template *t = NULL;
	autobuf struct buf out = BUF_INIT(OUTPUT_MAX);
	json_t *row;
	size_t i;
	int r = template_parse(format, &t, err);

	if (r < 0)
		return r;
	json_array_foreach(rows, i, row)
	{
		r = template_render(t, row, true, &out, err);
		if (r < 0)
			return r;
		buf_add_char(&out, '\n');
	}
	if (out.error)
		return err_errno(err, -out.error, "format");
	fputs(buf_str(&out), f);
	return 0;
}

int listing_inspect(FILE *f, const char *format, json_t *rows, struct err *err)
{
	autobuf struct buf out = BUF_INIT(OUTPUT_MAX);
	int r;

	if (format && strcmp(format, "json") != 0)
		return print_lines(f, format, rows, err);
	r = format ? json_write(rows, &out, err) : json_write_pretty(rows, &out, err);
	if (r < 0)
		return r;
	fputs(buf_str(&out), f);
	fputc('\n', f);
	return 0;
}
