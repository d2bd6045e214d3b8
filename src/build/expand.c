#include "build/expand.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "build/glob.h"

#include <errno.h>
#include <string.h>

/* Reading position in a word, and what was made of it so far. */
struct reader {
	const struct expand *x;
	const char *start, *at;
	struct buf out;	    /* the word under way */
	struct strv *words; /* where finished words go; NULL: blanks don't part */
	bool any;	    /* the word under way has begun, though it may be empty ("") */
	int depth;
	struct err *err;
};

static int fail(const struct reader *r, const char *message)
{
	return err_set(r->err, EBADMSG, "%s", message);
}

static int check(const struct reader *r)
{
	if (r->out.error == -E2BIG)
		return err_set(r->err, E2BIG, "the expansion is longer than %d bytes", EXPAND_MAX);
	return r->out.error ? err_oom(r->err) : 0;
}

static bool name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

/* The length of the name at P: a usual one, digits, or one of the shell's special parameters; 0: none. */
static size_t name_length(const char *p)
{
	size_t len = 0;

	if (name_start(*p)) {
		while (name_start(p[len]) || digit(p[len]))
			len++;
		return len;
	}
	if (digit(*p)) {
		while (digit(p[len]))
			len++;
		return len;
	}
	return *p && strchr("@*#?-$!", *p) ? 1 : 0;
}

static int expand_until(struct reader *r, char stop);

/* The text up to STOP (which is consumed), expanded by itself: the w of ${x:-w}. */
static int expand_inner(struct reader *r, char stop, char **ret)
{
	struct reader inner = { .x = r->x,
				.start = r->start,
				.at = r->at,
				.out = BUF_INIT(EXPAND_MAX),
				.depth = r->depth + 1,
				.err = r->err };
	int res;

	if (inner.depth > EXPAND_DEPTH_MAX)
		return err_set(r->err, E2BIG, "variables are nested deeper than %d", EXPAND_DEPTH_MAX);
	res = expand_until(&inner, stop);
	if (res >= 0)
		res = check(&inner);
	r->at = inner.at;
	if (res >= 0 && *r->at != stop)
		res = fail(r, "'}' is missing");
	if (res >= 0) {
		r->at++;
		*ret = buf_take(&inner.out);
		if (!*ret)
			res = err_oom(r->err);
	}
	buf_done(&inner.out);
	return res;
}

/* The pattern up to STOP or, with ALSO, up to that; as it stands, variables not expanded but escapes kept for the glob. */
static int take_pattern(struct reader *r, char stop, char also, struct glob *ret)
{
	const char *p = r->at;
	autofree char *text = NULL;

	while (*p && *p != stop && *p != also)
		p += *p == r->x->escape && p[1] ? 2 : 1;
	if (!*p)
		return fail(r, "'}' is missing");
	text = strndup(r->at, (size_t)(p - r->at));
	if (!text)
		return err_oom(r->err);
	r->at = p;
	if (glob_init(ret, text, r->x->escape) < 0)
		return err_set(r->err, E2BIG, "the pattern is longer than %d bytes", EXPAND_PATTERN_MAX);
	return 0;
}

/* ${x#p} and its three siblings; r->at is behind the first operator character OP. */
static int remove_match(struct reader *r, const char *value, char op)
{
	size_t len = value ? strlen(value) : 0;
	bool greedy = *r->at == op;
	struct glob g;
	long n;
	int res;

	r->at += greedy;
	res = take_pattern(r, '}', '}', &g);
	if (res < 0)
		return res;
	r->at++;
	if (len == 0)
		return 0;
	n = op == '#' ? glob_match_start(&g, value, len, greedy) : glob_match_end(&g, value, len, greedy);
	if (n < 0)
		n = 0;
	return buf_add(&r->out, op == '#' ? value + n : value, len - (size_t)n);
}

/* ${x/p/r} and ${x//p/r}; r->at is behind the first slash. */
static int replace_matches(struct reader *r, const char *value)
{
	size_t len = value ? strlen(value) : 0, i = 0;
	autofree char *replacement = NULL;
	bool all = *r->at == '/';
	struct glob g;
	int res;

	r->at += all;
	res = take_pattern(r, '/', '}', &g);
	if (res < 0)
		return res;
	if (*r->at == '/') {
		r->at++;
		res = expand_inner(r, '}', &replacement);
		if (res < 0)
			return res;
	} else {
		r->at++;
	}
	if (len > EXPAND_SEARCHED_MAX)
		return err_set(r->err, E2BIG, "the value is longer than %d bytes: too long to replace in",
			       EXPAND_SEARCHED_MAX);
	while (i < len) {
		long n = glob_match_start(&g, value + i, len - i, true);

		if (n <= 0) {
			buf_add_char(&r->out, value[i++]);
			continue;
		}
		buf_add_str(&r->out, replacement ? replacement : "");
		i += (size_t)n;
		if (!all)
			break;
	}
	return i < len ? buf_add(&r->out, value + i, len - i) : 0;
}

/* ${x:-w} and the like; r->at is at the character after the optional colon. */
static int choose(struct reader *r, const char *name, const char *value, bool colon)
{
	bool set = value && (!colon || *value);
	autofree char *word = NULL;
	char op = *r->at++;
	int res = expand_inner(r, '}', &word);

	if (res < 0)
		return res;
	switch (op) {
	case '-':
		return buf_add_str(&r->out, set ? value : word);
	case '+':
		return set ? buf_add_str(&r->out, word) : 0;
	default:
		if (!set)
			return err_set(r->err, EBADMSG, "%s: %s", name, *word ? word : "is not allowed to be unset");
		return buf_add_str(&r->out, value);
	}
}

/* r->at is behind "${". */
static int expand_braces(struct reader *r)
{
	size_t len = name_length(r->at);
	autofree char *name = strndup(r->at, len);
	const char *value;
	bool colon;

	if (!name)
		return err_oom(r->err);
	if (len == 0)
		return fail(r, *r->at ? "bad substitution: a name must follow '${'" : "'}' is missing");
	r->at += len;
	value = r->x->lookup(r->x->arg, name);
	colon = *r->at == ':';
	switch (r->at[colon]) {
	case '}':
		if (colon)
			break;
		r->at++;
		return value ? buf_add_str(&r->out, value) : 0;
	case '-':
	case '+':
	case '?':
		r->at += colon;
		return choose(r, name, value, colon);
	case '#':
	case '%':
		if (colon)
			break;
		return remove_match(r, value, *r->at++);
	case '/':
		if (colon)
			break;
		r->at++;
		return replace_matches(r, value);
	case '\0':
		return fail(r, "'}' is missing");
	default:
		break;
	}
	return fail(r, "bad substitution: after the name only } - + ? # % / and :- :+ :? may stand");
}

/* r->at is at '$'. */
static int expand_dollar(struct reader *r)
{
	autofree char *name = NULL;
	const char *value;
	size_t len;

	if (r->at[1] == '{') {
		r->at += 2;
		return expand_braces(r);
	}
	len = name_length(r->at + 1);
	if (len == 0 || (!name_start(r->at[1]) && !digit(r->at[1]))) {
		/* A special parameter has no value in a Dockerfile; any other '$' stands for itself. */
		if (len == 0)
			buf_add_char(&r->out, '$');
		r->at += 1 + len;
		return 0;
	}
	name = strndup(r->at + 1, len);
	if (!name)
		return err_oom(r->err);
	r->at += 1 + len;
	value = r->x->lookup(r->x->arg, name);
	return value ? buf_add_str(&r->out, value) : 0;
}

static int single_quoted(struct reader *r)
{
	const char *end = strchr(r->at + 1, '\'');

	if (!end)
		return fail(r, "the single quote is not closed");
	buf_add(&r->out, r->at + 1, (size_t)(end - r->at - 1));
	r->at = end + 1;
	return 0;
}

static int double_quoted(struct reader *r)
{
	const char *open = r->at++;

	while (*r->at && *r->at != '"') {
		int res = 0;

		if (*r->at == '$') {
			res = expand_dollar(r);
		} else if (*r->at == r->x->escape && r->at[1]) {
			/* Inside double quotes only these lose the escape character in front. */
			if (r->at[1] != '"' && r->at[1] != '$' && r->at[1] != r->x->escape)
				buf_add_char(&r->out, *r->at);
			buf_add_char(&r->out, r->at[1]);
			r->at += 2;
		} else {
			buf_add_char(&r->out, *r->at++);
		}
		if (res < 0)
			return res;
	}
	if (!*r->at) {
		r->at = open;
		return fail(r, "the double quote is not closed");
	}
	r->at++;
	return 0;
}

static int end_word(struct reader *r)
{
	char *word;

	if (!r->any)
		return 0;
	r->any = false;
	if (check(r) < 0)
		return r->out.error;
	word = strndup(buf_str(&r->out), r->out.len);
	buf_reset(&r->out);
	return strv_take(r->words, word) < 0 ? err_oom(r->err) : 0;
}

/* Blanks that a variable's value brings part words too, outside quotes. */
static int part_value(struct reader *r, size_t from)
{
	autofree char *added = NULL;

	if (!r->words || r->out.error || r->out.len == from)
		return 0;
	added = strdup(r->out.data + from);
	if (!added)
		return err_oom(r->err);
	r->out.len = from;
	r->out.data[from] = '\0';
	for (const char *p = added; *p; p++) {
		if (blank(*p)) {
			if (end_word(r) < 0)
				return -ENOMEM;
		} else {
			r->any = true;
			buf_add_char(&r->out, *p);
		}
	}
	return 0;
}

static int take_char(struct reader *r)
{
	r->any = true;
	if (*r->at == r->x->escape && (!r->x->document || r->at[1] == '$' || r->at[1] == r->x->escape))
		r->at++; /* the next one stands for itself; at the end, the escape is dropped */
	if (*r->at)
		buf_add_char(&r->out, *r->at++);
	return 0;
}

static int expand_one(struct reader *r)
{
	size_t from = r->out.len;
	bool quotes = !r->x->document;
	int res;

	if (*r->at == '$') {
		res = expand_dollar(r);
		return res < 0 ? res : part_value(r, from);
	}
	if (quotes && (*r->at == '\'' || *r->at == '"')) {
		r->any = true;
		return *r->at == '"' ? double_quoted(r) : single_quoted(r);
	}
	if (r->words && blank(*r->at)) {
		r->at++;
		return end_word(r);
	}
	return take_char(r);
}

static int expand_until(struct reader *r, char stop)
{
	while (*r->at && *r->at != stop) {
		int res = expand_one(r);

		if (res >= 0)
			res = check(r);
		if (res < 0)
			return res;
	}
	return 0;
}

static int run(struct reader *r, size_t *ret_at)
{
	int res = expand_until(r, '\0');

	if (res >= 0 && r->words)
		res = end_word(r);
	if (res >= 0)
		res = check(r);
	if (ret_at)
		*ret_at = (size_t)(r->at - r->start);
	return res;
}

int expand_word(const struct expand *x, const char *word, char **ret, size_t *ret_at, struct err *err)
{
	struct reader r = { .x = x, .start = word, .at = word, .out = BUF_INIT(EXPAND_MAX), .err = err };
	int res = run(&r, ret_at);

	if (res >= 0) {
		*ret = buf_take(&r.out);
		if (!*ret)
			res = err_oom(err);
	}
	buf_done(&r.out);
	return res < 0 ? res : 0;
}

int expand_words(const struct expand *x, const char *word, struct strv *ret, size_t *ret_at, struct err *err)
{
	struct reader r = { .x = x, .start = word, .at = word, .out = BUF_INIT(EXPAND_MAX), .words = ret, .err = err };
	int res = run(&r, ret_at);

	buf_done(&r.out);
	return res < 0 ? res : 0;
}
