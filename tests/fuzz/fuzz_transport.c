/* Names of places: what was parsed is whole, and says no more than the text did. */
#include "tests/fuzz/fuzz.h"

#include "engine/move/place.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[2 * PLACE_NAME_MAX];
	struct place p;

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (place_parse(text, &p, NULL) < 0)
		return 0;
	FUZZ_ASSERT(place_is_one(text));
	FUZZ_ASSERT(strlen(text) <= PLACE_NAME_MAX && p.index >= -1 && p.index <= PLACE_INDEX_MAX);
	FUZZ_ASSERT((p.kind == PLACE_DOCKER || p.kind == PLACE_STORE) ? p.name && !p.path : p.path && p.path[0]);
	FUZZ_ASSERT(!p.path || strstr(text, p.path));
	FUZZ_ASSERT(!p.name || strstr(text, p.name));
	place_done(&p);
	return 0;
}
