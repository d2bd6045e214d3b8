/*
 * Where callers and the supervisor run.
 *
 * Waking the other side on the same core (SYNC_WAKE_UP, kernel 6.6) makes a call four times cheaper, and is right
 * as long as the supervisor's thread is free when a call comes: it then goes to the caller's core, and answers there.
 * With several callers it often is not: the call waits, its caller would be woken on the core where
 * the thread happens to be, and in the end all callers would gather on one. So a caller whose call
 * was found waiting behind another's is woken in the ordinary way, on its own core if that is idle.
 *
 * The supervisor asks for short slices of time (kernel 6.12), which is what anyone may: who needs little at a time is
 * served sooner, so it isn't put aside by the caller that it has just woken, before it has gone to sleep itself.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

void load_init(int listener);
/* A further listener, whose one thread is free when a call comes. */
void load_add(int listener);
/*
 * Whether a notification of CALLER's that came after WAITED_NS was there already when we asked for one, behind another
 * caller's. A single caller that was faster than we were is none: it would go on alone on another core, and each of its
 * calls would find us awake there and itself asleep here.
 */
bool load_was_waiting(uint64_t waited_ns, pid_t caller);
/* Around the answer to such a call. */
void load_wake_elsewhere(bool on);
