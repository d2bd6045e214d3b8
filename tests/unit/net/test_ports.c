#include "net/ports.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void words_become_ports(void **state)
{
	static const struct {
		const char *word;
		int result;
		size_t len;
		const char *text; /* as `ps` prints it */
	} cases[] = {
		{ "8080:80", 0, 2, "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp" },
		{ "127.0.0.1:8080:80/udp", 0, 1, "127.0.0.1:8080->80/udp" },
		{ "[::1]:8080:80", 0, 1, "[::1]:8080->80/tcp" },
		{ "127.0.0.1:5000-5002:80-82", 0, 3, "127.0.0.1:5000-5002->80-82/tcp" },
		{ "127.0.0.1::80", 0, 1, "127.0.0.1:0->80/tcp" },
		{ "80", 0, 2, "0.0.0.0:0->80/tcp, [::]:0->80/tcp" },
		{ "", -EINVAL, 0, NULL },
		{ "0", -EINVAL, 0, NULL },
		{ "80:", -EINVAL, 0, NULL },
		{ "70000:80", -EINVAL, 0, NULL },
		{ "::1:80:80", -EINVAL, 0, NULL },
		{ "80-82:80-81", -EINVAL, 0, NULL },
		{ "80/sctp", -EOPNOTSUPP, 0, NULL },
		{ "1-65535:1-65535", -E2BIG, 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct port_list list = { 0 }, none = { 0 };
		struct buf text = BUF_INIT(1 << 16);
		struct err err = { 0 };

		assert_int_equal(ports_parse_publish(cases[i].word, &list, &err), cases[i].result);
		if (cases[i].result == 0) {
			assert_int_equal(list.len, cases[i].len);
			assert_int_equal(ports_format(&list, &none, &text), 0);
			assert_string_equal(buf_str(&text), cases[i].text);
		}
		buf_done(&text);
		free(list.items);
	}
}

static void exposed_ports_are_listed_once(void **state)
{
	struct port_list list = { 0 }, published = { 0 };
	struct buf text = BUF_INIT(1 << 10);
	struct err err = { 0 };

	(void)state;
	assert_int_equal(ports_parse_expose("80-82", &list, &err), 0);
	assert_int_equal(ports_parse_expose("80/tcp", &list, &err), 0);
	assert_int_equal(ports_parse_expose("53/UDP", &list, &err), 0);
	assert_int_equal(list.len, 4);
	assert_int_equal(ports_parse_publish("127.0.0.1:1:81", &published, &err), 0);
	assert_int_equal(ports_format(&published, &list, &text), 0);
	assert_string_equal(buf_str(&text), "127.0.0.1:1->81/tcp, 80/tcp, 82/tcp, 53/udp");
	buf_done(&text);
	free(list.items);
	free(published.items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_become_ports),
		cmocka_unit_test(exposed_ports_are_listed_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
