#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "codec/event_line.h"

#include <errno.h>

static const struct timespec when = { 1461943101, 607533796 };

static void lines_are_dockers(void **state)
{
	static const char *const extra[] = { "exitCode", "0", NULL };
	autobuf struct buf common = BUF_INIT(EVENT_COMMON_MAX), line = BUF_INIT(EVENT_LINE_MAX);
	autostrv struct strv labels = { 0 };

	(void)state;
	strv_add(&labels, "com.example");
	strv_add(&labels, "a \"b\"\n");
	assert_int_equal(event_common_format(&common, "container", "0123", "busybox", "web", &labels), 0);
	assert_int_equal(event_line_format(&line, "die", buf_str(&common), extra, when), 0);
	assert_string_equal(
		buf_str(&line),
		"{\"status\":\"die\",\"Action\":\"die\",\"id\":\"0123\",\"from\":\"busybox\",\"Type\":\"container\","
		"\"Actor\":{\"ID\":\"0123\",\"Attributes\":{\"com.example\":\"a \\\"b\\\"\\n\",\"image\":\"busybox\","
		"\"name\":\"web\",\"exitCode\":\"0\"}},\"scope\":\"local\",\"time\":1461943101,"
		"\"timeNano\":1461943101607533796}\n");
}

static void what_has_no_image_says_none(void **state)
{
	autobuf struct buf common = BUF_INIT(EVENT_COMMON_MAX), line = BUF_INIT(EVENT_LINE_MAX);

	(void)state;
	assert_int_equal(event_common_format(&common, "volume", "v1", NULL, "v1", NULL), 0);
	assert_int_equal(event_line_format(&line, "create", buf_str(&common), NULL, when), 0);
	assert_string_equal(buf_str(&line),
			    "{\"status\":\"create\",\"Action\":\"create\",\"id\":\"v1\",\"Type\":\"volume\","
			    "\"Actor\":{\"ID\":\"v1\",\"Attributes\":{\"name\":\"v1\"}},\"scope\":\"local\","
			    "\"time\":1461943101,\"timeNano\":1461943101607533796}\n");
}

static void too_long_a_line_is_an_error(void **state)
{
	autobuf struct buf common = BUF_INIT(64), line = BUF_INIT(64);

	(void)state;
	assert_int_equal(event_common_format(&common, "container", "0123", "busybox", "web", NULL), -E2BIG);
	assert_int_equal(event_line_format(&line, "die", "\"id\":\"0123\"", NULL, when), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_dockers),
		cmocka_unit_test(what_has_no_image_says_none),
		cmocka_unit_test(too_long_a_line_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
