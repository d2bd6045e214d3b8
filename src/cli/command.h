/*
 * One option table per command: parsing, `--help`, the manual page and shell completion all come from it.
 *
 * A command is one file `<subject>/<name>.c` that defines a `const struct command cmd_<name>` and is listed
 * in commands.c. Its name may be two words, "volume create": all commands that share the first are a group. The values
 * of its options land in a struct of its own, at the offsets that the table names:
 *
 *     struct tag_options { bool force; };
 *     static const struct option tag_table[] = {
 *             OPTION_FLAG("force", 'f', struct tag_options, force, "replace a name that exists"),
 *             OPTION_END,
 *     };
 */
#pragma once

#include "base/err.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>

enum option_kind {
	OPTION_KIND_END,
	OPTION_KIND_FLAG,     /* bool; --x, --x=true, --x=false */
	OPTION_KIND_STRING,   /* const char *, borrowed from argv; the last one counts */
	OPTION_KIND_OPTIONAL, /* const char *; --x alone is "", a value only comes with --x=value */
	OPTION_KIND_LIST,     /* struct strv; each use appends */
	/* docker has it and we don't yet: refused by name, and `help` says when it comes; not listed in the help */
	OPTION_KIND_LATER,
	/* no option: `help` is a heading for those that follow, in the help and the manual page */
	OPTION_KIND_HEADING,
};

struct option {
	const char *name; /* without dashes */
	char letter;	  /* 0: none */
	enum option_kind kind;
	size_t offset;
	const char *arg;  /* what stands for the value in help: "PATH"; NULL for flags */
	const char *help; /* one line, lower case, no full stop */
	/* What completes the value: "file", "dir", "image", "container", "volume", "command", or words "a b c"; NULL: nothing. */
	const char *complete;
};

/* clang-format off */
#define OPTION_FLAG(n, l, type, field, h) { n, l, OPTION_KIND_FLAG, offsetof(type, field), NULL, h, NULL }
#define OPTION_STRING(n, l, type, field, a, h, c) { n, l, OPTION_KIND_STRING, offsetof(type, field), a, h, c }
#define OPTION_OPTIONAL(n, type, field, a, h, c) { n, 0, OPTION_KIND_OPTIONAL, offsetof(type, field), a, h, c }
#define OPTION_LIST(n, l, type, field, a, h, c) { n, l, OPTION_KIND_LIST, offsetof(type, field), a, h, c }
#define OPTION_LATER(n, l, h) { n, l, OPTION_KIND_LATER, 0, NULL, h, NULL }
#define OPTION_HEADING(h) { "", 0, OPTION_KIND_HEADING, 0, NULL, h, NULL }
#define OPTION_END { NULL, 0, OPTION_KIND_END, 0, NULL, NULL, NULL }
/* clang-format on */

struct command {
	const char *name;	 /* one word, or two: "volume create" */
	const char *group;	 /* heading in `cloche help`: "Containers", "Images", "Insight", "Other" */
	const char *summary;	 /* one line, lower case, no full stop */
	const char *usage;	 /* what follows the options: "IMAGE [COMMAND [ARG...]]" */
	const char *description; /* paragraphs for the manual; may be NULL */
	const char *examples;	 /* lines for the manual, "# comment" and "$ command"; may be NULL */
	const char *see_also;	 /* commands and topics whose pages help on: "exec, volume create"; may be NULL */
	const char *complete;	 /* what completes the arguments, as in struct option */
	const struct option *options;
	size_t options_size;	/* of the command's own options struct; at most COMMAND_OPTIONS_MAX */
	int min_args, max_args; /* max -1: any number */
	bool stop_at_args;	/* the first argument ends the options (run: the rest is the container's command) */
	int stop_after;		/* with it: options may also stand between so many arguments (enter: 2); 0: as 1 */
	bool hidden;
	/*
	 * Returns the exit code, 0 to 255. On failure fills in ERR and returns -1: main prints it and exits
	 * with 125 (docker's code for "ours"). OPTIONS points to the command's own struct.
	 */
	int (*run)(const void *options, const struct strv *args, struct err *err);
};

enum { COMMAND_OPTIONS_MAX = 2048, EXIT_OURS = 125 };

struct exit_status {
	const char *status, *meaning;
};

/* What the parser, the help and the manual have to know of a program that has commands: cloche and cloche-oci. */
struct program {
	const char *name;
	const struct command *const *commands; /* ended by NULL */
	const struct option *globals;	       /* options that each command has */
	void *global_values;
	const bool *help; /* of these: --help was said */
	/* What a command ends with, ended by a NULL. */
	const struct exit_status *(*exit_statuses)(const struct command *cmd);
};
/* The one that runs; main sets it first of all. */
extern const struct program *this_program;
extern const struct program program_cloche;

/* All commands, ended by NULL, in the order of `cloche help`. */
extern const struct command *const all_commands[];
/*
 * What concerns several commands: pages of the help and the manual, no commands. Only name, summary, description, examples
 * and see_also are set. Ended by NULL.
 */
extern const struct command *const all_topics[];
/* NULL: there is none. */
const struct command *topic_find(const char *name);
/* By its whole name. NULL: there is none. */
const struct command *command_find(const char *name);
/*
 * The command that WORDS begin with, docker's other names for it ("container ls") included; *RET_USED is how many of them
 * are its name. NULL: there is none.
 */
const struct command *command_find_words(int len, char *const *words, int *ret_used);
/* Whether commands have WORD as the first of two. */
bool command_is_group(const char *word);
/* docker's other names that begin with GROUP: the next second word and its command, AT (0 at first) further on; NULL: no more. */
const char *command_next_alias(const char *group, size_t *at, const struct command **ret);

/* Options that every command has: --help, --debug, --root DIR, --runroot DIR. */
struct global_options {
	bool help, debug, version;
	const char *root, *runroot;
};
extern const struct option global_table[];
extern struct global_options global_options;

/*
 * Parses ARGV (without program and command name) into OPTIONS (zeroed by the caller) and ARGS.
 * -EINVAL with what is wrong and the nearest option that exists.
 */
int command_parse(const struct command *cmd, int argc, char **argv, void *options, struct strv *args, struct err *err);
/* Releases the lists in OPTIONS. */
void command_options_done(const struct command *cmd, void *options);
