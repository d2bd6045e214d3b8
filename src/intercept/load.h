/*
 * Where callers and the supervisor run, and how many threads of it wait.
 *
 * Waking the other side on the same core (SYNC_WAKE_UP, kernel 6.6) makes a call four times cheaper, and is right
 * as long as the thread that waits is free when a call comes. With several callers on several cores it
 * often isn't: the call waits, and its caller is then woken on the supervisor's core, away from its own, which
 * in the end gathers all callers there. So when calls are found to have waited, a second thread waits
 * too: each caller meets a free one, on its own core.
 */
#pragma once

#include <stdint.h>

void load_init(int listener);
/*
 * A notification came after a wait of WAITED_NS; called by the thread that waited. Returns how many threads
 * should wait from now on.
 */
int load_note(uint64_t waited_ns);
