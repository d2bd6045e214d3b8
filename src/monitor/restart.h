/*
 * --restart: whether a container that has ended is started again, and after how long. docker's rules: the delay begins at 100 ms,
 * doubles each time up to a minute, and begins anew after a life of ten seconds.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum restart_policy { RESTART_NO, RESTART_ON_FAILURE, RESTART_ALWAYS, RESTART_UNLESS_STOPPED };

enum {
	RESTART_DELAY_MIN_MS = 100,
	RESTART_DELAY_MAX_MS = 60000,
	RESTART_LONG_LIFE_MS = 10000,
	RESTART_COUNT_MAX = 1000000,
};

struct restart_state {
	enum restart_policy policy;
	int64_t max;	  /* of RESTART_ON_FAILURE; 0: no limit */
	int64_t restarts; /* so far, since somebody started it */
	int64_t delay_ms; /* before the last one; 0: there was none */
};

/* "no", "on-failure[:N]", "always", "unless-stopped"; "" is "no". */
int restart_parse(const char *word, enum restart_policy *ret, int64_t *ret_max, struct err *err);
/* The same the other way; DST has room for RESTART_WORD_MAX. */
enum { RESTART_WORD_MAX = 40 };
void restart_format(enum restart_policy policy, int64_t max, char dst[static RESTART_WORD_MAX]);
/* In the container's folder: such a word, which `update` has left for the monitor; not there: as it was at the start. */
#define RESTART_FILE "policy"
/* "on-failure", as docker's inspect names it. */
const char *restart_policy_name(enum restart_policy policy);

/*
 * A life of RAN_MS ended with EXIT_CODE; STOPPED: somebody asked for it. True: it is to be started again after S->delay_ms, which
 * like S->restarts is brought up to date.
 */
bool restart_decide(struct restart_state *s, int exit_code, int64_t ran_ms, bool stopped);
