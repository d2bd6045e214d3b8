#include "engine/image/remote_list.h"

#include "base/cleanup.h"
#include "oci/json.h"

#include <errno.h>
#include <string.h>

/* --- tags --- */

/* Each line of TEXT. */
static int add_lines(struct strv *to, char *text)
{
	char *rest = text;

	for (char *line; (line = strsep(&rest, "\n"));)
		if (*line && strv_add(to, line) < 0)
			return -ENOMEM;
	return 0;
}

static int list_tags(struct remote *r, struct strv *ret, struct err *err)
{
	autobuf struct buf lines = BUF_INIT(REGISTRY_LIST_MAX);
	int e = registry_list_tags(r->registry, r->repo, &lines, err);

	if (e < 0)
		return e;
	buf_str(&lines);
	return lines.len && add_lines(ret, lines.data) < 0 ? err_oom(err) : 0;
}

static int get_digest(struct remote *r, const char *ref, struct digest *ret, struct err *err)
{
	struct registry_manifest m;
	int e = registry_get_manifest(r->registry, r->repo, ref, NULL, &m, err);

	if (e >= 0)
		*ret = m.digest;
	return e;
}

static int add_digests(struct remote *r, const struct strv *tags, struct strv *ret, struct err *err)
{
	for (size_t i = 0; i < tags->len; i++) {
		char text[DIGEST_STR_MAX] = "";
		struct digest digest;
		struct err why = { 0 };
		int e = get_digest(r, tags->items[i], &digest, &why);

		/* One that was taken away meanwhile is listed no more. */
		if (e == -ENOENT)
			continue;
		if (e < 0) {
			*err = why;
			return e;
		}
		digest_format(&digest, text);
		if (strv_add(ret, tags->items[i]) < 0 || strv_add(ret, text) < 0)
			return err_oom(err);
	}
	return 0;
}

int remote_list_tags(const struct remote_options *options, const char *image, bool digests, struct strv *ret,
		     char name[static REFERENCE_MAX], struct err *err)
{
	autoremote struct remote r = { 0 };
	autostrv struct strv tags = { 0 };
	int e = remote_open(options, image, REMOTE_ITSELF, &r, err);

	if (e < 0)
		return e;
	snprintf(name, REFERENCE_MAX, "%s", reference_familiar_name(&r.ref));
	e = list_tags(&r, digests ? &tags : ret, err);
	return e < 0 || !digests ? e : add_digests(&r, &tags, ret, err);
}

/* --- taking away --- */

/* No other tag than TAG may lead to DIGEST. */
static int check_alone(struct remote *r, const char *tag, const struct digest *digest, struct err *err)
{
	autostrv struct strv tags = { 0 };
	int e = list_tags(r, &tags, err);

	if (e >= 0 && tags.len > REMOTE_TAGS_COMPARED_MAX) {
		err_set(err, EBUSY,
			"%s can only remove a manifest with all its tags, and there are too many (%zu) to tell which",
			r->host, tags.len);
		return err_hint(err, "with --force all of them go");
	}
	for (size_t i = 0; e >= 0 && i < tags.len; i++) {
		struct digest other;

		if (strcmp(tags.items[i], tag) == 0)
			continue;
		e = get_digest(r, tags.items[i], &other, NULL);
		if (e == -ENOENT)
			e = 0;
		else if (e >= 0 && digest_equal(&other, digest)) {
			err_set(err, EBUSY,
				"%s can only remove a manifest with all its tags, and '%s' is another of them", r->host,
				tags.items[i]);
			return err_hint(err, "with --force both go");
		} else if (e < 0) {
			return err_set(err, -e, "can't tell whether the tag '%s' leads to the same manifest",
				       tags.items[i]);
		}
	}
	return e;
}

/* The registry's ways to say that it removes no tags: docker's own takes the tag for a digest that is wrong. */
static bool cannot_untag(int e)
{
	return e == -EOPNOTSUPP || e == -EBADMSG || e == -ENOENT;
}

int remote_remove(const struct remote_options *options, const char *image, bool force, struct err *err)
{
	autoremote struct remote r = { 0 };
	char tag[REMOTE_TAG_MAX], by_digest[DIGEST_STR_MAX];
	struct digest digest;
	int e = remote_open(options, image, REMOTE_ITSELF, &r, err);

	if (e < 0)
		return e;
	remote_tag(&r, tag);
	e = get_digest(&r, tag, &digest, err);
	if (e < 0)
		return e;
	if (!r.ref.has_digest) {
		struct err why = { 0 };

		e = registry_delete_manifest(r.registry, r.repo, tag, &why);
		if (e >= 0)
			return 0;
		if (!cannot_untag(e)) {
			*err = why;
			return e;
		}
		e = force ? 0 : check_alone(&r, tag, &digest, err);
		if (e < 0)
			return e;
	}
	digest_format(&digest, by_digest);
	return registry_delete_manifest(r.registry, r.repo, by_digest, err);
}

/* --- search --- */

/* It goes to terminals, and comes from anybody. */
static void strip_controls(char *text)
{
	for (; text && *text; text++)
		if ((unsigned char)*text < ' ' || *text == '\x7f')
			*text = ' ';
}

static int add_found(const struct json_at *at, json_t *ret, struct err *err)
{
	autofree char *name = NULL, *description = NULL;
	autojson json_t *row = json_object();
	int64_t stars = 0;
	bool official = false;
	char number[24];
	int e = json_need_string(at, "name", &name, err);

	if (e >= 0)
		e = json_get_string(at, "description", &description, err);
	if (e >= 0)
		e = json_get_int(at, "star_count", 0, INT64_MAX, &stars, err);
	if (e >= 0)
		e = json_get_bool(at, "is_official", &official, err);
	if (e < 0)
		return e;
	strip_controls(name);
	strip_controls(description);
	snprintf(number, sizeof(number), "%lld", (long long)stars);
	if (!row || json_object_set_new(row, "Name", json_text(name)) < 0 ||
	    json_object_set_new(row, "Description", json_text(description ? description : "")) < 0 ||
	    json_object_set_new(row, "StarCount", json_text(number)) < 0 ||
	    json_object_set_new(row, "IsOfficial", json_text(official ? "true" : "false")) < 0 ||
	    json_array_append(ret, row) < 0)
		return err_oom(err);
	return 0;
}

static int read_found(const struct buf *text, unsigned limit, json_t *ret, struct err *err)
{
	autojson json_t *root = NULL;
	struct json_at top, list, item;
	int e = json_parse(text->data, text->len, "search results", &root, err);

	if (e < 0)
		return e;
	top = json_top(root, "search results");
	e = json_check(&top, JSON_WANT_OBJECT, err);
	if (e >= 0)
		e = json_need(&top, "results", JSON_WANT_ARRAY, &list, err);
	for (size_t i = 0; e >= 0 && i < json_array_size(list.value) && i < limit; i++) {
		e = json_element(&list, i, JSON_WANT_OBJECT, &item, err);
		if (e >= 0)
			e = add_found(&item, ret, err);
	}
	return e;
}

int remote_search(const struct remote_options *options, const char *host, const char *term, unsigned limit,
		  json_t **ret, struct err *err)
{
	autobuf struct buf text = BUF_INIT(REGISTRY_DOCUMENT_MAX);
	autoremote struct remote r = { 0 };
	autojson json_t *rows = json_array();
	/* Docker's registry has its search elsewhere. */
	int e = remote_open_host(options, strcmp(host, "docker.io") == 0 ? "index.docker.io" : host, "", &r, err);

	if (e >= 0 && !rows)
		e = err_oom(err);
	if (e >= 0)
		e = registry_search(r.registry, term, limit, &text, err);
	if (e >= 0)
		e = read_found(&text, limit, rows, err);
	if (e >= 0)
		*ret = TAKE_PTR(rows);
	return e;
}
