/* Manifests, indexes and configurations: what was read and is written reads back, and writes the same bytes again. */
#include "tests/fuzz/fuzz.h"

#include "base/cleanup.h"
#include "oci/image.h"

static void check_same(const struct buf *first, const struct buf *second)
{
	FUZZ_ASSERT(first->len == second->len && memcmp(first->data, second->data, first->len) == 0);
}

static void check_manifest(const char *data, size_t size)
{
	struct image_manifest m = { 0 }, back = { 0 };
	autobuf struct buf first = BUF_INIT(16 << 20), second = BUF_INIT(16 << 20);
	struct err err = { 0 };

	if (image_manifest_parse(data, size, &m, &err) >= 0 && image_manifest_write(&m, &first, &err) >= 0) {
		FUZZ_ASSERT(m.layers_len <= IMAGE_LAYERS_MAX);
		FUZZ_ASSERT(image_manifest_parse(first.data, first.len, &back, &err) >= 0);
		FUZZ_ASSERT(image_manifest_write(&back, &second, &err) >= 0);
		check_same(&first, &second);
	}
	image_manifest_done(&m);
	image_manifest_done(&back);
}

static void check_index(const char *data, size_t size)
{
	struct image_index i = { 0 }, back = { 0 };
	autobuf struct buf first = BUF_INIT(16 << 20), second = BUF_INIT(16 << 20);
	struct err err = { 0 };

	if (image_index_parse(data, size, &i, &err) >= 0 && image_index_write(&i, &first, &err) >= 0) {
		image_index_choose(&i);
		FUZZ_ASSERT(image_index_parse(first.data, first.len, &back, &err) >= 0);
		FUZZ_ASSERT(image_index_write(&back, &second, &err) >= 0);
		check_same(&first, &second);
	}
	image_index_done(&i);
	image_index_done(&back);
}

static void check_config(const char *data, size_t size)
{
	struct image_config c = { 0 }, back = { 0 };
	autobuf struct buf first = BUF_INIT(16 << 20), second = BUF_INIT(16 << 20);
	struct err err = { 0 };

	if (image_config_parse(data, size, &c, &err) >= 0 && image_config_write(&c, &first, &err) >= 0) {
		for (size_t n = 0; n < c.diff_ids_len; n++)
			image_config_layer_history(&c, n);
		FUZZ_ASSERT(image_config_parse(first.data, first.len, &back, &err) >= 0);
		FUZZ_ASSERT(image_config_write(&back, &second, &err) >= 0);
		check_same(&first, &second);
	}
	image_config_done(&c);
	image_config_done(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_manifest((const char *)data, size);
	check_index((const char *)data, size);
	check_config((const char *)data, size);
	return 0;
}
