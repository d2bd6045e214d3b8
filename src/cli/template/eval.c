/* Walks a template's tree over JSON values. Values are owned references, NULL standing for "no value". */
#include "cli/template/template.h"

#include "base/str.h"
#include "cli/template/functions.h"
#include "cli/template/tree.h"
#include "oci/json.h"

#include <errno.h>
#include <string.h>

struct scope {
	const struct scope *up;
	const char *name;
	json_t *value; /* borrowed */
};

struct eval {
	json_t *root, *dot; /* borrowed */
	const struct scope *scope;
	bool strict;
	struct buf *out;
	struct err *err;
};

static int run(struct eval *e, const struct nodes *nodes);
static int evaluate(struct eval *e, const struct pipeline *p, json_t **ret);

static int walk_path(struct eval *e, json_t *from, const struct strv *path, json_t **ret)
{
	for (size_t i = 0; i < path->len; i++) {
		json_t *next = json_object_get(from, path->items[i]);

		if (!next && e->strict && json_is_object(from))
			return err_set(e->err, EINVAL, "format: there is no field '%s'", path->items[i]);
		from = next;
	}
	*ret = json_incref(from);
	return 0;
}

static int variable(struct eval *e, const struct operand *o, json_t **ret)
{
	if (!o->name[0])
		return walk_path(e, e->root, &o->path, ret);
	for (const struct scope *s = e->scope; s; s = s->up)
		if (strcmp(s->name, o->name) == 0)
			return walk_path(e, s->value, &o->path, ret);
	return err_set(e->err, EINVAL, "format: there is no variable '$%s'", o->name);
}

static int operand_value(struct eval *e, const struct operand *o, json_t **ret)
{
	autojson json_t *inner = NULL;
	int r;

	switch (o->kind) {
	case OPERAND_DOT:
		return walk_path(e, e->dot, &o->path, ret);
	case OPERAND_VAR:
		return variable(e, o, ret);
	case OPERAND_VALUE:
		*ret = json_incref(o->value);
		return 0;
	case OPERAND_PAREN:
		r = evaluate(e, o->paren, &inner);
		return r < 0 ? r : walk_path(e, inner, &o->path, ret);
	case OPERAND_FUNC:
		return template_call(o->name, NULL, 0, ret, e->err);
	}
	return -EINVAL;
}

/* The value of KEY in "key=value,key=value", where a piece without '=' belongs to the value before it. NULL: not there. */
static json_t *find_label(const char *labels, const char *key)
{
	size_t len = strlen(key);

	for (const char *at = labels; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
		const char *end = at;

		if (strncmp(at, key, len) != 0 || at[len] != '=')
			continue;
		while ((end = strchr(end, ',')) && strcspn(end + 1, ",") <= strcspn(end + 1, "="))
			end++;
		at += len + 1;
		return json_stringn(at, end ? (size_t)(end - at) : strlen(at));
	}
	return NULL;
}

/* Docker's rows have a method: {{.Label "key"}}. Without such a label it is empty. */
static int label(struct eval *e, const struct operand *key, json_t **ret)
{
	json_t *labels = json_object_get(e->dot, "Labels"), *found = NULL;
	autojson json_t *word = NULL;
	int r = operand_value(e, key, &word);

	if (r < 0)
		return r;
	if (!json_is_string(word))
		return err_set(e->err, EINVAL, "format: .Label wants a label's name in quotes");
	if (json_is_string(labels))
		found = find_label(json_string_value(labels), json_string_value(word));
	else
		found = json_incref(json_object_get(labels, json_string_value(word)));
	*ret = found ? found : json_string("");
	return 0;
}

static bool is_label_method(const struct eval *e, const struct command_call *c)
{
	const struct operand *first = &c->operands.items[0];

	return first->kind == OPERAND_DOT && first->path.len == 1 && strcmp(first->path.items[0], "Label") == 0 &&
	       c->operands.len == 2 && json_object_get(e->dot, "Labels");
}

/* One command of a pipeline; PIPED (may be NULL) is its last argument if HAS_PIPED. */
static int call(struct eval *e, const struct command_call *c, json_t *piped, bool has_piped, json_t **ret)
{
	json_t *args[TEMPLATE_ARGS_MAX] = { NULL };
	const struct operand *first = &c->operands.items[0];
	size_t len = 0;
	int r = 0;

	if (is_label_method(e, c) && !has_piped)
		return label(e, &c->operands.items[1], ret);
	if (first->kind != OPERAND_FUNC) {
		if (c->operands.len > 1 || has_piped)
			return err_set(e->err, EINVAL, "format: a value is no function and takes no arguments");
		return operand_value(e, first, ret);
	}
	if (c->operands.len > TEMPLATE_ARGS_MAX)
		return err_set(e->err, E2BIG, "format: more than %d arguments", TEMPLATE_ARGS_MAX - 1);
	for (size_t i = 1; r >= 0 && i < c->operands.len; i++) {
		r = operand_value(e, &c->operands.items[i], &args[len]);
		len++;
	}
	if (has_piped && len < TEMPLATE_ARGS_MAX)
		args[len++] = json_incref(piped);
	if (r >= 0)
		r = template_call(first->name, args, len, ret, e->err);
	for (size_t i = 0; i < len; i++)
		json_decref(args[i]);
	return r;
}

static int evaluate(struct eval *e, const struct pipeline *p, json_t **ret)
{
	autojson json_t *value = NULL;

	for (size_t i = 0; i < p->calls.len; i++) {
		json_t *next = NULL;
		int r = call(e, &p->calls.items[i], value, i > 0, &next);

		if (r < 0)
			return r;
		json_decref(value);
		value = next;
	}
	*ret = TAKE_PTR(value);
	return 0;
}

/* One round of a range or with: the dot and the variables are set for BODY. */
static int with_dot(struct eval *e, const struct node *n, json_t *dot, json_t *key)
{
	struct eval inner = *e;
	struct scope value_scope = { e->scope, n->value_name, dot };
	struct scope key_scope = { &value_scope, n->key_name, key };

	inner.dot = dot;
	if (n->value_name)
		inner.scope = n->key_name ? &key_scope : &value_scope;
	return run(&inner, &n->body);
}

static int run_range(struct eval *e, const struct node *n, json_t *over)
{
	const char *name;
	json_t *item;
	size_t i;
	int r = 0;

	if (json_array_size(over) == 0 && json_object_size(over) == 0)
		return run(e, &n->otherwise);
	json_array_foreach(over, i, item)
	{
		autojson json_t *key = json_integer((json_int_t)i);

		if (r >= 0)
			r = with_dot(e, n, item, key);
	}
	json_object_foreach(over, name, item)
	{
		autojson json_t *key = json_string(name);

		if (r >= 0)
			r = with_dot(e, n, item, key);
	}
	return r;
}

static int run_node(struct eval *e, const struct node *n)
{
	autojson json_t *value = NULL;
	int r;

	if (n->kind == NODE_TEXT)
		return buf_add_str(e->out, n->text);
	r = evaluate(e, &n->pipeline, &value);
	if (r < 0)
		return r;
	switch (n->kind) {
	case NODE_PRINT:
		template_print(value, true, e->out);
		return 0;
	case NODE_IF:
		return run(e, template_truth(value) ? &n->body : &n->otherwise);
	case NODE_RANGE:
		return run_range(e, n, value);
	case NODE_WITH:
		return template_truth(value) ? with_dot(e, n, value, NULL) : run(e, &n->otherwise);
	case NODE_TEXT:
		break;
	}
	return 0;
}

static int run(struct eval *e, const struct nodes *nodes)
{
	for (size_t i = 0; i < nodes->len; i++) {
		int r = run_node(e, nodes->items[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

int template_render(const struct template *t, json_t *root, bool strict, struct buf *out, struct err *err)
{
	struct eval e = { .root = root, .dot = root, .strict = strict, .out = out, .err = err };

	return run(&e, &t->nodes);
}
