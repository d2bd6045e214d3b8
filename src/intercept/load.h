/*
 * Where callers and the supervisor run. Waking the other side on the same core (SYNC_WAKE_UP, kernel 6.6) makes a call
 * four times cheaper when one process calls, and gathers on one core what could run on two when several do.
 * So it is switched by load.
 */
#pragma once

#include <linux/seccomp.h>

void load_init(int listener);
/* Takes note of a notification; called by the thread that waits for them. */
void load_note(const struct seccomp_notif *n);
