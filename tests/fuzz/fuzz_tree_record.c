/* What is read as a line of a tree's record is written so that it reads as the same again, and leads out of no tree. */
#include "fuzz.h"

#include "codec/tree_record.h"

static void check_path(const char *path)
{
	FUZZ_ASSERT(strlen(path) <= TREE_RECORD_PATH_MAX && path[0] != '/');
	for (const char *p = path; *p; p += strspn(p, "/")) {
		size_t len = strcspn(p, "/");

		FUZZ_ASSERT(len > 0 && strncmp(p, "..", len > 2 ? len : 2) != 0);
		p += len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = fuzz_string(data, size), *again;
	struct buf text = BUF_INIT(TREE_RECORD_LINE_MAX), second = BUF_INIT(TREE_RECORD_LINE_MAX);
	struct tree_record_entry e;
	struct tree_record_time made;

	if (tree_record_parse_first(line, &made, NULL) >= 0 || tree_record_parse(line, &e, NULL) < 0) {
		free(line);
		return 0;
	}
	check_path(e.path);
	if (e.type == 'h')
		check_path(e.link);
	FUZZ_ASSERT(tree_record_order(e.path, e.path) == 0 && !tree_record_is_below(e.path, e.path));
	FUZZ_ASSERT(tree_record_write(&text, &e) == 0 && text.data[text.len - 1] == '\n');
	again = strndup(text.data, text.len - 1);
	FUZZ_ASSERT(again && tree_record_parse(again, &e, NULL) >= 0);
	FUZZ_ASSERT(tree_record_write(&second, &e) == 0);
	FUZZ_ASSERT(second.len == text.len && memcmp(second.data, text.data, text.len) == 0);
	free(again);
	free(line);
	buf_done(&text);
	buf_done(&second);
	return 0;
}
