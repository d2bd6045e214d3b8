/*
 * A layer's table of contents and the two ways to find it. What is accepted keeps to the layer, and its chunks cover each
 * file exactly.
 */
#include "codec/toc_place.h"
#include "fuzz.h"
#include "layer/toc.h"

enum { LAYER_SIZE = 1 << 20 };

static void check_entry(const struct toc *t, const struct toc_entry *e)
{
	uint64_t sum = 0;

	FUZZ_ASSERT(e->chunks_from <= t->chunks_len && e->chunks_len <= t->chunks_len - e->chunks_from);
	for (size_t i = 0; i < e->chunks_len; i++) {
		FUZZ_ASSERT(t->chunks[e->chunks_from + i].size > 0);
		sum += t->chunks[e->chunks_from + i].size;
	}
	FUZZ_ASSERT(sum == e->e.size && (e->e.type == TAR_FILE || sum == 0));
	if (sum > 0)
		FUZZ_ASSERT(e->from < e->end && e->end <= LAYER_SIZE && e->skip <= TOC_SKIP_MAX);
	for (size_t i = 0; i < e->e.xattrs_len; i++)
		FUZZ_ASSERT(e->e.xattrs[i].len <= TAR_XATTR_SIZE_MAX);
	FUZZ_ASSERT(e->e.name && e->e.link && e->e.mode <= 07777);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct toc_place place;
	struct toc toc;
	char *text = fuzz_string(data, size);
	size_t files = 0;

	if (size >= ESTARGZ_FOOTER_SIZE && estargz_footer_parse(data, LAYER_SIZE, &place, NULL) == 0)
		FUZZ_ASSERT(place.size > 0 && place.offset + place.size + ESTARGZ_FOOTER_SIZE == LAYER_SIZE);
	if (chunked_position_parse(text, LAYER_SIZE, &place, NULL) == 0)
		FUZZ_ASSERT(place.size > 0 && place.offset < LAYER_SIZE && place.size <= LAYER_SIZE - place.offset);
	free(text);
	if (toc_parse((const char *)data, size, LAYER_SIZE, &toc, NULL) < 0)
		return 0;
	for (size_t i = 0; i < toc.len; i++) {
		check_entry(&toc, &toc.entries[i]);
		files += toc.entries[i].e.size > 0;
	}
	FUZZ_ASSERT(files == toc.files);
	toc_done(&toc);
	return 0;
}
