/* The index of containers, and a single entry of it: what is read stays within its bytes and is written back as it was. */
#include "tests/fuzz/fuzz.h"

#include "base/cleanup.h"
#include "engine/container/index.h"

static size_t count_words(const struct words *w)
{
	size_t n = 0;

	for (const char *word = words_next(w, NULL); word; word = words_next(w, word))
		n += 1 + (strlen(word) > SIZE_MAX / 2);
	return n;
}

static void check_entry(const struct index_entry *e)
{
	const struct container_summary *s = &e->summary;

	FUZZ_ASSERT(strlen(s->id) == CONTAINER_ID_MAX - 1);
	FUZZ_ASSERT(strlen(s->name) + strlen(s->image) + strlen(s->image_id) + strlen(s->network) < e->size);
	FUZZ_ASSERT(count_words(&s->args) + count_words(&s->publish) + count_words(&s->expose) < e->size);
	FUZZ_ASSERT(count_words(&s->labels) % 2 == 0 && count_words(&s->mounts) % SUMMARY_MOUNT_WORDS == 0);
	FUZZ_ASSERT(!container_is_alive(e->status.phase));
	FUZZ_ASSERT(s->created.tv_nsec >= 0 && s->created.tv_nsec < 1000000000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autobuf struct buf again = BUF_INIT(INDEX_MAX);
	struct index_entries entries = { 0 };
	struct index_entry e;

	/* No fuzzer finds the hash of a file by itself: an entry as well, and a file around it. */
	if (index_entry_parse((const char *)data, size, &e) >= 0) {
		FUZZ_ASSERT(e.size <= size);
		check_entry(&e);
		FUZZ_ASSERT(index_entries_push(&entries, (const char *)data) == 0);
		index_format(&again, &entries);
		free(entries.items);
		entries = (struct index_entries){ 0 };
		FUZZ_ASSERT(index_parse(again.data, again.len, &entries) == 0 && entries.len == 1);
		FUZZ_ASSERT(memcmp(entries.items[0], data, e.size) == 0);
		free(entries.items);
		entries = (struct index_entries){ 0 };
		buf_reset(&again);
	}
	if (index_parse((const char *)data, size, &entries) < 0)
		return 0;
	for (size_t i = 0; i < entries.len; i++) {
		e = index_entry_at(entries.items[i]);
		check_entry(&e);
		FUZZ_ASSERT(index_find(&entries, e.summary.id) == entries.items[i]);
	}
	index_format(&again, &entries);
	FUZZ_ASSERT(again.len == size && memcmp(again.data, data, size) == 0);
	free(entries.items);
	return 0;
}
