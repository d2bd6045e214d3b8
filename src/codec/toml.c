#include "codec/toml.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

struct reader {
	const char *p, *name;
	unsigned line;
	char table[TOML_NAME_MAX], key[TOML_NAME_MAX], text[TOML_STRING_MAX];
	int (*on_event)(const struct toml_event *e, void *arg, struct err *err);
	void *arg;
};

static int fail(const struct reader *r, struct err *err, const char *what)
{
	return err_set(err, EBADMSG, "%s:%u: %s", r->name, r->line, what);
}

static void skip_blanks(struct reader *r)
{
	r->p += strspn(r->p, " \t");
}

/* Blanks, comments and ends of lines. */
static void skip_lines(struct reader *r)
{
	for (;;) {
		skip_blanks(r);
		if (*r->p == '#')
			r->p += strcspn(r->p, "\n");
		else if (*r->p == '\n')
			r->line++, r->p++;
		else if (*r->p == '\r' && r->p[1] == '\n')
			r->p++;
		else
			return;
	}
}

static int end_of_line(struct reader *r, struct err *err)
{
	skip_blanks(r);
	if (*r->p == '#')
		r->p += strcspn(r->p, "\n");
	if (*r->p == '\r')
		r->p++;
	return *r->p == '\n' || *r->p == '\0' ? 0 : fail(r, err, "something stands behind the end of the value");
}

/* --- strings --- */

static int escape(struct reader *r, char *ret, struct err *err)
{
	static const char from[] = "btnfr\"\\", to[] = "\b\t\n\f\r\"\\";
	const char *at = *r->p ? strchr(from, *r->p) : NULL;

	if (!at)
		return fail(r, err, "an escape that we don't know (\\b \\t \\n \\f \\r \\\" \\\\)");
	*ret = to[at - from];
	r->p++;
	return 0;
}

/* "…" or '…' at the cursor, into DST. */
static int take_quoted(struct reader *r, char *dst, size_t size, struct err *err)
{
	char quote = *r->p++;
	size_t n = 0;

	if (r->p[0] == quote && r->p[1] == quote)
		return fail(r, err, "strings of several lines are not read");
	while (*r->p != quote) {
		char c = *r->p;

		if (c == '\0' || c == '\n')
			return fail(r, err, "a string that doesn't end on its line");
		if (n + 1 >= size)
			return fail(r, err, "a string that is too long");
		r->p++;
		if (c == '\\' && quote == '"' && escape(r, &c, err) < 0)
			return -EBADMSG;
		dst[n++] = c;
	}
	r->p++;
	dst[n] = '\0';
	return 0;
}

static bool is_bare(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

static int take_key(struct reader *r, char *dst, size_t size, struct err *err)
{
	size_t n = 0;

	if (*r->p == '"' || *r->p == '\'')
		return take_quoted(r, dst, size, err);
	while (is_bare(r->p[n]))
		n++;
	if (n == 0)
		return fail(r, err, "a name should stand here");
	if (n >= size)
		return fail(r, err, "a name that is too long");
	memcpy(dst, r->p, n);
	dst[n] = '\0';
	r->p += n;
	return 0;
}

/* --- events --- */

static int tell(struct reader *r, struct toml_event e, struct err *err)
{
	e.line = r->line;
	e.table = r->table;
	return r->on_event(&e, r->arg, err);
}

/* [a.b] or [[a.b]] */
static int take_table(struct reader *r, struct err *err)
{
	bool is_array = r->p[1] == '[';
	size_t len = 0;
	int e = 0;

	r->p += is_array ? 2 : 1;
	for (;;) {
		skip_blanks(r);
		e = take_key(r, r->table + len, sizeof(r->table) - len, err);
		if (e < 0)
			return e;
		len += strlen(r->table + len);
		skip_blanks(r);
		if (*r->p != '.')
			break;
		if (len + 2 >= sizeof(r->table))
			return fail(r, err, "a name that is too long");
		r->table[len++] = *r->p++;
	}
	if (strncmp(r->p, is_array ? "]]" : "]", is_array ? 2 : 1) != 0)
		return fail(r, err, "the name of a table ends with ]");
	r->p += is_array ? 2 : 1;
	e = end_of_line(r, err);
	return e < 0 ? e : tell(r, (struct toml_event){ .kind = is_array ? TOML_ARRAY_TABLE : TOML_TABLE }, err);
}

static int take_word(struct reader *r, struct toml_event *e, struct err *err)
{
	size_t len = 0;

	while (is_bare(r->p[len]) || r->p[len] == '.' || r->p[len] == '+')
		len++;
	if (len == 4 && memcmp(r->p, "true", 4) == 0) {
		e->kind = TOML_BOOL;
		e->value = true;
	} else if (len == 5 && memcmp(r->p, "false", 5) == 0) {
		e->kind = TOML_BOOL;
	} else if (len > 0 && len < sizeof(r->text) && strspn(r->p, "0123456789+-._eE") >= len) {
		e->kind = TOML_NUMBER;
		memcpy(r->text, r->p, len);
		r->text[len] = '\0';
		e->text = r->text;
	} else {
		return fail(r, err,
			    "a value that isn't read: a string, a number, true, false or an array should stand here");
	}
	r->p += len;
	return 0;
}

static int take_scalar(struct reader *r, struct toml_event e, struct err *err)
{
	int result;

	e.key = r->key;
	if (*r->p == '"' || *r->p == '\'') {
		e.kind = TOML_STRING;
		e.text = r->text;
		result = take_quoted(r, r->text, sizeof(r->text), err);
	} else {
		result = take_word(r, &e, err);
	}
	return result < 0 ? result : tell(r, e, err);
}

static int take_array(struct reader *r, struct err *err)
{
	r->p++;
	for (size_t i = 0;; i++) {
		int e;

		skip_lines(r);
		if (*r->p == ']')
			break;
		if (i >= TOML_ARRAY_MAX)
			return fail(r, err, "an array that is too long");
		e = take_scalar(r, (struct toml_event){ .in_array = true, .index = i }, err);
		if (e < 0)
			return e;
		skip_lines(r);
		if (*r->p == ',')
			r->p++;
		else if (*r->p != ']')
			return fail(r, err, "a comma or ] should stand here");
	}
	r->p++;
	return 0;
}

static int take_pair(struct reader *r, struct err *err)
{
	int e = take_key(r, r->key, sizeof(r->key), err);

	if (e < 0)
		return e;
	skip_blanks(r);
	if (*r->p != '=')
		return fail(r, err, "= should stand behind a name");
	r->p++;
	skip_blanks(r);
	e = *r->p == '[' ? take_array(r, err) : take_scalar(r, (struct toml_event){ 0 }, err);
	return e < 0 ? e : end_of_line(r, err);
}

int toml_read(const char *text, const char *name,
	      int (*on_event)(const struct toml_event *e, void *arg, struct err *err), void *arg, struct err *err)
{
	struct reader r = { .p = text, .name = name, .line = 1, .on_event = on_event, .arg = arg };
	int e = 0;

	for (skip_lines(&r); e >= 0 && *r.p; skip_lines(&r))
		e = *r.p == '[' ? take_table(&r, err) : take_pair(&r, err);
	return e < 0 ? e : 0;
}
