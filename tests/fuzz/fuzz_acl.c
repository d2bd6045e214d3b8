#include "tests/fuzz/fuzz.h"

#include "intercept/acl.h"

/* What is accepted stays so when the file's mode is put into it, and then stands for that mode. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	mode_t mode, wanted = size > 8 ? (mode_t)(data[5] * 8 + data[6]) & 0777 : 0750, again;
	uint8_t *copy = malloc(size + 1);

	FUZZ_ASSERT(copy);
	memcpy(copy, data, size);
	if (acl_parse(copy, size, &mode) >= 0) {
		acl_apply_mode(copy, size, wanted);
		FUZZ_ASSERT(acl_parse(copy, size, &again) >= 0);
		FUZZ_ASSERT((again & ~wanted) == 0);
	}
	free(copy);
	return 0;
}
