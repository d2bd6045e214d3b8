/* What happens to containers, told to whoever follows the log of events (monitor/event_log.h). */
#pragma once

#include "base/buf.h"
#include "engine/container/record.h"
#include "store/store.h"

/* What all events of R have in common; BUF holds EVENT_COMMON_MAX. */
int container_event_common(const struct container_record *r, struct buf *out);
/*
 * ACTION (docker's word: "create", "start", "die", "rename" …) happens to R now. EXTRA: names and values of attributes, ended by
 * NULL, or NULL. Never fails: where it can't be told, it isn't.
 */
void container_event(struct store *s, const struct container_record *r, const char *action, const char *const *extra);
