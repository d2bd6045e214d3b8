#include "cli/command.h"
#include "cli/container/each.h"
#include "cli/template/template.h"

#include "base/cleanup.h"
#include "base/timefmt.h"
#include "engine/container/event_reader.h"
#include "engine/container/list.h"
#include "oci/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct events_options {
	const char *since, *until, *format;
	struct strv filters;
};

static const struct option events_table[] = {
	OPTION_STRING("since", 0, struct events_options, since, "TIME",
		      "what happened from then on: 2026-11-24T07:15:00Z, seconds since 1970, or 10m: so long ago",
		      NULL),
	OPTION_STRING("until", 0, struct events_options, until, "TIME", "end then; without it, go on for ever", NULL),
	OPTION_LIST("filter", 'f', struct events_options, filters, "KEY=VALUE", "container, event, image, label, type",
		    NULL),
	OPTION_STRING("format", 0, struct events_options, format, "FORMAT",
		      "json, or a template of fields: {{.Action}} {{.Actor.ID}}", NULL),
	OPTION_END,
};

static void print_plain(json_t *event)
{
	json_t *attributes = json_object_get(json_object_get(event, "Actor"), "Attributes"), *value;
	int64_t ns = json_integer_value(json_object_get(event, "timeNano"));
	struct timespec t = { .tv_sec = ns / 1000000000 };
	char time[TIME_RFC3339_MAX];
	const char *key, *separator = "";

	time_format_rfc3339(t, time);
	time[strlen(time) - 1] = '\0';
	printf("%s.%09" PRIi64 "Z %s %s %s (", time, ns % 1000000000, json_string_value(json_object_get(event, "Type")),
	       json_string_value(json_object_get(event, "Action")), json_string_value(json_object_get(event, "id")));
	json_object_foreach(attributes, key, value)
	{
		printf("%s%s=%s", separator, key, json_string_value(value));
		separator = ", ";
	}
	puts(")");
}

static int print_event(json_t *event, void *arg, struct err *err)
{
	const char *format = arg;
	autobuf struct buf out = BUF_INIT(1 << 20);
	autotemplate struct template *t = NULL;
	int r = 0;

	if (!format) {
		print_plain(event);
	} else if (strcmp(format, "json") == 0) {
		r = json_write(event, &out, err);
	} else {
		r = template_parse(format, &t, err);
		if (r >= 0)
			r = template_render(t, event, true, &out, err);
	}
	if (r >= 0 && format)
		puts(buf_str(&out));
	fflush(stdout);
	return r < 0 ? r : ferror(stdout) ? -EPIPE : 0;
}

/* What isn't a template is told now, and not when something happens. */
static int check_format(const char *format, struct err *err)
{
	autotemplate struct template *t = NULL;

	return !format || strcmp(format, "json") == 0 ? 0 : template_parse(format, &t, err);
}

static int run_events(const void *options, const struct strv *args, struct err *err)
{
	const struct events_options *o = options;
	struct event_query q = { .filters = o->filters, .on_event = print_event, .arg = (void *)(uintptr_t)o->format };
	autostore struct store *s = NULL;
	struct timespec now;

	(void)args;
	clock_gettime(CLOCK_REALTIME, &now);
	q.since = now;
	if (o->since && time_parse_when(o->since, now, &q.since, err) < 0)
		return err_wrap(err, "--since");
	q.has_until = o->until != NULL;
	if (o->until && time_parse_when(o->until, now, &q.until, err) < 0)
		return err_wrap(err, "--until");
	if (container_event_filters_check(&o->filters, err) < 0 || check_format(o->format, err) < 0 ||
	    cli_open_store(&s, err) < 0)
		return -1;
	store_settle(s);
	return container_events_follow(s, &q, err) < 0 ? -1 : 0;
}

const struct command cmd_events = {
	.name = "events",
	.group = "Containers",
	.summary = "tell what happens to containers, as it happens",
	.usage = "",
	.description = "Whoever does something writes it to a file among the live state, of which the last two MiB are "
		       "kept; there is "
		       "no daemon that would have to run. After a restart of the machine it is empty.",
	.examples =
		"# every end of a container in the last hour, and its exit code\n$ cloche events --since 1h --until 0s "
		"--filter event=die --format '{{.Actor.Attributes.name}} {{.Actor.Attributes.exitCode}}'",
	.options = events_table,
	.options_size = sizeof(struct events_options),
	.run = run_events,
};
