/*
 * What the confinements of the helpers have in common: a seccomp filter that is a list of what is allowed, and limits of
 * resources. Each helper's own list stands beside its code.
 *
 *     struct allow a = { 0 };
 *
 *     allow_basics(&a);
 *     allow_calls(&a, mine, ARRAY_SIZE(mine));
 *     allow_call_if(&a, SYS_ioctl, 1, FIONBIO, UINT32_MAX);
 *     r = allow_install(&a, err);
 */
#pragma once

#include "base/err.h"
#include "sys/seccomp.h"

#include <stddef.h>
#include <stdint.h>

/* The sanitizers' library makes a few calls more, and its shadow memory is larger than any sensible limit. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif

enum { ALLOW_RULES_MAX = 160 };

struct allow {
	struct seccomp_rule rules[ALLOW_RULES_MAX];
	size_t len;
};

/* Bytes through descriptors that are there, memory, time, signals of our own, the end: what the C library takes for granted. */
void allow_basics(struct allow *a);
/* Threads of this process, and no other process. */
void allow_threads(struct allow *a);
void allow_calls(struct allow *a, const uint32_t *numbers, size_t len);
/* If argument ARG (0 to 5), of its MASK, is VALUE. */
void allow_call_if(struct allow *a, uint32_t number, uint8_t arg, uint64_t value, uint64_t mask);
/* With more conditions, or an answer of its own. */
void allow_rule(struct allow *a, const struct seccomp_rule *rule);
/*
 * For good, for this thread and all that are started afterwards. Other calls give EPERM and not the process's death: the C
 * library of another version may try a call that it can do without, and an error of the job says more than a signal.
 */
int allow_install(const struct allow *a, struct err *err);

/* Lowers both limits of RESOURCE (RLIMIT_*) to MOST, if they are higher. */
void limit_lower(int resource, uint64_t most);
/* RLIMIT_DATA, but not under a sanitizer. */
void limit_memory(uint64_t most);
