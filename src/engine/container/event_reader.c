#include "engine/container/event_reader.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "codec/event_line.h"
#include "engine/container/watch.h"
#include "oci/json.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_SIZE = 65536 };

/* --- filters --- */

static const char *attribute(json_t *event, const char *key)
{
	json_t *attributes = json_object_get(json_object_get(event, "Actor"), "Attributes");
	const char *value = json_string_value(json_object_get(attributes, key));

	return value ? value : "";
}

static bool has_label(json_t *event, const char *word)
{
	size_t len = strcspn(word, "=");
	autofree char *key = strndup(word, len);
	json_t *attributes = json_object_get(json_object_get(event, "Actor"), "Attributes");
	const char *value = key ? json_string_value(json_object_get(attributes, key)) : NULL;

	return value && (!word[len] || strcmp(value, word + len + 1) == 0);
}

static const char *member(json_t *event, const char *key)
{
	const char *value = json_string_value(json_object_get(event, key));

	return value ? value : "";
}

static bool passes_container(json_t *event, const char *value)
{
	return strcmp(attribute(event, "name"), value) == 0 ||
	       (strlen(value) >= 4 && str_starts_with(member(event, "id"), value));
}

/* "health_status" means all of them. */
static bool passes_event(json_t *event, const char *value)
{
	const char *rest = str_skip_prefix(member(event, "Action"), value);

	return *value && rest && (*rest == '\0' || *rest == ':');
}

/* With its tag or without. */
static bool passes_image(json_t *event, const char *value)
{
	const char *from = member(event, "from"), *rest = str_skip_prefix(from, value);

	return *value && rest && (*rest == '\0' || (*rest == ':' && !strchr(rest, '/')));
}

static bool passes_type(json_t *event, const char *value)
{
	return strcmp(member(event, "Type"), value) == 0;
}

static const struct event_filter {
	const char *key;
	bool all; /* each of them has to pass; else one of them */
	bool (*passes)(json_t *event, const char *value);
} filters_known[] = {
	{ "container", false, passes_container }, { "event", false, passes_event },
	{ "image", false, passes_image },	  { "label", true, has_label },
	{ "type", false, passes_type },
};

static const struct event_filter *find_filter(const char *word)
{
	size_t len = strcspn(word, "=");

	for (size_t i = 0; word[len] && i < ARRAY_SIZE(filters_known); i++)
		if (strlen(filters_known[i].key) == len && memcmp(filters_known[i].key, word, len) == 0)
			return &filters_known[i];
	return NULL;
}

int container_event_filters_check(const struct strv *filters, struct err *err)
{
	for (size_t i = 0; i < filters->len; i++) {
		if (find_filter(filters->items[i]))
			continue;
		err_set(err, EINVAL, "--filter '%s': not a filter of events", filters->items[i]);
		return err_hint(err, "container=, event=, image=, label= or type=, and a value");
	}
	return 0;
}

static bool passes(json_t *event, const struct event_filter *f, const char *word)
{
	return f->passes(event, word + strlen(f->key) + 1);
}

static bool passes_any(json_t *event, const struct event_filter *f, const struct strv *filters)
{
	for (size_t i = 0; i < filters->len; i++)
		if (find_filter(filters->items[i]) == f && passes(event, f, filters->items[i]))
			return true;
	return false;
}

bool container_event_passes(json_t *event, const struct strv *filters)
{
	for (size_t i = 0; i < filters->len; i++) {
		const struct event_filter *f = find_filter(filters->items[i]);

		if (!f || (f->all ? !passes(event, f, filters->items[i]) : !passes_any(event, f, filters)))
			return false;
	}
	return true;
}

/* --- reading --- */

struct reader {
	const struct event_query *q;
	int run_fd, fd; /* the file that is read; -1: none */
	struct buf raw;
	bool over; /* an event after UNTIL */
};

static void reader_done(struct reader *r)
{
	if (r->fd >= 0)
		close(r->fd);
	buf_done(&r->raw);
}

/* No event is older than 1970 or younger than 2262, which is as far as it goes: dates from outside become these. */
static int64_t to_ns(const struct timespec *t)
{
	if (t->tv_sec < 0)
		return 0;
	if (t->tv_sec >= INT64_MAX / 1000000000)
		return INT64_MAX;
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

static int take_line(struct reader *r, const char *line, size_t len, struct err *err)
{
	autojson json_t *event = NULL;
	int64_t at;

	/* A label may be called like an attribute, which stands behind it: the last one counts, as for docker's readers. */
	event = json_loadb(line, len, 0, NULL);
	if (!json_is_object(event))
		return 0;
	at = json_integer_value(json_object_get(event, "timeNano"));
	if (at < to_ns(&r->q->since))
		return 0;
	if (r->q->has_until && at > to_ns(&r->q->until)) {
		r->over = true;
		return 0;
	}
	return container_event_passes(event, &r->q->filters) ? r->q->on_event(event, r->q->arg, err) : 0;
}

static int take_lines(struct reader *r, struct err *err)
{
	size_t at = 0;
	char *end;
	int result = 0;

	while (result >= 0 && at < r->raw.len && (end = memchr(r->raw.data + at, '\n', r->raw.len - at))) {
		size_t len = (size_t)(end - (r->raw.data + at));

		result = take_line(r, r->raw.data + at, len, err);
		at += len + 1;
	}
	buf_consume(&r->raw, at);
	if (r->raw.len > EVENT_LINE_MAX)
		buf_reset(&r->raw);
	return result;
}

static int read_on(struct reader *r, struct err *err)
{
	while (r->fd >= 0) {
		ssize_t n;
		int result;

		if (buf_reserve(&r->raw, READ_SIZE) < 0)
			return err_oom(err);
		n = read(r->fd, r->raw.data + r->raw.len, READ_SIZE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "read the log of events");
		if (n == 0)
			return 0;
		r->raw.len += (size_t)n;
		result = take_lines(r, err);
		if (result < 0)
			return result;
	}
	return 0;
}

static void open_file(struct reader *r, const char *name)
{
	if (r->fd >= 0)
		close(r->fd);
	buf_reset(&r->raw);
	r->fd = openat(r->run_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

static bool is_rotated(const struct reader *r)
{
	struct stat have, now;

	if (fstatat(r->run_fd, "events", &now, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	return r->fd < 0 || fstat(r->fd, &have) < 0 || have.st_ino != now.st_ino;
}

static int time_left_ms(const struct event_query *q)
{
	struct timespec now;
	int64_t left;

	if (!q->has_until)
		return -1;
	clock_gettime(CLOCK_REALTIME, &now);
	left = (to_ns(&q->until) - to_ns(&now)) / 1000000;
	return left < 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
}

int container_events_follow(struct store *s, const struct event_query *q, struct err *err)
{
	CLEANUP(reader_done) struct reader r = { .q = q, .fd = -1, .raw = BUF_INIT(EVENT_LINE_MAX + 2 * READ_SIZE) };
	autoclose int changes = -1;
	char events[4096];
	int result;

	r.run_fd = store_run_fd(s, err);
	if (r.run_fd < 0)
		return r.run_fd;
	result = watch_folder(r.run_fd, IN_MODIFY | IN_CREATE | IN_MOVED_TO, &changes, err);
	if (result < 0)
		return result;
	open_file(&r, "events.1");
	result = read_on(&r, err);
	open_file(&r, "events");
	for (;;) {
		struct pollfd p = { .fd = changes, .events = POLLIN };
		int left;

		if (result >= 0)
			result = read_on(&r, err);
		if (result >= 0 && is_rotated(&r)) {
			/* What was written to the old one since we looked. */
			result = read_on(&r, err);
			open_file(&r, "events");
			continue;
		}
		left = time_left_ms(q);
		if (result < 0 || r.over || left == 0)
			return result;
		poll(&p, 1, watch_timeout(changes, left));
		while (read(changes, events, sizeof(events)) > 0)
			;
	}
}
