#include "engine/image/image_filter.h"

#include "base/str.h"
#include "base/timefmt.h"
#include "codec/reference.h"
#include "store/image.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

void image_filter_done(struct image_filter *f)
{
	strv_done(&f->references);
	strv_done(&f->labels);
	strv_done(&f->not_labels);
}

static int parse_dangling(const char *value, int *ret, struct err *err)
{
	if (strcmp(value, "true") == 0 || strcmp(value, "1") == 0)
		*ret = 1;
	else if (strcmp(value, "false") == 0 || strcmp(value, "0") == 0)
		*ret = -1;
	else
		return err_set(err, EINVAL, "filter 'dangling=%s': expected true or false", value);
	return 0;
}

static int parse_image_time(struct engine *e, const char *image, struct timespec *ret, struct err *err)
{
	struct store_image img;
	int r = store_image_open(e->store, image, &img, err);

	if (r < 0)
		return r;
	*ret = (struct timespec){ 0 };
	if (img.config.created)
		time_parse_rfc3339(img.config.created, ret);
	store_image_done(&img);
	return 0;
}

static int parse_until(const char *value, struct image_filter *f, struct err *err)
{
	struct timespec now;

	f->has_until = true;
	clock_gettime(CLOCK_REALTIME, &now);
	return time_parse_when(value, now, &f->until, err) < 0 ? err_wrap(err, "filter 'until'") : 0;
}

static int parse_one(struct engine *e, const char *text, struct image_filter *f, struct err *err)
{
	const char *value;

	if ((value = str_skip_prefix(text, "reference=")))
		return strv_add(&f->references, value) < 0 ? err_oom(err) : 0;
	if ((value = str_skip_prefix(text, "label=")))
		return strv_add(&f->labels, value) < 0 ? err_oom(err) : 0;
	if ((value = str_skip_prefix(text, "label!=")))
		return strv_add(&f->not_labels, value) < 0 ? err_oom(err) : 0;
	if ((value = str_skip_prefix(text, "until=")))
		return parse_until(value, f, err);
	if ((value = str_skip_prefix(text, "dangling=")))
		return parse_dangling(value, &f->dangling, err);
	if ((value = str_skip_prefix(text, "before="))) {
		f->has_before = true;
		return parse_image_time(e, value, &f->before, err);
	}
	if ((value = str_skip_prefix(text, "since="))) {
		f->has_since = true;
		return parse_image_time(e, value, &f->since, err);
	}
	err_set(err, EINVAL, "there is no filter '%s'", text);
	return err_hint(err, "reference=PATTERN, dangling=true, label=KEY[=VALUE], label!=KEY[=VALUE], before=IMAGE, "
			     "since=IMAGE and "
			     "until=TIME are known");
}

int image_filter_parse(struct engine *e, const struct strv *filters, struct image_filter *ret, struct err *err)
{
	struct image_filter f = { 0 };

	for (size_t i = 0; filters && i < filters->len; i++) {
		int r = parse_one(e, filters->items[i], &f, err);

		if (r < 0) {
			image_filter_done(&f);
			return r;
		}
	}
	*ret = f;
	return 0;
}

/* As docker: the pattern against "name", "name:tag", each as people write it and in full. */
static bool matches_reference(const char *pattern, const char *name)
{
	char familiar[REFERENCE_MAX + 256];
	struct reference ref;
	const char *forms[6], *local = str_skip_prefix(name, "localhost/");

	if (reference_parse(name, &ref, NULL) < 0)
		return false;
	reference_format_familiar(&ref, familiar);
	forms[0] = familiar;
	forms[1] = reference_familiar_name(&ref);
	forms[2] = name;
	forms[3] = ref.name;
	/* As names are looked up: without localhost. */
	forms[4] = local ? local : name;
	forms[5] = local ? ref.name + (local - name) : name;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		if (fnmatch(pattern, forms[i], FNM_PATHNAME) == 0)
			return true;
	return false;
}

static bool has_label(const struct image_config *c, const char *wanted)
{
	autofree char *key = strndup(wanted, strcspn(wanted, "="));
	const char *value = key ? str_map_get(&c->labels, key) : NULL;
	const char *equals = strchr(wanted, '=');

	return value && (!equals || strcmp(value, equals + 1) == 0);
}

static bool earlier(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

bool image_filter_accepts(const struct image_filter *f, const struct image_row *row)
{
	bool any = f->references.len == 0;
	struct timespec created = { 0 };

	if (f->dangling && (f->dangling > 0) != (row->name == NULL))
		return false;
	for (size_t i = 0; row->name && !any && i < f->references.len; i++)
		any = matches_reference(f->references.items[i], row->name);
	if (!any)
		return false;
	for (size_t i = 0; i < f->labels.len; i++)
		if (!has_label(&row->config, f->labels.items[i]))
			return false;
	for (size_t i = 0; i < f->not_labels.len; i++)
		if (has_label(&row->config, f->not_labels.items[i]))
			return false;
	if (row->config.created)
		time_parse_rfc3339(row->config.created, &created);
	if (f->has_until && !earlier(&created, &f->until))
		return false;
	if (f->has_before && !earlier(&created, &f->before))
		return false;
	return !f->has_since || earlier(&f->since, &created);
}
