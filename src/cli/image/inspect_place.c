#include "cli/image/inspect_place.h"

#include "cli/command.h"
#include "cli/listing.h"
#include "engine/move/inspect.h"

#include <errno.h>
#include <stdio.h>

bool inspect_place_is_asked(const struct inspect_place_words *w)
{
	const struct remote_words *r = &w->remote;

	return w->platform || w->raw || w->config || w->no_tags || r->authfile || r->creds || r->cert_dir ||
	       r->tls_verify;
}

static int print_raw(struct engine *e, const struct inspect_place_options *o, struct place *place, bool config,
		     struct err *err)
{
	autobuf struct buf text = BUF_INIT(IMAGE_DOCUMENT_MAX + 1);
	int r = engine_inspect_raw(e, o, place, config, &text, err);

	if (r < 0)
		return r;
	fwrite(buf_str(&text), 1, text.len, stdout);
	return 0;
}

static int print_config(struct engine *e, const struct inspect_place_options *o, struct place *place, struct err *err)
{
	autobuf struct buf text = BUF_INIT(IMAGE_DOCUMENT_MAX + 1), pretty = BUF_INIT(8 * IMAGE_DOCUMENT_MAX);
	autojson json_t *root = NULL;
	int r = engine_inspect_raw(e, o, place, true, &text, err);

	if (r >= 0)
		r = json_parse(buf_str(&text), text.len, "image configuration", &root, err);
	if (r >= 0)
		r = json_write_pretty(root, &pretty, err);
	if (r >= 0)
		puts(buf_str(&pretty));
	return r;
}

/* One object, not an array: as skopeo prints it. */
static int print_object(const char *format, json_t *object, struct err *err)
{
	autobuf struct buf pretty = BUF_INIT(8 * IMAGE_DOCUMENT_MAX);
	autojson json_t *rows = json_array();
	int r;

	if (format) {
		if (!rows || json_array_append(rows, object) < 0)
			return err_oom(err);
		return listing_inspect(stdout, format, rows, err);
	}
	r = json_write_pretty(object, &pretty, err);
	if (r >= 0)
		puts(buf_str(&pretty));
	return r;
}

static int inspect_one(const struct inspect_place_words *w, const char *format, const char *text, struct err *err)
{
	struct inspect_place_options o = { .remote = remote_options_of(&w->remote),
					   .platform = w->platform,
					   .no_tags = w->no_tags };
	struct place autoplace place = { .index = -1 };
	autoengine struct engine e = { 0 };
	autojson json_t *object = NULL;
	int r = place_parse(text, &place, err);

	if (r >= 0 && place_needs_store(place.kind, false))
		r = engine_open(global_options.root, global_options.runroot, &e, err);
	if (r < 0)
		return r;
	if (w->raw)
		r = print_raw(&e, &o, &place, w->config, err);
	else if (w->config)
		r = print_config(&e, &o, &place, err);
	else
		r = engine_inspect_place(&e, &o, &place, &object, err);
	if (r >= 0 && object)
		r = print_object(format, object, err);
	return r < 0 ? err_wrap(err, "'%s'", text) : 0;
}

int inspect_places(const struct inspect_place_words *w, const char *format, const struct strv *places, struct err *err)
{
	int r = 0;

	if (format && (w->raw || w->config))
		return err_set(err, EINVAL, "--raw and --config take no --format");
	for (size_t i = 0; r >= 0 && i < places->len; i++)
		r = inspect_one(w, format, places->items[i], err);
	return r;
}
