#include "engine/container/row_filter.h"

#include "base/num.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "codec/reference.h"
#include "net/ports.h"

#include <errno.h>
#include <regex.h>
#include <string.h>
#include <unistd.h>

/*
 * A pattern of name= is a regular expression, as docker's; not longer, and without counted repetitions and back references,
 * so that none costs much.
 */
enum { NAME_PATTERN_MAX = 256 };

struct row_filter_kind;

struct row_filter {
	const struct row_filter_kind *kind;
	const char *value; /* borrowed */
	int64_t number;	   /* exited */
	bool truth;
	struct timespec time;	/* until; before and since when they are bound */
	struct port_list ports; /* publish, expose */
	regex_t pattern;	/* name */
	bool has_pattern;
};

struct row_filter_kind {
	const char *key;
	bool all; /* each of them has to pass; else one of them */
	/* 0, or a negative errno where the value isn't one; then HINT says what would be. NULL: any value is. */
	int (*parse)(struct row_filter *f);
	const char *hint;
	bool (*passes)(struct store *s, const struct row_filter *f, const struct container_row *row);
};

/* --- values --- */

static int parse_one_of(const struct row_filter *f, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(*words, f->value) == 0)
			return 0;
	return -EINVAL;
}

static int parse_status(struct row_filter *f)
{
	static const char *const words[] = { "created", "restarting", "running", "removing",
					     "paused",	"exited",     "dead",	 NULL };

	return parse_one_of(f, words);
}

static int parse_health(struct row_filter *f)
{
	static const char *const words[] = { "starting", "healthy", "unhealthy", "none", NULL };

	return parse_one_of(f, words);
}

static int parse_policy(struct row_filter *f)
{
	static const char *const words[] = { "no", "on-failure", "always", "unless-stopped", NULL };

	return parse_one_of(f, words);
}

static int parse_number(struct row_filter *f)
{
	return num_parse_i64(f->value, &f->number);
}

static int parse_truth(struct row_filter *f)
{
	f->truth = strcmp(f->value, "true") == 0 || strcmp(f->value, "1") == 0;
	return f->truth || strcmp(f->value, "false") == 0 || strcmp(f->value, "0") == 0 ? 0 : -EINVAL;
}

static int parse_until(struct row_filter *f)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return time_parse_when(f->value, now, &f->time, NULL);
}

static int parse_ports(struct row_filter *f)
{
	return ports_parse_expose(f->value, &f->ports, NULL);
}

static bool is_cheap(const char *pattern)
{
	if (strlen(pattern) > NAME_PATTERN_MAX || strchr(pattern, '{'))
		return false;
	for (const char *p = strchr(pattern, '\\'); p && p[1]; p = strchr(p + 2, '\\'))
		if (p[1] >= '0' && p[1] <= '9')
			return false;
	return true;
}

static int parse_pattern(struct row_filter *f)
{
	if (!is_cheap(f->value) || regcomp(&f->pattern, f->value, REG_EXTENDED | REG_NOSUB) != 0)
		return -EINVAL;
	f->has_pattern = true;
	return 0;
}

static int parse_filled(struct row_filter *f)
{
	return f->value[0] ? 0 : -EINVAL;
}

/* --- questions --- */

static bool passes_id(struct store *s, const struct row_filter *f, const struct container_row *row)
{
	(void)s;
	return str_starts_with(row->summary.id, f->value);
}

/* docker's names begin with a slash, and it tries the pattern on both. */
static bool passes_name(struct store *s, const struct row_filter *f, const struct container_row *row)
{
	char slashed[CONTAINER_NAME_MAX + 2];

	(void)s;
	if (!*row->summary.name)
		return false;
	snprintf(slashed, sizeof(slashed), "/%s", row->summary.name);
	return regexec(&f->pattern, slashed + 1, 0, NULL, 0) == 0 || regexec(&f->pattern, slashed, 0, NULL, 0) == 0;
}

static const char *label_value(const struct container_summary *row, const char *key, size_t len)
{
	const char *name, *value;

	for (name = words_next(&row->labels, NULL); name && (value = words_next(&row->labels, name));
	     name = words_next(&row->labels, value)) {
		if (strlen(name) == len && memcmp(name, key, len) == 0)
			return value;
	}
	return NULL;
}

static bool passes_label(struct store *s, const struct row_filter *f, const struct container_row *row)
{
	size_t len = strcspn(f->value, "=");
	const char *value = label_value(&row->summary, f->value, len);

	(void)s;
	return value && (!f->value[len] || strcmp(value, f->value + len + 1) == 0);
}

static bool passes_no_label(struct store *s, const struct row_filter *f, const struct container_row *row)
{
	return !passes_label(s, f, row);
}

static bool passes_status(struct store *s, const struct row_filter *f, const struct container_row *row)
{
	(void)s;
	return strcmp(container_state_name(&row->status), f->value) == 0;
}

static bool passes_exited(struct store *s, const struct row_filter *f, const struct container_row *row)
{
	(void)s;
	return row->status.phase >= CONTAINER_EXITED && row->status.exit_code == f->number;
}

static bool passes_ancestor(struct store *s, const struct row_filter *f, const struct container_row *row)
{
	const struct container_summary *r = &row->summary;
	const char *hex = str_skip_prefix(r->image_id, "sha256:");
	struct reference a, b;

	(void)s;
	if (hex && strlen(f->value) >= 4 && (str_starts_with(hex, f->value) || str_starts_with(r->image_id, f->value)))
		return true;
	if (!*r->image || reference_parse(f->value, &a, NULL) < 0 || reference_parse(r->image, &b, NULL) < 0)
		return false;
	return strcmp(a.name, b.name) == 0 && strcmp(a.tag, b.tag) == 0;
}

static bool is_earlier(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

static bool passes_before(struct store *s, const struct row_filter *f, const struct container_row *row)
{
	(void)s;
	return is_earlier(&row->summary.created, &f->time);
}

static bool passes_since(struct store *s, const struct row_filter *f, const struct container_row *row)
{
	(void)s;
	return is_earlier(&f->time, &row->summary.created);
}

static bool passes_health(struct store *s, const struct row_filter *f, const struct container_row *row)
{
	char status[16];

	container_health_status(s, row, status);
	return strcmp(status, f->value) == 0;
}

static bool passes_policy(struct store *s, const struct row_filter *f, const struct container_row *row)
{
	(void)s;
	return strcmp(restart_policy_name(row->summary.restart), f->value) == 0;
}

static bool starts_on_boot(struct store *s, const struct container_row *row)
{
	autoclose int dir = -1;

	if (row->summary.restart == RESTART_ALWAYS)
		return true;
	if (row->summary.restart != RESTART_UNLESS_STOPPED)
		return false;
	dir = container_open(s, row->summary.id, NULL);
	return dir >= 0 && faccessat(dir, "stopped", F_OK, 0) < 0;
}

static bool passes_boot(struct store *s, const struct row_filter *f, const struct container_row *row)
{
	return starts_on_boot(s, row) == f->truth;
}

/* By its name, by the folder outside, or by where it is in there. */
static bool passes_volume(struct store *s, const struct row_filter *f, const struct container_row *row)
{
	const struct words *mounts = &row->summary.mounts;
	size_t n = 0;

	(void)s;
	for (const char *word = words_next(mounts, NULL); word; word = words_next(mounts, word)) {
		bool is_type = n++ % SUMMARY_MOUNT_WORDS == 0;

		if (!is_type && *word && strcmp(word, f->value) == 0)
			return true;
	}
	return false;
}

static bool passes_network(struct store *s, const struct row_filter *f, const struct container_row *row)
{
	(void)s;
	return *row->summary.network && strcmp(row->summary.network, f->value) == 0;
}

static bool has_one_of(const struct port_list *list, const struct port_list *wanted)
{
	for (size_t i = 0; i < wanted->len; i++)
		if (ports_has(list, &wanted->items[i]))
			return true;
	return false;
}

/* The ports that it has in there, published or told. */
static bool has_port(const struct row_filter *f, const struct words *words,
		     int (*parse)(const char *word, struct port_list *to, struct err *err))
{
	struct port_list list = { 0 };
	bool has = false;

	for (const char *word = words_next(words, NULL); word; word = words_next(words, word))
		parse(word, &list, NULL);
	has = has_one_of(&list, &f->ports);
	free(list.items);
	return has;
}

static bool passes_publish(struct store *s, const struct row_filter *f, const struct container_row *row)
{
	(void)s;
	return has_port(f, &row->summary.publish, ports_parse_publish);
}

static bool passes_expose(struct store *s, const struct row_filter *f, const struct container_row *row)
{
	return passes_publish(s, f, row) || has_port(f, &row->summary.expose, ports_parse_expose);
}

/* --- words --- */

static const struct row_filter_kind kinds[] = {
	{ "ancestor", false, parse_filled, "an image, by name or ID", passes_ancestor },
	{ "before", false, parse_filled, "a container, by name or ID", passes_before },
	{ "exited", false, parse_number, "an exit code, as in exited=0", passes_exited },
	{ "expose", false, parse_ports, "a port or a range, as in 80, 53/udp or 8000-8080/tcp", passes_expose },
	{ "health", false, parse_health, "one of starting, healthy, unhealthy and none", passes_health },
	{ "id", false, NULL, NULL, passes_id },
	{ "label", true, parse_filled, "KEY or KEY=VALUE", passes_label },
	{ "label!", true, parse_filled, "KEY or KEY=VALUE", passes_no_label },
	{ "name", false, parse_pattern,
	  "a part of the name, or a pattern as in '^web-[0-9]+$' (at most 256 bytes, no {})", passes_name },
	{ "network", false, NULL, NULL, passes_network },
	{ "publish", false, parse_ports, "a port or a range, as in 80, 53/udp or 8000-8080/tcp", passes_publish },
	{ "restart-policy", false, parse_policy, "one of no, on-failure, always and unless-stopped", passes_policy },
	{ "should-start-on-boot", false, parse_truth, "true or false", passes_boot },
	{ "since", false, parse_filled, "a container, by name or ID", passes_since },
	{ "status", false, parse_status, "one of created, restarting, running, removing, paused, exited and dead",
	  passes_status },
	{ "until", false, parse_until,
	  "as in 2026-11-24T07:15:00Z, 1461943101 (seconds since 1970), or 10m (so long ago)", passes_before },
	{ "volume", false, parse_filled, "a volume's name, a folder, or where it is mounted", passes_volume },
};

static void filter_free(struct row_filter *f)
{
	if (!f)
		return;
	if (f->has_pattern)
		regfree(&f->pattern);
	free(f->ports.items);
	free(f);
}

void row_filters_done(struct row_filters *f)
{
	for (size_t i = 0; i < f->len; i++)
		filter_free(f->items[i]);
	free(f->items);
	*f = (struct row_filters){ 0 };
}

static const struct row_filter_kind *find_kind(const char *word, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strlen(kinds[i].key) == len && memcmp(kinds[i].key, word, len) == 0)
			return &kinds[i];
	return NULL;
}

static int parse_one(const char *word, struct row_filters *to, struct err *err)
{
	size_t len = strcspn(word, "=");
	const struct row_filter_kind *kind = find_kind(word, len);
	struct row_filter *f;

	if (!word[len])
		return err_set(err, EINVAL, "--filter '%s': the form is KEY=VALUE", word);
	if (!kind) {
		err_set(err, EINVAL, "--filter '%s': there is no filter '%.*s'", word, (int)len, word);
		return err_hint(err, "there are " ROW_FILTER_NAMES);
	}
	f = calloc(1, sizeof(*f));
	if (!f)
		return err_oom(err);
	f->kind = kind;
	f->value = word + len + 1;
	if (kind->parse && kind->parse(f) < 0) {
		filter_free(f);
		err_set(err, EINVAL, "--filter '%s': not a value for '%s'", word, kind->key);
		return err_hint(err, "%s", kind->hint);
	}
	if (row_filters_push(to, f) < 0) {
		filter_free(f);
		return err_oom(err);
	}
	return 0;
}

int row_filters_parse(const struct strv *words, struct row_filters *ret, struct err *err)
{
	autofilters struct row_filters f = { 0 };
	int r = 0;

	for (size_t i = 0; r >= 0 && i < words->len; i++)
		r = parse_one(words->items[i], &f, err);
	if (r < 0)
		return r;
	*ret = f;
	f = (struct row_filters){ 0 };
	return 0;
}

/* A name, an ID, or the beginning of an ID that is unique. */
static int find_row(const struct container_rows *rows, const char *word, const struct container_row **ret)
{
	const struct container_row *found = NULL;

	for (size_t i = 0; i < rows->len; i++) {
		const struct container_summary *r = &rows->items[i].summary;

		if (strcmp(r->id, word) == 0 || (*r->name && strcmp(r->name, word) == 0)) {
			*ret = &rows->items[i];
			return 0;
		}
	}
	for (size_t i = 0; i < rows->len; i++) {
		if (!str_starts_with(rows->items[i].summary.id, word))
			continue;
		if (found)
			return -ENOTUNIQ;
		found = &rows->items[i];
	}
	*ret = found;
	return found ? 0 : -ENOENT;
}

int row_filters_bind(struct row_filters *f, const struct container_rows *rows, struct err *err)
{
	for (size_t i = 0; i < f->len; i++) {
		struct row_filter *filter = f->items[i];
		const struct container_row *row;
		int r;

		if (strcmp(filter->kind->key, "before") != 0 && strcmp(filter->kind->key, "since") != 0)
			continue;
		r = find_row(rows, filter->value, &row);
		if (r == -ENOENT)
			return err_set(err, ENOENT, "--filter '%s=%s': there is no such container", filter->kind->key,
				       filter->value);
		if (r < 0)
			return err_set(err, ENOTUNIQ, "--filter '%s=%s': several containers have IDs that begin so",
				       filter->kind->key, filter->value);
		filter->time = row->summary.created;
	}
	return 0;
}

/* Any of those of the kind of the filter AT. */
static bool passes_any(struct store *s, const struct row_filters *f, size_t at, const struct container_row *row)
{
	const struct row_filter_kind *kind = f->items[at]->kind;

	for (size_t i = 0; i < f->len; i++)
		if (f->items[i]->kind == kind && kind->passes(s, f->items[i], row))
			return true;
	return false;
}

bool row_filters_pass(struct store *s, const struct row_filters *f, const struct container_row *row)
{
	for (size_t i = 0; i < f->len; i++) {
		const struct row_filter *filter = f->items[i];

		if (filter->kind->all ? !filter->kind->passes(s, filter, row) : !passes_any(s, f, i, row))
			return false;
	}
	return true;
}
