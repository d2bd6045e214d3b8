/* The words of ps --filter, one a line, over a container that has a little of everything. */
#include "tests/fuzz/fuzz.h"

#include "base/cleanup.h"
#include "engine/container/row_filter.h"

#include <fcntl.h>
#include <string.h>

static struct container_row items[] = {
	{ .summary = { .id = "bbbb00000000000000000000000000000000000000000000000000000000000b",
		       .name = "web-1",
		       .image = "busybox",
		       .image_id = "sha256:1234567890000000000000000000000000000000000000000000000000000000",
		       .network = "private",
		       .created = { 200, 5 },
		       .labels = WORDS("tier\0front"),
		       .mounts = WORDS("volume\0data\0/srv/data\0/data"),
		       .publish = WORDS("8080:80"),
		       .expose = WORDS("53/udp") },
	  .status = { .phase = CONTAINER_EXITED, .exit_code = 3 } },
	{ .summary = { .id = "aaaa00000000000000000000000000000000000000000000000000000000000a",
		       .name = "",
		       .image = "",
		       .image_id = "",
		       .network = "",
		       .created = { 100, 0 } },
	  .status = { .phase = CONTAINER_CREATED } },
};
static const struct container_rows rows = { .items = items, .len = ARRAY_SIZE(items) };

/* Nothing of the containers is there, as when they don't live. */
static struct store *empty_store(void)
{
	static struct store store = { .root_fd = -1, .run_fd = -1 };

	if (store.run_fd < 0)
		store.run_fd = open("/proc/self/fdinfo", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	FUZZ_ASSERT(store.run_fd >= 0);
	return &store;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *s = fuzz_string(data, size);
	autofilters struct row_filters filters = { 0 };
	autostrv struct strv words = { 0 };
	struct err err = { 0 };
	char *rest = s, *word;
	int r;

	while ((word = strsep(&rest, "\n")) && words.len < 16)
		FUZZ_ASSERT(strv_add(&words, word) == 0);
	r = row_filters_parse(&words, &filters, &err);
	if (r >= 0)
		r = row_filters_bind(&filters, &rows, &err);
	FUZZ_ASSERT(r < 0 ? err.code != 0 : filters.len == words.len);
	for (size_t i = 0; r >= 0 && i < rows.len; i++)
		row_filters_pass(empty_store(), &filters, &rows.items[i]);
	err_clear(&err);
	return 0;
}
