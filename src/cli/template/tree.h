/* The tree that template.c reads a text into, and template_eval.c walks. */
#pragma once

#include "base/vec.h"

#include <jansson.h>

enum { TEMPLATE_DEPTH_MAX = 32 };

enum operand_kind {
	OPERAND_DOT,   /* .A.B: path below the dot */
	OPERAND_VAR,   /* $name.A.B; name "" is the root */
	OPERAND_VALUE, /* "text", 12, true */
	OPERAND_FUNC,  /* a function's name */
	OPERAND_PAREN, /* (pipeline).A.B */
};

struct pipeline;

struct operand {
	enum operand_kind kind;
	char *name;		/* VAR, FUNC; owned */
	json_t *value;		/* VALUE; owned */
	struct pipeline *paren; /* PAREN; owned */
	struct strv path;
};
DEFINE_VEC(operands, struct operand)

struct command_call {
	struct operands operands;
};
DEFINE_VEC(command_calls, struct command_call)

struct pipeline {
	struct command_calls calls;
};

enum node_kind { NODE_TEXT, NODE_PRINT, NODE_IF, NODE_RANGE, NODE_WITH };

struct node;
DEFINE_VEC(nodes, struct node *)

struct node {
	enum node_kind kind;
	char *text; /* TEXT */
	struct pipeline pipeline;
	char *key_name, *value_name; /* RANGE: variables, or NULL */
	struct nodes body, otherwise;
};

struct template
{
	struct nodes nodes;
};
