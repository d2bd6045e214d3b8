/* The words of --since and --until, durations, and --restart. */
#include "tests/fuzz/fuzz.h"

#include "base/cleanup.h"
#include "base/timefmt.h"
#include "monitor/restart.h"

static void check_time(const char *s)
{
	static const struct timespec now = { 2000000000, 500000000 };
	struct err err = { 0 };
	struct timespec t, again;
	char text[TIME_RFC3339_MAX];
	int64_t ago;

	if (time_parse_when(s, now, &t, &err) < 0) {
		FUZZ_ASSERT(err.code != 0);
		err_clear(&err);
		return;
	}
	FUZZ_ASSERT(t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
	FUZZ_ASSERT(t.tv_sec >= -62167219200 && t.tv_sec <= 253402300799);
	time_format_rfc3339(t, text);
	FUZZ_ASSERT(time_parse_when(text, now, &again, NULL) == 0);
	FUZZ_ASSERT(again.tv_sec == t.tv_sec && again.tv_nsec == t.tv_nsec);
	if (time_parse_duration(s, &ago) == 0)
		FUZZ_ASSERT(ago >= 0 && t.tv_sec <= now.tv_sec);
}

static void check_restart(const char *s)
{
	enum restart_policy policy, again;
	struct err err = { 0 };
	int64_t max, max_again;

	if (restart_parse(s, &policy, &max, &err) < 0) {
		FUZZ_ASSERT(err.code != 0);
		err_clear(&err);
		return;
	}
	FUZZ_ASSERT(max >= 0 && max <= RESTART_COUNT_MAX && (max == 0 || policy == RESTART_ON_FAILURE));
	FUZZ_ASSERT(restart_parse(restart_policy_name(policy), &again, &max_again, NULL) == 0 && again == policy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *s = fuzz_string(data, size);

	check_time(s);
	check_restart(s);
	return 0;
}
