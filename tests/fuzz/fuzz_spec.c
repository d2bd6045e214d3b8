/* config.json and seccomp profiles: what was read and is written reads back, and writes the same bytes again. */
#include "tests/fuzz/fuzz.h"

#include "base/cleanup.h"
#include "oci/spec.h"

static void check_spec(const char *text, size_t size)
{
	struct oci_spec spec = { 0 }, back = { 0 };
	autobuf struct buf first = BUF_INIT(16 << 20), second = BUF_INIT(16 << 20);
	struct err err = { 0 };

	if (oci_spec_parse(text, size, &spec, &err) < 0) {
		FUZZ_ASSERT(err.msg[0]);
	} else if (oci_spec_write(&spec, &first, &err) >= 0) {
		if (oci_spec_parse(first.data, first.len, &back, &err) < 0) {
			fprintf(stderr, "%s\n%s\n", err.msg, first.data);
			abort();
		}
		FUZZ_ASSERT(oci_spec_write(&back, &second, &err) >= 0);
		FUZZ_ASSERT(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
	}
	oci_spec_done(&spec);
	oci_spec_done(&back);
}

static void check_seccomp(const char *text, size_t size)
{
	struct oci_seccomp profile = { 0 };
	struct err err = { 0 };

	if (oci_seccomp_parse(text, size, &profile, &err) < 0)
		FUZZ_ASSERT(err.msg[0]);
	oci_seccomp_done(&profile);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_spec((const char *)data, size);
	check_seccomp((const char *)data, size);
	return 0;
}
