/* A container's log: any line is read or refused, what is read is written again as itself, and any text of a program comes back. */
#include "tests/fuzz/fuzz.h"

#include "base/cleanup.h"
#include "codec/log_line.h"

/* The first time, what isn't UTF-8 is replaced; from then on nothing changes. */
static void check_text(const char *text, size_t len, const struct log_line *line)
{
	autobuf struct buf once = BUF_INIT(LOG_LINE_MAX), twice = BUF_INIT(LOG_LINE_MAX), back = BUF_INIT(LOG_LINE_MAX);
	autobuf struct buf again = BUF_INIT(LOG_LINE_MAX);
	struct log_line read;

	FUZZ_ASSERT(log_line_format(&once, text, len, line) == 0);
	FUZZ_ASSERT(once.len > 0 && memchr(once.data, '\n', once.len) == once.data + once.len - 1);
	FUZZ_ASSERT(log_line_parse(once.data, once.len - 1, &back, &read) == 0);
	FUZZ_ASSERT(read.is_stderr == line->is_stderr && read.attrs_len == line->attrs_len);
	FUZZ_ASSERT(read.time.tv_sec == line->time.tv_sec && read.time.tv_nsec == line->time.tv_nsec);
	FUZZ_ASSERT(log_line_format(&twice, buf_str(&back), back.len, &read) == 0);
	FUZZ_ASSERT(log_line_parse(twice.data, twice.len - 1, &again, &read) == 0);
	FUZZ_ASSERT(again.len == back.len && memcmp(buf_str(&again), buf_str(&back), back.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autobuf struct buf text = BUF_INIT(LOG_LINE_MAX);
	struct log_line line = { 0 };

	if (size > LOG_TEXT_MAX)
		return 0;
	check_text((const char *)data, size, &line);
	buf_add_str(&text, "before");
	if (log_line_parse((const char *)data, size, &text, &line) < 0) {
		FUZZ_ASSERT(strcmp(buf_str(&text), "before") == 0);
		return 0;
	}
	FUZZ_ASSERT(!line.attrs ||
		    ((const uint8_t *)line.attrs > data && (const uint8_t *)line.attrs + line.attrs_len < data + size));
	/* Attributes of others may stand on several lines; ours don't. */
	if (!line.attrs || !memchr(line.attrs, '\n', line.attrs_len))
		check_text(text.data + strlen("before"), text.len - strlen("before"), &line);
	return 0;
}
