/*
 * The log of events: <runroot>/events, one line each (codec/event_line.h), written by whoever does what is told. There is no
 * daemon that could forget it or be asked for it; readers follow the file.
 *
 * It is bounded: at EVENT_LOG_MAX the file becomes events.1, and the one before that goes.
 */
#pragma once

#include <stddef.h>

enum { EVENT_LOG_MAX = 1 << 20 };

/* In a container's folder: what its events have in common since it was renamed; a monitor has begun with what was so then. */
#define EVENT_COMMON_FILE "event"

/*
 * Appends what happens now to the log in the folder RUN_FD: ACTION, and EXTRA as in event_line_format. Never fails and never
 * waits: where it can't be written there is no event.
 */
void event_log_append(int run_fd, const char *action, const char *common, const char *const *extra);
