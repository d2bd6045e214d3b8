#include "monitor/restart.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const names[] = { "no", "on-failure", "always", "unless-stopped" };

const char *restart_policy_name(enum restart_policy policy)
{
	return names[policy];
}

int restart_parse(const char *word, enum restart_policy *ret, int64_t *ret_max, struct err *err)
{
	const char *rest = str_skip_prefix(word, "on-failure:");
	uint32_t max = 0;

	*ret_max = 0;
	if (!*word) {
		*ret = RESTART_NO;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(word, names[i]) != 0)
			continue;
		*ret = (enum restart_policy)i;
		return 0;
	}
	if (rest && num_parse_u32(rest, RESTART_COUNT_MAX, &max) == 0) {
		*ret = RESTART_ON_FAILURE;
		*ret_max = max;
		return 0;
	}
	err_set(err, EINVAL, "--restart '%s': not a policy", word);
	return err_hint(err, "one of no, on-failure[:TIMES], always and unless-stopped");
}

void restart_format(enum restart_policy policy, int64_t max, char dst[static RESTART_WORD_MAX])
{
	if (policy == RESTART_ON_FAILURE && max > 0)
		snprintf(dst, RESTART_WORD_MAX, "%s:%" PRIi64, names[policy], max);
	else
		snprintf(dst, RESTART_WORD_MAX, "%s", names[policy]);
}

static bool policy_wants(const struct restart_state *s, int exit_code)
{
	switch (s->policy) {
	case RESTART_NO:
		return false;
	case RESTART_ON_FAILURE:
		return exit_code != 0 && (s->max == 0 || s->restarts < s->max);
	case RESTART_ALWAYS:
	case RESTART_UNLESS_STOPPED:
		break;
	}
	return true;
}

bool restart_decide(struct restart_state *s, int exit_code, int64_t ran_ms, bool stopped)
{
	if (stopped || !policy_wants(s, exit_code))
		return false;
	if (ran_ms >= RESTART_LONG_LIFE_MS || s->delay_ms == 0)
		s->delay_ms = RESTART_DELAY_MIN_MS;
	else if (s->delay_ms < RESTART_DELAY_MAX_MS / 2)
		s->delay_ms *= 2;
	else
		s->delay_ms = RESTART_DELAY_MAX_MS;
	s->restarts++;
	return true;
}
