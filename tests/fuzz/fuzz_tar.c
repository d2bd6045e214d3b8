/*
 * Whatever is fed, in whatever pieces, the reader gives the same events, stays inside what was fed, and
 * an entry that it tells reads back as itself when the writer says it again.
 */
#include "base/buf.h"
#include "codec/tar.h"
#include "fuzz.h"

enum { OUT_MAX = 8 << 20 };

static void check_round_trip(const struct tar_entry *e)
{
	struct buf out = BUF_INIT(OUT_MAX);
	struct tar_reader *r = tar_reader_new();
	struct tar_event ev;
	int n = tar_write_header(&out, e);

	FUZZ_ASSERT(r);
	if (n == 0) {
		const struct tar_entry *back;
		size_t len = strlen(e->name);

		tar_reader_feed(r, out.data, out.len);
		n = tar_reader_next(r, &ev, NULL);
		/* The writer may be asked for more than the reader takes: extended headers over the limit. */
		FUZZ_ASSERT(n == 1 || out.len > TAR_META_MAX);
		back = n == 1 ? ev.entry : e;
		FUZZ_ASSERT(strcmp(back->name, e->name) == 0 && strcmp(back->link, e->link) == 0);
		FUZZ_ASSERT(back->type == e->type || (e->type == TAR_FILE && len > 0 && e->name[len - 1] == '/'));
		FUZZ_ASSERT(back->mode == e->mode && back->uid == e->uid && back->gid == e->gid);
		FUZZ_ASSERT(back->mtime == e->mtime && back->mtime_nsec == e->mtime_nsec);
		FUZZ_ASSERT(back->xattrs_len == e->xattrs_len);
		FUZZ_ASSERT(back->type != TAR_FILE || back->size == e->size);
	}
	tar_reader_free(r);
	buf_done(&out);
}

/* A fingerprint of all events, fed in pieces of CHUNK bytes. */
static uint64_t fingerprint(const uint8_t *data, size_t size, size_t chunk, int deep)
{
	struct tar_reader *r = tar_reader_new();
	uint64_t hash = 14695981039346656037u;
	int n = 0;

	FUZZ_ASSERT(r);
	for (size_t at = 0; at < size && n == 0; at += chunk) {
		size_t len = size - at < chunk ? size - at : chunk;
		struct tar_event ev;

		tar_reader_feed(r, data + at, len);
		while ((n = tar_reader_next(r, &ev, NULL)) > 0) {
			if (ev.kind == TAR_EVENT_DATA) {
				FUZZ_ASSERT(ev.data >= data + at && ev.data + ev.len <= data + at + len && ev.len > 0);
				FUZZ_ASSERT(ev.offset <= ev.entry->size && ev.len <= ev.entry->size - ev.offset);
				for (size_t i = 0; i < ev.len; i++)
					hash = (hash ^ ev.data[i] ^ (ev.offset + i)) * 1099511628211u;
				continue;
			}
			hash = (hash ^ (uint64_t)ev.kind ^ ev.entry->size) * 1099511628211u;
			if (ev.kind == TAR_EVENT_ENTRY && deep)
				check_round_trip(ev.entry);
		}
	}
	hash = (hash ^ (uint64_t)(n < 0)) * 1099511628211u;
	tar_reader_free(r);
	return hash;
}

/* A fuzzer doesn't find checksums: blocks that look like headers get the right one. */
static void repair(uint8_t *data, size_t size)
{
	for (size_t at = 0; at + TAR_BLOCK_SIZE <= size; at += TAR_BLOCK_SIZE) {
		uint8_t *block = data + at;
		char text[16];
		uint32_t sum = 8 * ' ';

		if (memcmp(block + 257, "ustar", 5) != 0)
			continue;
		for (size_t i = 0; i < TAR_BLOCK_SIZE; i++)
			sum += i < 148 || i >= 156 ? block[i] : 0;
		snprintf(text, sizeof(text), "%06o", sum);
		memcpy(block + 148, text, 7);
		block[155] = ' ';
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size + 1);
	uint64_t whole;

	FUZZ_ASSERT(copy);
	if (size)
		memcpy(copy, data, size);
	repair(copy, size);
	whole = fingerprint(copy, size, size ? size : 1, 1);
	FUZZ_ASSERT(whole == fingerprint(copy, size, 7, 0));
	FUZZ_ASSERT(whole == fingerprint(copy, size, 512, 0));
	free(copy);
	return 0;
}
