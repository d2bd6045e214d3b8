#include "tests/fuzz/fuzz.h"

#include "base/cleanup.h"
#include "base/timefmt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *s = fuzz_string(data, size);
	char text[TIME_RFC3339_MAX], human[32];
	struct timespec t, back;

	if (time_parse_rfc3339(s, &t) < 0)
		return 0;
	FUZZ_ASSERT(t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
	time_format_human(t.tv_sec, human);
	time_format_rfc3339(t, text);
	/* Years before 0 and after 9999 have no form in RFC 3339: an offset can push a time there. */
	if (t.tv_sec < -62167219200 || t.tv_sec > 253402300799)
		return 0;
	FUZZ_ASSERT(time_parse_rfc3339(text, &back) == 0);
	FUZZ_ASSERT(back.tv_sec == t.tv_sec && back.tv_nsec == t.tv_nsec);
	return 0;
}
