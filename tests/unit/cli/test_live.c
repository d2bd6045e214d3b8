#include "tests/unit/test.h"

#include "cli/container/stats_view.h"
#include "cli/live.h"

static void lines_are_cut_between_characters(void **state)
{
	static const struct {
		const char *line;
		size_t columns, bytes;
	} cases[] = {
		{ "abc", 5, 3 },       { "abc", 3, 3 },	      { "abc", 2, 2 }, { "abc\ndef", 80, 3 },
		{ "a\nb", 1, 1 },      { "", 4, 0 },	      { "abc", 0, 0 }, { "\xe2\x96\x81\xe2\x96\x82x", 2, 6 },
		{ "\xc3\xa4z", 1, 2 }, { "z\xc3\xa4", 1, 1 }, { "\n", 3, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(live_cut(cases[i].line, cases[i].columns), cases[i].bytes);
}

static void graphs_fill_their_height(void **state)
{
	static const uint16_t values[] = { 0, 1, 50, 100, 500 };
	char text[64];

	(void)state;
	stats_graph(values, 5, 100, false, text, sizeof(text));
	assert_string_equal(text, " .-##");
	stats_graph(values, 5, 100, true, text, sizeof(text));
	assert_string_equal(text, " \xe2\x96\x81\xe2\x96\x84\xe2\x96\x88\xe2\x96\x88");
	stats_graph(values, 2, 0, false, text, sizeof(text));
	assert_string_equal(text, "  ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_cut_between_characters),
		cmocka_unit_test(graphs_fill_their_height),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
