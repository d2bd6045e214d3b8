#include "engine/container/record.h"

#include "base/str.h"
#include "base/timefmt.h"
#include "engine/container/record_impl.h"
#include "engine/container/state_json.h"
#include "oci/json.h"
#include "store/containers.h"
#include "sys/fs.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>

void container_record_done(struct container_record *r)
{
	char *owned[] = { r->id,      r->name, r->image,       r->image_id, r->manifest, r->hostname,
			  r->network, r->ids,  r->stop_signal, r->user,	    r->userns };

	for (size_t i = 0; i < ARRAY_SIZE(owned); i++)
		free(owned[i]);
	strv_done(&r->args);
	strv_done(&r->labels);
	strv_done(&r->shares);
	for (const struct record_part *p = record_parts; p->key; p++)
		if (p->done)
			p->done(r);
	*r = (struct container_record){ 0 };
}

/* --- writing --- */

static int add_parts(json_t *o, const struct container_record *r)
{
	for (const struct record_part *p = record_parts; p->key; p++) {
		autojson json_t *part = json_object();

		if (!part || p->write(r, part) != 0)
			return -ENOMEM;
		if (json_object_size(part) > 0 && json_object_set(o, p->key, part) < 0)
			return -ENOMEM;
	}
	return 0;
}

static json_t *make_object(const struct container_record *r)
{
	autojson json_t *o = json_object();
	int bad = !o;

	bad |= json_add_string(o, "id", r->id);
	bad |= json_add_string(o, "name", r->name);
	bad |= json_add_string(o, "image", r->image);
	bad |= json_add_string(o, "imageID", r->image_id);
	bad |= json_add_string(o, "manifest", r->manifest);
	bad |= state_add_time(o, "created", &r->created);
	bad |= json_add_strings(o, "args", &r->args, true);
	bad |= json_add_int(o, "entrypointLen", r->entrypoint_len);
	bad |= json_add_string(o, "user", r->user);
	bad |= json_add_strings(o, "labels", &r->labels, false);
	bad |= json_add_strings(o, "shares", &r->shares, false);
	bad |= json_add_string(o, "hostname", r->hostname);
	bad |= json_add_string(o, "network", r->network);
	bad |= json_add_string(o, "ids", r->ids);
	bad |= json_add_string(o, "userns", r->userns);
	bad |= json_add_string(o, "stopSignal", r->stop_signal);
	bad |= json_add_bool(o, "tty", r->tty);
	bad |= json_add_bool(o, "remove", r->remove);
	return bad || add_parts(o, r) < 0 ? NULL : TAKE_PTR(o);
}

int container_record_write(int dir_fd, const struct container_record *r, struct err *err)
{
	autojson json_t *o = make_object(r);

	return o ? state_write(dir_fd, "state.json", o, err) : err_oom(err);
}

/* --- reading --- */

static int parse_parts(const struct json_at *top, struct container_record *r, struct err *err)
{
	for (const struct record_part *p = record_parts; p->key; p++) {
		struct json_at at;
		int result = json_get(top, p->key, JSON_WANT_OBJECT, &at, err);

		if (result > 0)
			result = p->read(&at, r, err);
		if (result < 0)
			return result;
	}
	return 0;
}

static int parse_record(const struct json_at *top, struct container_record *r, struct err *err)
{
	struct {
		const char *key;
		char **to;
	} strings[] = {
		{ "id", &r->id },
		{ "name", &r->name },
		{ "image", &r->image },
		{ "imageID", &r->image_id },
		{ "manifest", &r->manifest },
		{ "hostname", &r->hostname },
		{ "network", &r->network },
		{ "ids", &r->ids },
		{ "userns", &r->userns },
		{ "stopSignal", &r->stop_signal },
		{ "user", &r->user },
	};
	int result = json_check(top, JSON_WANT_OBJECT, err);

	for (size_t i = 0; result >= 0 && i < ARRAY_SIZE(strings); i++)
		result = json_get_string(top, strings[i].key, strings[i].to, err);
	if (result >= 0)
		result = state_get_time(top, "created", &r->created, err);
	if (result >= 0)
		result = json_get_strings(top, "args", &r->args, err);
	if (result >= 0)
		result = json_get_strings(top, "labels", &r->labels, err);
	if (result >= 0)
		result = json_get_strings(top, "shares", &r->shares, err);
	if (result >= 0)
		result = json_get_int(top, "entrypointLen", 0, (int64_t)r->args.len, &r->entrypoint_len, err);
	if (result >= 0)
		result = json_get_bool(top, "tty", &r->tty, err);
	if (result >= 0)
		result = json_get_bool(top, "remove", &r->remove, err);
	return result < 0 ? result : parse_parts(top, r, err);
}

int container_record_read_at(int dir_fd, const char *id, struct container_record *ret, struct err *err)
{
	struct container_record record = { 0 };
	autojson json_t *root = NULL;
	struct json_at top;
	int r = state_read(dir_fd, "state.json", &root, err);

	if (r >= 0) {
		top = json_top(root, "state.json");
		r = parse_record(&top, &record, err);
	}
	if (r >= 0 && !record.id && !(record.id = strdup(id)))
		r = err_oom(err);
	if (r < 0)
		container_record_done(&record);
	/* What has a name and no record is not there yet, or no more. */
	if (r == -ENOENT)
		return err_set(err, ENOENT, "there is no container %.12s: it is just being made, or removed", id);
	if (r < 0)
		return err_wrap(err, "container %.12s", id);
	*ret = record;
	return 0;
}

int container_record_read(struct store *s, const char *id, struct container_record *ret, struct err *err)
{
	autoclose int fd = container_open(s, id, err);

	return fd < 0 ? fd : container_record_read_at(fd, id, ret, err);
}

/* --- changing --- */

int container_record_update(struct store *s, const char *id,
			    int (*change)(struct container_record *r, void *arg, struct err *err),
			    int (*finish)(void *arg, struct err *err), void *arg, struct err *err)
{
	autorecord struct container_record record = { 0 };
	autobuf struct buf text = BUF_INIT(STATE_JSON_MAX);
	autojson json_t *o = NULL;
	autoclose int fd = container_open(s, id, err);
	int r;

	if (fd < 0)
		return fd;
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return err_errno(err, errno, "lock container %.12s", id);
	r = container_record_read_at(fd, id, &record, err);
	if (r >= 0)
		r = change(&record, arg, err);
	if (r < 0)
		return r;
	o = make_object(&record);
	if (!o)
		return err_oom(err);
	r = json_write(o, &text, err);
	if (r >= 0)
		r = fs_write_file(fd, "state.json", text.data, text.len, 0600, 0, err);
	return r < 0 || !finish ? r : finish(arg, err);
}
