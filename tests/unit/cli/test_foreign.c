#include "tests/unit/test.h"

#include "cli/command.h"
#include "cli/foreign.h"

#include <string.h>

static void foreign_commands_have_hints(void **state)
{
	(void)state;
	assert_non_null(strstr(foreign_command_hint("info", NULL), "doctor"));
	assert_non_null(strstr(foreign_command_hint("swarm", "init"), "one machine"));
	assert_non_null(strstr(foreign_command_hint("system", "info"), "doctor"));
	assert_null(foreign_command_hint("system", "nonsense"));
	assert_null(foreign_command_hint("imagse", NULL));
}

/* What is a command of ours needs no hint at another's. */
static void no_hint_hides_a_command(void **state)
{
	(void)state;
	for (size_t i = 0; all_commands[i]; i++)
		assert_null(foreign_command_hint(all_commands[i]->name, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(foreign_commands_have_hints),
		cmocka_unit_test(no_hint_hides_a_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
