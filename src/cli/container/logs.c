#include "cli/command.h"
#include "cli/container/each.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/timefmt.h"
#include "engine/container/list.h"
#include "engine/container/logs.h"
#include "oci/json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct logs_words {
	bool follow, timestamps, details;
	const char *since, *until, *tail;
};

static const struct option logs_table[] = {
	OPTION_FLAG("follow", 'f', struct logs_words, follow, "go on until the container has ended"),
	OPTION_STRING("tail", 'n', struct logs_words, tail, "N|all", "only the last N lines", NULL),
	OPTION_STRING("since", 0, struct logs_words, since, "TIME",
		      "lines from then on: 2026-11-24T07:15:00Z, seconds since 1970, or 10m: so long ago", NULL),
	OPTION_STRING("until", 0, struct logs_words, until, "TIME", "lines until then", NULL),
	OPTION_FLAG("timestamps", 't', struct logs_words, timestamps, "show when each line was written"),
	OPTION_FLAG("details", 0, struct logs_words, details, "show the labels and variables of --log-opt"),
	OPTION_END,
};

static void print_details(FILE *f, const struct log_line *line)
{
	autojson json_t *attrs = NULL;
	const char *key, *separator = "";
	json_t *value;

	if (line->attrs && json_parse(line->attrs, line->attrs_len, "attrs", &attrs, NULL) >= 0)
		json_object_foreach(attrs, key, value)
		{
			fprintf(f, "%s%s=%s", separator, key, json_string_value(value));
			separator = ",";
		}
	fputc(' ', f);
}

/* docker pads the fraction to nine digits, so that lines stand below one another. */
static void print_time(FILE *f, struct timespec t)
{
	char text[TIME_RFC3339_MAX];
	long fraction = t.tv_nsec;

	t.tv_nsec = 0;
	time_format_rfc3339(t, text);
	text[strlen(text) - 1] = '\0';
	fprintf(f, "%s.%09ldZ ", text, fraction);
}

static int print_line(const struct log_line *line, const char *text, size_t len, void *arg)
{
	const struct logs_words *o = arg;
	FILE *f = line->is_stderr ? stderr : stdout;

	if (o->timestamps)
		print_time(f, line->time);
	if (o->details)
		print_details(f, line);
	fwrite(text, 1, len, f);
	if (o->follow)
		fflush(f);
	return ferror(stdout) ? -EPIPE : 0;
}

static int run_logs(const void *options, const struct strv *args, struct err *err)
{
	struct logs_words o = *(const struct logs_words *)options;
	struct logs_options logs = { .follow = o.follow, .tail = -1, .on_line = print_line, .arg = &o };
	autostore struct store *s = NULL;
	char id[CONTAINER_ID_MAX];
	struct timespec now;
	int r;

	clock_gettime(CLOCK_REALTIME, &now);
	if (o.since && time_parse_when(o.since, now, &logs.since, err) < 0)
		return err_wrap(err, "--since");
	if (o.until && time_parse_when(o.until, now, &logs.until, err) < 0)
		return err_wrap(err, "--until");
	/* As with docker, what is no number is all of them. */
	if (o.tail && (num_parse_i64(o.tail, &logs.tail) < 0 || logs.tail < 0)) {
		if (strcmp(o.tail, "all") != 0 && strcmp(o.tail, "-1") != 0)
			return err_set(err, EINVAL, "--tail '%s': a number of lines, or all", o.tail);
		logs.tail = -1;
	}
	if (cli_open_store(&s, err) < 0)
		return -1;
	store_settle(s);
	r = container_find(s, args->items[0], id, err);
	if (r >= 0)
		r = container_logs(s, id, &logs, err);
	return r < 0 ? -1 : 0;
}

const struct command cmd_logs = {
	.name = "logs",
	.group = "Containers",
	.summary = "show what a container has written",
	.usage = "CONTAINER",
	.description =
		"Lines of its stdout go to stdout, those of its stderr to stderr. The log is a file in the container's "
		"folder, in the form of docker's json-file driver; 'cloche run --log-opt max-size=…' bounds it.",
	.examples = "# what it wrote in the last ten minutes, and whatever it writes\n$ cloche logs -f --since 10m web",
	.complete = "container",
	.options = logs_table,
	.options_size = sizeof(struct logs_words),
	.min_args = 1,
	.max_args = 1,
	.run = run_logs,
};
