/* Whatever the keys and the input are, nothing is lost but the keys, in whatever pieces the input comes. */
#include "codec/detach_keys.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TYPED_MAX = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[64], whole[TYPED_MAX + DETACH_KEYS_MAX], parts[TYPED_MAX + 2 * DETACH_KEYS_MAX];
	size_t text_len = strnlen((const char *)data, size), whole_len, parts_len = 0;
	struct detach_keys k, again;
	const char *typed;
	bool detached, again_detached = false;

	if (text_len >= sizeof(text) || text_len == size)
		return 0;
	memcpy(text, data, text_len + 1);
	typed = (const char *)data + text_len + 1;
	size -= text_len + 1;
	if (size > TYPED_MAX || detach_keys_parse(text, &k, NULL) < 0)
		return 0;
	again = k;
	detached = detach_keys_filter(&k, typed, size, whole, &whole_len);
	for (size_t i = 0; i < size && !again_detached; i++) {
		size_t len;

		again_detached = detach_keys_filter(&again, typed + i, 1, parts + parts_len, &len);
		parts_len += len;
	}
	if (detached != again_detached || whole_len != parts_len || memcmp(whole, parts, whole_len) != 0)
		abort();
	if (memcmp(whole, typed, whole_len) != 0 || (!detached && whole_len + k.seen != size))
		abort();
	return 0;
}
