#include "engine/container/events.h"

#include "base/cleanup.h"
#include "codec/event_line.h"
#include "monitor/event_log.h"

int container_event_common(const struct container_record *r, struct buf *out)
{
	return event_common_format(out, "container", r->id, r->image ? r->image : "", r->name ? r->name : "",
				   &r->labels);
}

void container_event(struct store *s, const struct container_record *r, const char *action, const char *const *extra)
{
	autobuf struct buf common = BUF_INIT(EVENT_COMMON_MAX);
	int run = store_run_fd(s, NULL);

	if (run >= 0 && r->id && container_event_common(r, &common) >= 0)
		event_log_append(run, action, common.data, extra);
}
