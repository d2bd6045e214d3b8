#include "tests/fuzz/fuzz.h"

#include "base/cleanup.h"
#include "codec/reference.h"

/* What was read, when written out, reads back as the same. */
static void check_round_trip(const struct reference *ref, void (*format)(const struct reference *, char *))
{
	char text[REFERENCE_MAX + 256], again[REFERENCE_MAX + 256];
	struct reference back;
	struct err err = { 0 };

	format(ref, text);
	FUZZ_ASSERT(reference_parse(text, &back, &err) == 0);
	reference_format(ref, text);
	reference_format(&back, again);
	FUZZ_ASSERT(strcmp(text, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *s = fuzz_string(data, size);
	struct reference ref;
	struct err err = { 0 };

	if (reference_parse(s, &ref, &err) < 0) {
		FUZZ_ASSERT(err.code != 0 && err.msg[0]);
		return 0;
	}
	check_round_trip(&ref, reference_format);
	check_round_trip(&ref, reference_format_familiar);
	return 0;
}
