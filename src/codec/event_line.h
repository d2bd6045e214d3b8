/*
 * A line of the log of events, as docker's API and `docker events --format json` write them:
 *
 *     {"status":"die","Action":"die","id":"…","from":"busybox","Type":"container","Actor":{"ID":"…","Attributes":{
 *      "image":"busybox","name":"web","exitCode":"0"}},"scope":"local","time":1461943101,"timeNano":1461943101607533796}
 */
#pragma once

#include "base/buf.h"
#include "base/vec.h"

#include <time.h>

enum {
	EVENT_COMMON_MAX = 64 * 1024,
	EVENT_LINE_MAX = EVENT_COMMON_MAX + 8192, /* a longer one is not written */
};

/* What all events of one container (TYPE "container"), image or volume have in common, up to its own attributes. */
int event_common_format(struct buf *out, const char *type, const char *id, const char *image, const char *name,
			const struct strv *labels);
/* The whole line. EXTRA: attributes of this event, name, value, name, value …, ended by NULL; may be NULL. */
int event_line_format(struct buf *out, const char *action, const char *common, const char *const *extra,
		      struct timespec time);
