#include "tests/fuzz/fuzz.h"

#include "base/cleanup.h"
#include "codec/challenge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *s = fuzz_string(data, size);
	struct challenge c;
	struct err err = { 0 };

	if (challenge_parse(s, &c, &err) < 0) {
		FUZZ_ASSERT(err.code != 0 && err.msg[0]);
		return 0;
	}
	FUZZ_ASSERT(strnlen(c.realm, sizeof(c.realm)) < sizeof(c.realm));
	FUZZ_ASSERT(strnlen(c.scope, sizeof(c.scope)) < sizeof(c.scope));
	return 0;
}
