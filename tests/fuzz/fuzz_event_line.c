/* Events: whatever names, labels and attributes are, a line is one JSON object in which they stand; and filters take any object. */
#include "tests/fuzz/fuzz.h"

#include "base/cleanup.h"
#include "codec/event_line.h"
#include "engine/container/event_reader.h"
#include "oci/json.h"

/* The first NUL-terminated strings of the input; those that aren't there are "". */
struct words {
	const char *action, *image, *name, *key, *value, *label, *label_value, *filter;
};

static struct words split(const char *s, size_t size)
{
	struct words w;
	const char **const fields[] = { &w.action, &w.image, &w.name,	     &w.key,
					&w.value,  &w.label, &w.label_value, &w.filter };
	const char *end = s + size;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		*fields[i] = s;
		s += strlen(s);
		if (s < end)
			s++;
	}
	return w;
}

static void check_filter(json_t *event, const char *filter)
{
	autostrv struct strv filters = { 0 };
	struct err err = { 0 };
	int r;

	FUZZ_ASSERT(strv_add(&filters, filter) == 0);
	r = container_event_filters_check(&filters, &err);
	FUZZ_ASSERT(r < 0 ? err.code != 0 : r == 0);
	/* Also what is no filter lets nothing through. */
	FUZZ_ASSERT(!container_event_passes(event, &filters) || r == 0);
	err_clear(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *s = fuzz_string(data, size);
	struct words w = split(s, size);
	const char *const extra[] = { w.key, w.value, NULL };
	autobuf struct buf common = BUF_INIT(EVENT_COMMON_MAX), line = BUF_INIT(EVENT_LINE_MAX);
	autostrv struct strv labels = { 0 };
	autojson json_t *event = NULL, *any = NULL;

	FUZZ_ASSERT(strv_add(&labels, w.label) == 0 && strv_add(&labels, w.label_value) == 0);
	if (event_common_format(&common, "container", "0123456789ab", *w.image ? w.image : NULL, w.name, &labels) < 0 ||
	    event_line_format(&line, w.action, buf_str(&common), extra, (struct timespec){ 1461943101, 607533796 }) < 0)
		return 0;
	FUZZ_ASSERT(memchr(line.data, '\n', line.len) == line.data + line.len - 1);
	/* A label may be called like an attribute; else it is read back. */
	if (json_parse(line.data, line.len - 1, "event", &event, NULL) == 0) {
		FUZZ_ASSERT(json_integer_value(json_object_get(event, "timeNano")) == 1461943101607533796);
		check_filter(event, w.filter);
	}
	if (json_parse(s, strlen(s), "event", &any, NULL) == 0)
		check_filter(any, "label=a=b");
	return 0;
}
