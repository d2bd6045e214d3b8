/* Reading the log of events (monitor/event_log.h), and following it. */
#pragma once

#include "base/err.h"
#include "base/vec.h"
#include "store/store.h"

#include <jansson.h>
#include <time.h>

struct event_query {
	struct timespec since, until;
	bool has_until;	     /* else for ever */
	struct strv filters; /* "KEY=VALUE": container, event, image, label, type; borrowed */
	/* EVENT is docker's object; negative: stop. */
	int (*on_event)(json_t *event, void *arg, struct err *err);
	void *arg;
};

/* What is told from SINCE on, and then whatever comes until UNTIL. -EINVAL for a filter that isn't one. */
int container_events_follow(struct store *s, const struct event_query *q, struct err *err);
/* -EINVAL for a filter that isn't one. */
int container_event_filters_check(const struct strv *filters, struct err *err);
/* FILTERS have been checked. */
bool container_event_passes(json_t *event, const struct strv *filters);
