#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "codec/log_line.h"

#include <errno.h>
#include <string.h>

static const struct timespec when = { 1461943101, 607533796 };

#define BYTES(s) (s), sizeof(s) - 1

static void text_is_written_as_docker_does(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *json;
	} cases[] = {
		{ BYTES(""), "\"\"" },
		{ BYTES("hello\n"), "\"hello\\n\"" },
		{ BYTES("a\tb\r\n"), "\"a\\tb\\r\\n\"" },
		{ BYTES("\"\\/"), "\"\\\"\\\\/\"" },
		{ BYTES("<a href=x>&"), "\"\\u003ca href=x\\u003e\\u0026\"" },
		{ BYTES("\0\x01\x1b[0m\x7f"), "\"\\u0000\\u0001\\u001b[0m\x7f\"" },
		{ BYTES("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"),
		  "\"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80\"" },
		/* Each byte that is no UTF-8: cut, too long, a surrogate, beyond the last. */
		{ BYTES("\xc3"), "\"\\ufffd\"" },
		{ BYTES("\xe2\x82x"), "\"\\ufffd\\ufffdx\"" },
		{ BYTES("\xc0\x80"), "\"\\ufffd\\ufffd\"" },
		{ BYTES("\xe0\x80\x80"), "\"\\ufffd\\ufffd\\ufffd\"" },
		{ BYTES("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\"" },
		{ BYTES("\xf4\x90\x80\x80"), "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" },
		{ BYTES("\xff\xfe"), "\"\\ufffd\\ufffd\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autobuf struct buf out = BUF_INIT(1024);

		assert_int_equal(json_text_format(&out, cases[i].text, cases[i].len), 0);
		assert_string_equal(buf_str(&out), cases[i].json);
	}
}

static void lines_are_dockers(void **state)
{
	static const char attrs[] = "{\"tag\":\"x\"} and more";
	autobuf struct buf out = BUF_INIT(1024);
	struct log_line line = { .time = when };

	(void)state;
	assert_int_equal(log_line_format(&out, "hi\n", 3, &line), 0);
	assert_string_equal(buf_str(&out), "{\"log\":\"hi\\n\",\"stream\":\"stdout\","
					   "\"time\":\"2016-04-29T15:18:21.607533796Z\"}\n");
	buf_reset(&out);
	line.is_stderr = true;
	line.attrs = attrs;
	line.attrs_len = sizeof("{\"tag\":\"x\"}") - 1;
	assert_int_equal(log_line_format(&out, "", 0, &line), 0);
	assert_string_equal(buf_str(&out), "{\"log\":\"\",\"stream\":\"stderr\",\"attrs\":{\"tag\":\"x\"},"
					   "\"time\":\"2016-04-29T15:18:21.607533796Z\"}\n");
}

static void the_longest_line_keeps_its_limit(void **state)
{
	autobuf struct buf out = BUF_INIT(LOG_LINE_MAX + 1), back = BUF_INIT(LOG_LINE_MAX);
	static char text[LOG_TEXT_MAX], attrs[LOG_ATTRS_MAX];
	struct log_line line = { .is_stderr = true, .time = when, .attrs = attrs, .attrs_len = sizeof(attrs) };

	(void)state;
	memset(text, 1, sizeof(text));
	memset(attrs, 'x', sizeof(attrs));
	memcpy(attrs, "{\"k\":\"", 6);
	memcpy(attrs + sizeof(attrs) - 2, "\"}", 2);
	assert_int_equal(log_line_format(&out, text, sizeof(text), &line), 0);
	assert_true(out.len <= LOG_LINE_MAX);
	assert_int_equal(log_line_parse(out.data, out.len - 1, &back, &line), 0);
	assert_int_equal(back.len, sizeof(text));
	assert_memory_equal(back.data, text, sizeof(text));
	assert_int_equal(line.attrs_len, sizeof(attrs));
}

static void lines_of_others_are_read(void **state)
{
	static const struct {
		const char *line, *text;
		size_t len;
		bool is_stderr;
		const char *attrs;
	} cases[] = {
		{ "{}", BYTES(""), false, NULL },
		{ "{\"log\":\"a\\n\",\"stream\":\"stderr\",\"time\":\"2016-04-29T15:18:21.607533796Z\"}", BYTES("a\n"),
		  true, NULL },
		{ "{ \"time\" : \"2016-04-29T17:18:21.607533796+02:00\" ,\t\"log\" : \"x\" }", BYTES("x"), false,
		  NULL },
		{ "{\"other\":\"\",\"log\":\"\\u0000\\u00fc\\u20ac\\ud83d\\uDE00\\/\\b\\f\"}",
		  BYTES("\0\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80/\b\f"), false, NULL },
		{ "{\"attrs\":{},\"log\":\"y\"}", BYTES("y"), false, "{}" },
		{ "{\"attrs\":{ \"a\" : \"}\" , \"b\":\"\\\"\" }}", BYTES(""), false,
		  "{ \"a\" : \"}\" , \"b\":\"\\\"\" }" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autobuf struct buf text = BUF_INIT(1024);
		struct log_line line;

		buf_add_str(&text, "before ");
		assert_int_equal(log_line_parse(cases[i].line, strlen(cases[i].line), &text, &line), 0);
		assert_int_equal(text.len, 7 + cases[i].len);
		assert_memory_equal(text.data + 7, cases[i].text, cases[i].len);
		assert_int_equal(line.is_stderr, cases[i].is_stderr);
		assert_int_equal(line.attrs != NULL, cases[i].attrs != NULL);
		if (cases[i].attrs) {
			assert_int_equal(line.attrs_len, strlen(cases[i].attrs));
			assert_memory_equal(line.attrs, cases[i].attrs, line.attrs_len);
		}
		if (strstr(cases[i].line, "time")) {
			assert_int_equal(line.time.tv_sec, when.tv_sec);
			assert_int_equal(line.time.tv_nsec, when.tv_nsec);
		}
	}
}

static void what_is_no_line_is_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"{",
		"}",
		"{\"log\":\"a\"",
		"{\"log\":\"a",
		"{\"log\":\"a\\",
		"{\"log\":\"a\"}x",
		"{\"log\":\"a\"}\n",
		"{\"log\":\"a\",}",
		"{\"log\":\"a\" \"stream\":\"stdout\"}",
		"{\"log\" \"a\"}",
		"{\"log\":1}",
		"{\"log\":null}",
		"{\"log\":\"\\x\"}",
		"{\"log\":\"\\u12\"}",
		"{\"log\":\"\\u12g4\"}",
		"{\"log\":\"\\ud83d\"}",
		"{\"log\":\"\\ude00\"}",
		"{\"log\":\"\\ud83d\\u0041\"}",
		"{\"log\":\"a\",\"time\":\"yesterday\"}",
		"{\"log\":\"a\",\"attrs\":\"x\"}",
		"{\"log\":\"a\",\"attrs\":{\"x\":{}}}",
		"{\"log\":\"a\",\"attrs\":{\"x\":\"y\"}",
		"[]",
		"null",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autobuf struct buf text = BUF_INIT(1024);
		struct log_line line;

		buf_add_str(&text, "before");
		assert_int_equal(log_line_parse(cases[i], strlen(cases[i]), &text, &line), -EBADMSG);
		assert_string_equal(buf_str(&text), "before");
	}
}

/* As a full disk or a crash leaves it: no beginning of a line is one. */
static void cut_lines_are_none(void **state)
{
	autobuf struct buf whole = BUF_INIT(1024), text = BUF_INIT(1024);
	struct log_line line = { .time = when, .attrs = "{\"a\":\"b\"}", .attrs_len = 9 };

	(void)state;
	log_line_format(&whole, "a\"\xc3\xbc\xff\n", 6, &line);
	for (size_t len = 0; len < whole.len - 1; len++) {
		/* Of its own, so that a sanitizer sees what is read behind it. */
		autofree char *part = strndup(whole.data, len);

		assert_int_equal(log_line_parse(part, len, &text, &line), -EBADMSG);
		assert_int_equal(text.len, 0);
	}
	assert_int_equal(log_line_parse(whole.data, whole.len - 1, &text, &line), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_written_as_docker_does),   cmocka_unit_test(lines_are_dockers),
		cmocka_unit_test(the_longest_line_keeps_its_limit), cmocka_unit_test(lines_of_others_are_read),
		cmocka_unit_test(what_is_no_line_is_refused),	    cmocka_unit_test(cut_lines_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
