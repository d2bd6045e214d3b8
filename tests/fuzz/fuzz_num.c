#include "tests/fuzz/fuzz.h"

#include "base/cleanup.h"
#include "base/num.h"

#include <inttypes.h>

static void check_signed(const char *s)
{
	char again[32];
	int64_t value, back;

	if (num_parse_i64(s, &value) < 0)
		return;
	snprintf(again, sizeof(again), "%" PRId64, value);
	FUZZ_ASSERT(num_parse_i64(again, &back) == 0 && back == value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *s = fuzz_string(data, size);
	uint64_t value = 7;
	uint32_t small;
	char text[16];

	check_signed(s);
	if (num_parse_u64(s, 8, &value) < 0)
		FUZZ_ASSERT(value == 7);
	if (num_parse_u32(s, 4095, &small) == 0)
		FUZZ_ASSERT(small <= 4095);
	if (num_parse_size(s, &value) == 0)
		num_format_size(value, text);
	return 0;
}
