#include "tests/fuzz/fuzz.h"

#include "codec/dbus.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dbus_message m;
	struct dbus_reader r;
	char text[64];
	uint32_t number;

	if (dbus_read(data, size, &m) < 0)
		return 0;
	FUZZ_ASSERT(m.body_len <= size && m.body + m.body_len == data + size);
	r = (struct dbus_reader){ m.body, m.body_len, 0 };
	while (dbus_get_string(&r, text, sizeof(text)) || dbus_get_u32(&r, &number))
		FUZZ_ASSERT(r.at <= r.len);
	return 0;
}
