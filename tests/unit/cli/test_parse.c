#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "cli/command.h"

#include <stdio.h>
#include <string.h>

struct sample {
	bool flag, tty;
	const char *name;
	struct strv env;
};

static const struct option table[] = {
	OPTION_FLAG("flag", 'f', struct sample, flag, "a flag"),
	OPTION_FLAG("tty", 't', struct sample, tty, "another"),
	OPTION_STRING("name", 'n', struct sample, name, "NAME", "a string", NULL),
	OPTION_LIST("env", 'e', struct sample, env, "NAME=VALUE", "a list", NULL),
	OPTION_LATER("memory", 'm', "limits come later"),
	OPTION_END,
};

static const struct command plain = {
	.name = "plain", .options = table, .options_size = sizeof(struct sample), .max_args = 2
};
static const struct command stops = {
	.name = "stops", .options = table, .options_size = sizeof(struct sample), .max_args = -1, .stop_at_args = true
};

/* Splits LINE at blanks and parses it. Values are borrowed from the words, which therefore stay until the next call. */
static int parse(const struct command *cmd, const char *line, struct sample *sample, struct strv *args, struct err *err)
{
	static char text[128];
	static char *words[16];
	int count = 0;
	char *rest = text, *word;

	snprintf(text, sizeof(text), "%s", line);
	while ((word = strsep(&rest, " ")))
		words[count++] = word;
	this_program = &program_cloche;
	return command_parse(cmd, count, words, sample, args, err);
}

static void lists_and_arguments_keep_their_order(void **state)
{
	struct sample s = { 0 };
	autostrv struct strv args = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(parse(&plain, "-e A=1 one --env=B=2 -eC=3 two", &s, &args, &err), 0);
	assert_int_equal(s.env.len, 3);
	assert_string_equal(s.env.items[0], "A=1");
	assert_string_equal(s.env.items[1], "B=2");
	assert_string_equal(s.env.items[2], "C=3");
	assert_int_equal(args.len, 2);
	assert_string_equal(args.items[1], "two");
	command_options_done(&plain, &s);
}

static void flags_are_set_and_unset(void **state)
{
	static const struct {
		const char *line;
		bool flag, tty;
	} cases[] = {
		{ "-ft", true, true },		{ "--flag --tty=false", true, false },
		{ "-t --flag=0", false, true }, { "--tty --tty=false", false, false },
		{ "-- -f", false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sample s = { 0 };
		autostrv struct strv args = { 0 };
		struct err err = { 0 };

		assert_int_equal(parse(&plain, cases[i].line, &s, &args, &err), 0);
		assert_int_equal(s.flag, cases[i].flag);
		assert_int_equal(s.tty, cases[i].tty);
	}
}

static void the_command_of_a_container_is_left_alone(void **state)
{
	struct sample s = { 0 };
	autostrv struct strv args = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(parse(&stops, "-t image ls -f --name x -- y", &s, &args, &err), 0);
	assert_true(s.tty);
	assert_false(s.flag);
	assert_int_equal(args.len, 7);
	assert_string_equal(args.items[2], "-f");
	assert_string_equal(args.items[5], "--");
}

static void wrong_lines_say_what_is_wrong(void **state)
{
	static const struct {
		const char *line, *message;
	} cases[] = {
		{ "--nam x", "unknown option '--nam'" },
		{ "-x", "unknown option '-x'" },
		{ "--name", "option --name needs a value: NAME" },
		{ "-e", "option --env needs a value: NAME=VALUE" },
		{ "--flag=maybe", "takes true or false, not 'maybe'" },
		{ "a b c", "at most 2 arguments: 'c' is one too many" },
		{ "--memory 5m", "--memory" },
		{ "-m 5m", "--memory" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sample s = { 0 };
		autostrv struct strv args = { 0 };
		struct err err = { 0 };

		assert_true(parse(&plain, cases[i].line, &s, &args, &err) < 0);
		if (!strstr(err.msg, cases[i].message))
			fail_msg("'%s' gave '%s', not '%s'", cases[i].line, err.msg, cases[i].message);
		command_options_done(&plain, &s);
	}
}

static void every_table_is_well_formed(void **state)
{
	(void)state;
	for (size_t i = 0; all_commands[i]; i++) {
		const struct command *cmd = all_commands[i];

		assert_true(cmd->options_size <= COMMAND_OPTIONS_MAX);
		assert_non_null(cmd->summary);
		assert_non_null(cmd->run);
		for (const struct option *o = cmd->options; o && o->kind != OPTION_KIND_END; o++) {
			assert_non_null(o->help);
			if (o->kind == OPTION_KIND_HEADING)
				continue;
			if (o->kind != OPTION_KIND_LATER && o->offset >= cmd->options_size)
				fail_msg("%s --%s lies outside of its struct", cmd->name, o->name);
			for (const struct option *p = cmd->options; p != o; p++)
				if (strcmp(p->name, o->name) == 0 || (o->letter && p->letter == o->letter))
					fail_msg("%s has --%s or -%c twice", cmd->name, o->name, o->letter);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_and_arguments_keep_their_order),
		cmocka_unit_test(flags_are_set_and_unset),
		cmocka_unit_test(the_command_of_a_container_is_left_alone),
		cmocka_unit_test(wrong_lines_say_what_is_wrong),
		cmocka_unit_test(every_table_is_well_formed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
