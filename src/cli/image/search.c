#include "base/num.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/image/remote_options.h"
#include "cli/listing.h"
#include "engine/image/remote_list.h"
#include "oci/json.h"

#include <errno.h>
#include <string.h>

enum { LIMIT_DEFAULT = 25, DESCRIPTION_WIDTH = 45 };

struct search_options {
	struct remote_words remote;
	const char *limit, *format;
	struct strv filters;
	bool no_trunc, list_tags;
};

static const struct option search_table[] = {
	OPTION_LIST("filter", 'f', struct search_options, filters, "FILTER",
		    "list only some: stars=NUMBER, is-official=true|false", NULL),
	OPTION_STRING("format", 0, struct search_options, format, "FORMAT",
		      "print by a Go template, 'table TEMPLATE' or 'json'", "json table"),
	OPTION_STRING("limit", 0, struct search_options, limit, "NUMBER", "at most so many, 1 to 100 (default 25)",
		      NULL),
	OPTION_FLAG("list-tags", 0, struct search_options, list_tags, "list the tags of the repository TERM instead"),
	OPTION_FLAG("no-trunc", 0, struct search_options, no_trunc, "show descriptions in full"),
	REMOTE_OPTIONS(struct search_options, remote),
	OPTION_END,
};

struct filter {
	uint64_t stars;
	const char *official; /* NULL: either */
};

static int parse_filters(const struct strv *words, struct filter *ret, struct err *err)
{
	for (size_t i = 0; i < words->len; i++) {
		const char *stars = str_skip_prefix(words->items[i], "stars="),
			   *official = str_skip_prefix(words->items[i], "is-official=");

		if (stars && num_parse_u64(stars, 10, &ret->stars) >= 0)
			continue;
		if (official && (strcmp(official, "true") == 0 || strcmp(official, "false") == 0)) {
			ret->official = official;
			continue;
		}
		err_set(err, EINVAL, "invalid filter '%s'", words->items[i]);
		return err_hint(err, "there are stars=NUMBER and is-official=true|false");
	}
	return 0;
}

static const char *field(json_t *row, const char *name)
{
	return json_string_value(json_object_get(row, name));
}

static bool accepts(const struct filter *f, json_t *row)
{
	uint64_t stars = 0;

	num_parse_u64(field(row, "StarCount"), 10, &stars);
	return stars >= f->stars && (!f->official || strcmp(f->official, field(row, "IsOfficial")) == 0);
}

/* Shortens a description between characters. */
static int shorten(json_t *row)
{
	const char *text = field(row, "Description");
	size_t end = 0;

	for (size_t chars = 0; text[end] && chars < DESCRIPTION_WIDTH - 1; chars++)
		for (end++; ((unsigned char)text[end] & 0xc0) == 0x80; end++)
			;
	if (!text[end] || !text[end + 1])
		return 0;

	autofree char *shorter = str_format("%.*s…", (int)end, text);

	return shorter ? json_object_set_new(row, "Description", json_text(shorter)) : -1;
}

/* As docker shows it, but in JSON. */
static int mark_official(json_t *row)
{
	bool official = strcmp(field(row, "IsOfficial"), "true") == 0;

	return json_object_set_new(row, "IsOfficial", json_string(official ? "[OK]" : ""));
}

static int print_found(const struct search_options *o, const struct filter *f, json_t *found, struct err *err)
{
	static const struct listing_column columns[] = {
		{ "Name", "NAME" },	  { "Description", "DESCRIPTION" },
		{ "StarCount", "STARS" }, { "IsOfficial", "OFFICIAL" },
		{ NULL, NULL },
	};
	const struct listing listing = {
		.format = o->format,
		.columns = columns,
		.table = "{{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}",
	};
	bool is_json = o->format && strcmp(o->format, "json") == 0;
	autojson json_t *rows = json_array();

	for (size_t i = 0; i < json_array_size(found); i++) {
		json_t *row = json_array_get(found, i);

		if (!accepts(f, row))
			continue;
		if (!is_json && mark_official(row) < 0)
			return err_oom(err);
		if ((!o->no_trunc && shorten(row) < 0) || json_array_append(rows, row) < 0)
			return err_oom(err);
	}
	return listing_print(stdout, &listing, rows, err);
}

/* "quay.io/fedora": as with a reference, a first part with a dot, a colon or of the name localhost is the registry. */
static const char *part_host(const char *term, char host[static REFERENCE_MAX])
{
	const char *slash = strchr(term, '/');
	size_t len = slash ? (size_t)(slash - term) : 0;

	snprintf(host, REFERENCE_MAX, "docker.io");
	if (len == 0 || len >= REFERENCE_MAX ||
	    (!memchr(term, '.', len) && !memchr(term, ':', len) && strncmp(term, "localhost/", len + 1) != 0))
		return term;
	snprintf(host, REFERENCE_MAX, "%.*s", (int)len, term);
	return slash + 1;
}

static int print_tags(const struct search_options *o, const struct remote_options *remote, const char *term,
		      struct err *err)
{
	autostrv struct strv tags = { 0 };
	char name[REFERENCE_MAX];
	int r = o->filters.len || o->format ? err_set(err, EINVAL, "--list-tags takes no --filter and no --format")
					    : remote_list_tags(remote, term, false, &tags, name, err);

	if (r < 0)
		return r;
	puts("NAME\tTAG");
	for (size_t i = 0; i < tags.len; i++)
		printf("%s\t%s\n", name, tags.items[i]);
	return 0;
}

static int run_search(const void *options, const struct strv *args, struct err *err)
{
	const struct search_options *o = options;
	struct remote_options remote = remote_options_of(&o->remote);
	autojson json_t *found = NULL;
	struct filter filter = { 0 };
	uint32_t limit = LIMIT_DEFAULT;
	char host[REFERENCE_MAX];
	const char *term;
	int r;

	if (o->list_tags)
		return print_tags(o, &remote, args->items[0], err);
	if (o->limit && (num_parse_u32(o->limit, REMOTE_SEARCH_MAX, &limit) < 0 || limit == 0))
		return err_set(err, EINVAL, "--limit '%s': a number from 1 to %d", o->limit, REMOTE_SEARCH_MAX);
	r = parse_filters(&o->filters, &filter, err);
	if (r < 0)
		return r;
	term = part_host(args->items[0], host);
	r = remote_search(&remote, host, term, limit, &found, err);
	if (r == -EOPNOTSUPP)
		return err_hint(err, "where its name is known, 'cloche search --list-tags REGISTRY/REPOSITORY' lists "
				     "what there is of it");
	return r < 0 ? r : print_found(o, &filter, found, err);
}

const struct command cmd_search = {
	.name = "search",
	.group = "Registries",
	.summary = "search a registry for images",
	.usage = "[REGISTRY/]TERM",
	.description = "Asks docker.io, or the registry that TERM begins with, for repositories whose name or "
		       "description has TERM. Few "
		       "registries but docker.io have a search.\n\n"
		       "Fields for --format: .Name .Description .StarCount .IsOfficial",
	.examples = "$ cloche search --filter is-official=true nginx\n# which versions are there?\n$ cloche search "
		    "--list-tags "
		    "docker.io/library/debian\n",
	.options = search_table,
	.options_size = sizeof(struct search_options),
	.min_args = 1,
	.max_args = 1,
	.run = run_search,
};
