#include "tests/fuzz/fuzz.h"

#include "base/cleanup.h"
#include "registry/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *s = fuzz_string(data, size);
	struct registry_conf c;
	struct err err = { 0 };

	if (registry_conf_read(s, "fuzz", "example.org", "team/web", &c, &err) < 0)
		FUZZ_ASSERT(err.code != 0 && err.msg[0]);
	else
		registry_conf_done(&c);
	return 0;
}
