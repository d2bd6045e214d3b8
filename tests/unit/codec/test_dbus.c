#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "codec/dbus.h"

#include <errno.h>
#include <string.h>

static void calls_read_back(void **state)
{
	autobuf struct buf out = BUF_INIT(4096), body = BUF_INIT(4096);
	struct dbus_call call = { "org.x", "/a/b", "org.x.I", "Do", "su", 7 };
	struct dbus_message m;
	struct dbus_reader r;
	char text[8];
	uint32_t number;
	size_t size;

	(void)state;
	dbus_put_string(&body, "hello");
	dbus_put_u32(&body, 42);
	dbus_write_call(&out, &call, &body);
	assert_int_equal(out.error, 0);
	assert_int_equal(dbus_message_size((uint8_t *)out.data, &size), 0);
	assert_int_equal(size, out.len);
	assert_int_equal(dbus_read((uint8_t *)out.data, out.len, &m), 0);
	assert_int_equal(m.type, DBUS_CALL);
	assert_int_equal(m.serial, 7);
	assert_string_equal(m.member, "Do");
	assert_string_equal(m.signature, "su");
	r = (struct dbus_reader){ m.body, m.body_len, 0 };
	assert_false(dbus_get_u32(&(struct dbus_reader){ m.body, 3, 0 }, &number));
	assert_true(dbus_get_string(&r, text, sizeof(text)));
	assert_string_equal(text, "hello");
	assert_true(dbus_get_u32(&r, &number));
	assert_int_equal(number, 42);
	assert_false(dbus_get_u32(&r, &number));
}

/* Cut anywhere, it is refused. */
static void cut_messages_are_refused(void **state)
{
	autobuf struct buf out = BUF_INIT(4096);
	struct dbus_call call = { "org.x", "/a/b", "org.x.I", "Do", "", 7 };
	struct dbus_message m;

	(void)state;
	dbus_write_call(&out, &call, NULL);
	for (size_t len = 0; len < out.len; len++)
		assert_int_equal(dbus_read((uint8_t *)out.data, len, &m), -EBADMSG);
	out.data[0] = 'B';
	assert_int_equal(dbus_read((uint8_t *)out.data, out.len, &m), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_read_back),
		cmocka_unit_test(cut_messages_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
