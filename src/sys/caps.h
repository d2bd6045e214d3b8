/* Capabilities by name, as sets of bits. Source: capabilities(7), linux/capability.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef uint64_t cap_set; /* bit n: capability number n */

#define CAP_BIT(n) (UINT64_C(1) << (n))

/* The number of "CAP_CHOWN", "chown", "Chown"; -1: there is none. */
int cap_from_name(const char *name);
/* "CAP_CHOWN"; NULL beyond the last that we know. */
const char *cap_name(int number);
/* All that this project knows by name. */
cap_set cap_all_known(void);
/* The highest number that the running kernel has (prctl probes; cached). */
int cap_last(void);

/* The five sets of a process. */
struct cap_state {
	cap_set bounding, effective, inheritable, permitted, ambient;
};

/*
 * These take part in the start of a container: async-signal-safe, 0 or a negative errno.
 * caps_limit_bounding drops from the bounding set all that is not in KEEP.
 */
int caps_limit_bounding(cap_set keep);
/* Effective, permitted and inheritable; the ambient set follows by caps_set_ambient. */
int caps_set(const struct cap_state *state);
int caps_set_ambient(cap_set ambient);
/* What this process has. */
int caps_get(struct cap_state *ret);
