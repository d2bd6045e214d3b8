/*
 * Reads a template's text into a tree. The text is parted into literal text and actions in {{ }}; if, range
 * and with open a list of nodes that end closes.
 */
#include "cli/template/template.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/template/tree.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct parser {
	const char *text, *at; /* at: inside an action, what is read next */
	struct err *err;
	int depth;
};

/* --- release --- */

static void pipeline_done(struct pipeline *p);

static void operand_done(struct operand *o)
{
	free(o->name);
	json_decref(o->value);
	strv_done(&o->path);
	if (o->paren) {
		pipeline_done(o->paren);
		free(o->paren);
	}
}

static void pipeline_done(struct pipeline *p)
{
	for (size_t i = 0; i < p->calls.len; i++) {
		struct operands *operands = &p->calls.items[i].operands;

		for (size_t n = 0; n < operands->len; n++)
			operand_done(&operands->items[n]);
		free(operands->items);
	}
	free(p->calls.items);
}

static void nodes_done(struct nodes *nodes)
{
	for (size_t i = 0; i < nodes->len; i++) {
		struct node *n = nodes->items[i];

		free(n->text);
		free(n->key_name);
		free(n->value_name);
		pipeline_done(&n->pipeline);
		nodes_done(&n->body);
		nodes_done(&n->otherwise);
		free(n);
	}
	free(nodes->items);
}

void template_free(struct template *t)
{
	if (!t)
		return;
	nodes_done(&t->nodes);
	free(t);
}

/* --- inside an action --- */

static int wrong(struct parser *p, const char *what)
{
	return err_set(p->err, EINVAL, "format: %s at '%.40s'", what, p->at);
}

static void skip_blanks(struct parser *p)
{
	while (*p->at == ' ' || *p->at == '\t' || *p->at == '\n')
		p->at++;
}

static bool at_close(const struct parser *p)
{
	return str_starts_with(p->at, "}}") || str_starts_with(p->at, "-}}");
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static char *take_word(struct parser *p)
{
	const char *start = p->at;

	while (is_word(*p->at))
		p->at++;
	return strndup(start, (size_t)(p->at - start));
}

/* .A.B.C; names may hold no dashes, as in Go. */
static int read_path(struct parser *p, struct strv *path)
{
	while (*p->at == '.' && is_word(p->at[1])) {
		p->at++;
		if (strv_take(path, take_word(p)) < 0)
			return err_oom(p->err);
	}
	return 0;
}

static char unescape(char c)
{
	return c == 'n' ? '\n' : c == 't' ? '\t' : c;
}

static int read_string(struct parser *p, struct operand *o)
{
	char quote = *p->at++;
	autobuf struct buf text = BUF_INIT(65536);

	for (; *p->at && *p->at != quote; p->at++) {
		bool escaped = quote == '"' && *p->at == '\\' && p->at[1];

		buf_add_char(&text, escaped ? unescape(*++p->at) : *p->at);
	}
	if (!*p->at)
		return wrong(p, "a string has no end");
	p->at++;
	o->kind = OPERAND_VALUE;
	o->value = json_string(buf_str(&text));
	return o->value ? 0 : err_oom(p->err);
}

static int read_number(struct parser *p, struct operand *o)
{
	char *end;
	long long value = strtoll(p->at, &end, 10);

	if (end == p->at || is_word(*end) || *end == '.')
		return wrong(p, "not a whole number");
	p->at = end;
	o->kind = OPERAND_VALUE;
	o->value = json_integer(value);
	return o->value ? 0 : err_oom(p->err);
}

static int read_name(struct parser *p, struct operand *o)
{
	o->name = take_word(p);
	if (!o->name)
		return err_oom(p->err);
	if (strcmp(o->name, "true") == 0 || strcmp(o->name, "false") == 0) {
		o->kind = OPERAND_VALUE;
		o->value = json_boolean(o->name[0] == 't');
	} else if (strcmp(o->name, "nil") == 0) {
		o->kind = OPERAND_VALUE;
		o->value = json_null();
	} else {
		o->kind = OPERAND_FUNC;
	}
	return 0;
}

static int read_pipeline(struct parser *p, struct pipeline *ret);

static int read_paren(struct parser *p, struct operand *o)
{
	int r;

	p->at++;
	o->kind = OPERAND_PAREN;
	o->paren = calloc(1, sizeof(*o->paren));
	if (!o->paren)
		return err_oom(p->err);
	r = read_pipeline(p, o->paren);
	if (r < 0)
		return r;
	if (*p->at != ')')
		return wrong(p, "expected ')'");
	p->at++;
	return read_path(p, &o->path);
}

static int read_operand(struct parser *p, struct operand *o)
{
	char c = *p->at;

	if (c == '.') {
		o->kind = OPERAND_DOT;
		if (is_word(p->at[1]))
			return read_path(p, &o->path);
		p->at++;
		return 0;
	}
	if (c == '$') {
		p->at++;
		o->kind = OPERAND_VAR;
		o->name = take_word(p);
		return o->name ? read_path(p, &o->path) : err_oom(p->err);
	}
	if (c == '"' || c == '`')
		return read_string(p, o);
	if (c == '(')
		return read_paren(p, o);
	if (isdigit((unsigned char)c) || (c == '-' && isdigit((unsigned char)p->at[1])))
		return read_number(p, o);
	if (is_word(c))
		return read_name(p, o);
	return wrong(p, "not understood");
}

static int read_call(struct parser *p, struct command_call *call)
{
	for (;;) {
		struct operand o = { 0 };
		int r;

		skip_blanks(p);
		if (!*p->at || *p->at == '|' || *p->at == ')' || at_close(p))
			break;
		r = read_operand(p, &o);
		if (r >= 0 && operands_push(&call->operands, o) < 0)
			r = err_oom(p->err);
		if (r < 0) {
			operand_done(&o);
			return r;
		}
	}
	return call->operands.len > 0 ? 0 : wrong(p, "a value is missing");
}

static int read_pipeline(struct parser *p, struct pipeline *ret)
{
	if (p->depth >= TEMPLATE_DEPTH_MAX)
		return wrong(p, "nested too deep");
	p->depth++;
	for (;;) {
		struct command_call call = { 0 };
		int r = read_call(p, &call);

		/* Also a half-read call belongs to the pipeline, which is released as a whole. */
		if (command_calls_push(&ret->calls, call) < 0)
			return err_oom(p->err);
		if (r < 0)
			return r;
		if (*p->at != '|')
			break;
		p->at++;
	}
	p->depth--;
	return 0;
}

/* "$k, $v :=" or "$v :=" before a range's value. */
static int read_range_names(struct parser *p, struct node *n)
{
	const char *assign = strstr(p->at, ":="), *close = strstr(p->at, "}}");
	char *names[2] = { NULL, NULL };
	size_t len = 0;

	skip_blanks(p);
	if (*p->at != '$' || !assign || !close || assign > close)
		return 0;
	while (*p->at == '$' && len < 2) {
		p->at++;
		names[len++] = take_word(p);
		while (*p->at == ' ' || *p->at == ',')
			p->at++;
	}
	n->value_name = names[len - 1];
	n->key_name = len == 2 ? names[0] : NULL;
	if (p->at != assign)
		return wrong(p, "expected ':='");
	p->at += 2;
	return 0;
}

static int close_action(struct parser *p)
{
	skip_blanks(p);
	if (!at_close(p))
		return wrong(p, "expected '}}'");
	if (*p->at == '-') {
		p->at += 3;
		skip_blanks(p);
	} else {
		p->at += 2;
	}
	return 0;
}

/* --- text and actions --- */

static struct node *add_node(struct parser *p, struct nodes *list, enum node_kind kind)
{
	struct node *n = calloc(1, sizeof(*n));

	if (!n || nodes_push(list, n) < 0) {
		free(n);
		err_oom(p->err);
		return NULL;
	}
	n->kind = kind;
	return n;
}

static int read_text(struct parser *p, struct nodes *list)
{
	const char *open = strstr(p->at, "{{");
	size_t len = open ? (size_t)(open - p->at) : strlen(p->at);
	struct node *n;

	if (len == 0)
		return 0;
	n = add_node(p, list, NODE_TEXT);
	if (!n)
		return -ENOMEM;
	n->text = strndup(p->at, len);
	if (!n->text)
		return err_oom(p->err);
	p->at += len;
	if (str_starts_with(p->at, "{{- "))
		while (len > 0 && isspace((unsigned char)n->text[len - 1]))
			n->text[--len] = '\0';
	return 0;
}

enum stop { STOP_END_OF_TEXT, STOP_END, STOP_ELSE };

static int read_list(struct parser *p, struct nodes *list, enum stop *ret_stop);

static int read_block(struct parser *p, struct nodes *list, enum node_kind kind)
{
	struct node *n = add_node(p, list, kind);
	enum stop stop;
	int r = n ? 0 : -ENOMEM;

	if (r >= 0 && kind == NODE_RANGE)
		r = read_range_names(p, n);
	if (r >= 0)
		r = read_pipeline(p, &n->pipeline);
	if (r >= 0)
		r = close_action(p);
	if (r >= 0)
		r = read_list(p, &n->body, &stop);
	if (r >= 0 && stop == STOP_ELSE)
		r = read_list(p, &n->otherwise, &stop);
	if (r >= 0 && stop != STOP_END)
		return err_set(p->err, EINVAL, "format: {{if}}, {{range}} or {{with}} has no {{end}}");
	return r;
}

static bool take_keyword(struct parser *p, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(p->at, word, len) != 0 || is_word(p->at[len]))
		return false;
	p->at += len;
	return true;
}

/* The action at P->at, which is behind "{{". RET_STOP is set if it closes the list. 1: it does. */
static int read_action(struct parser *p, struct nodes *list, enum stop *ret_stop)
{
	struct node *n;
	int r;

	if (str_starts_with(p->at, "- "))
		p->at++;
	skip_blanks(p);
	if (take_keyword(p, "if"))
		return read_block(p, list, NODE_IF);
	if (take_keyword(p, "range"))
		return read_block(p, list, NODE_RANGE);
	if (take_keyword(p, "with"))
		return read_block(p, list, NODE_WITH);
	if (take_keyword(p, "end") || take_keyword(p, "else")) {
		*ret_stop = p->at[-1] == 'd' ? STOP_END : STOP_ELSE;
		r = close_action(p);
		return r < 0 ? r : 1;
	}
	n = add_node(p, list, NODE_PRINT);
	r = n ? read_pipeline(p, &n->pipeline) : -ENOMEM;
	return r < 0 ? r : close_action(p);
}

static int read_list(struct parser *p, struct nodes *list, enum stop *ret_stop)
{
	int r = 0;

	if (p->depth >= TEMPLATE_DEPTH_MAX)
		return wrong(p, "nested too deep");
	p->depth++;
	*ret_stop = STOP_END_OF_TEXT;
	while (r == 0 && *p->at) {
		r = read_text(p, list);
		if (r < 0 || !*p->at)
			break;
		p->at += 2;
		r = read_action(p, list, ret_stop);
	}
	p->depth--;
	return r < 0 ? r : 0;
}

/* Docker takes "\t" and "\n" as typed in the shell's quotes. */
static char *unescape_shell(const char *text)
{
	char *copy = strdup(text), *to = copy;

	for (const char *from = text; copy && *from; from++) {
		if (*from == '\\' && (from[1] == 't' || from[1] == 'n'))
			*to++ = unescape(*++from);
		else
			*to++ = *from;
	}
	if (copy)
		*to = '\0';
	return copy;
}

int template_parse(const char *text, struct template **ret, struct err *err)
{
	autofree char *copy = unescape_shell(text);
	struct template *t = calloc(1, sizeof(*t));
	struct parser p = { .text = copy, .at = copy, .err = err };
	enum stop stop = STOP_END_OF_TEXT;
	int r = copy && t ? 0 : err_oom(err);

	if (r >= 0)
		r = read_list(&p, &t->nodes, &stop);
	if (r >= 0 && stop != STOP_END_OF_TEXT)
		r = err_set(err, EINVAL, "format: {{end}} or {{else}} without a beginning");
	if (r < 0) {
		template_free(t);
		return r;
	}
	*ret = t;
	return 0;
}
