#include "tests/unit/test.h"

#include "registry/conf.h"

#include <errno.h>
#include <string.h>

static const char text[] = "# a comment\n"
			   "unqualified-search-registries = [\"docker.io\", 'quay.io', # two\n]\n"
			   "short-name-mode = \"permissive\"\n"
			   "[[registry]]\n"
			   "prefix = \"example.org/team\"\n"
			   "location = \"inner.example.org/team\"\n"
			   "insecure = true\n"
			   "[[registry.mirror]]\n"
			   "location = \"mirror-a.example.org\"\n"
			   "[[registry.mirror]]\n"
			   "location = \"mirror-b.example.org:5000\"\n"
			   "insecure = true\n"
			   "[[registry]]\n"
			   "location = \"example.org\"\n"
			   "[[registry]]\n"
			   "prefix = \"*.blocked.org\"\n"
			   "blocked = true\n"
			   "[aliases]\n"
			   "\"debian\" = \"docker.io/library/debian\"\n";

static void the_longest_prefix_counts(void **state)
{
	struct registry_conf c;

	(void)state;
	assert_int_equal(registry_conf_read(text, "t", "example.org", "team/web", &c, NULL), 0);
	assert_true(c.insecure);
	assert_string_equal(c.location, "inner.example.org/team");
	assert_int_equal(c.mirrors.len, 2);
	assert_string_equal(c.mirrors.items[0], "mirror-a.example.org");
	assert_string_equal(c.mirrors.items[1], "!mirror-b.example.org:5000");
	registry_conf_done(&c);
	assert_int_equal(registry_conf_read(text, "t", "example.org", "teamwork", &c, NULL), 0);
	assert_false(c.insecure);
	assert_string_equal(c.location, "example.org");
	registry_conf_done(&c);
	assert_int_equal(registry_conf_read(text, "t", "a.blocked.org", "x", &c, NULL), 0);
	assert_true(c.blocked);
	registry_conf_done(&c);
	assert_int_equal(registry_conf_read(text, "t", "example.org.evil", "x", &c, NULL), 0);
	assert_null(c.location);
	registry_conf_done(&c);
}

static void mistakes_have_a_line(void **state)
{
	static const struct {
		const char *text, *line;
	} cases[] = {
		{ "a = \"never ends\n", "t:1: " }, { "\n\n[[registry]\n", "t:3: " },	   { "a = [1, 2\n b", "t:2: " },
		{ "a = { b = 1 }\n", "t:1: " },	   { "a = \"\"\"\nx\n\"\"\"\n", "t:1: " }, { "= 1\n", "t:1: " },
		{ "a = true false\n", "t:1: " },   { "a = \"\\q\"\n", "t:1: " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct registry_conf c;
		struct err err = { 0 };

		assert_int_equal(registry_conf_read(cases[i].text, "t", "h", "", &c, &err), -EBADMSG);
		assert_int_equal(strncmp(err.msg, cases[i].line, strlen(cases[i].line)), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_prefix_counts),
		cmocka_unit_test(mistakes_have_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
