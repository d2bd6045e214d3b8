/* A live file: what is read from it is written as a line that says the same. */
#include "tests/fuzz/fuzz.h"

#include "base/cleanup.h"
#include "codec/live_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *s = fuzz_string(data, size);
	char text[LIVE_LINE_SIZE + 1] = { 0 };
	struct live_line line, back;

	if (live_line_parse(s, &line) < 0)
		return 0;
	FUZZ_ASSERT(line.pid >= 0 && line.since.tv_nsec >= 0 && line.since.tv_nsec < 1000000000);
	live_line_format(&line, text);
	FUZZ_ASSERT(strchr(text, '\n') == text + LIVE_LINE_SIZE - 1);
	FUZZ_ASSERT(live_line_parse(text, &back) == 0);
	FUZZ_ASSERT(back.pid == line.pid && back.since.tv_sec == line.since.tv_sec &&
		    back.since.tv_nsec == line.since.tv_nsec && back.restarts == line.restarts &&
		    back.exit_code == line.exit_code);
	return 0;
}
