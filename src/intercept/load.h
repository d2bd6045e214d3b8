/*
 * Where callers and the supervisor run.
 *
 * Waking the other side on the same core (SYNC_WAKE_UP, kernel 6.6) makes a call four times cheaper, and is right
 * as long as the supervisor's thread is free when a call comes: it then goes to the caller's core, and answers there.
 * With several callers it often is not: the call waits, its caller would be woken on the core where
 * the thread happens to be, and in the end all callers would gather on one. So a caller whose call
 * was found waiting is woken in the ordinary way, on its own core if that is idle.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

void load_init(int listener);
/* A further listener, whose one thread is free when a call comes. */
void load_add(int listener);
/* Whether a notification that came after WAITED_NS was there already when we asked for one. */
bool load_was_waiting(uint64_t waited_ns);
/* Around the answer to such a call. */
void load_wake_elsewhere(bool on);
