#include "engine/container/inspect.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "engine/container/container.h"
#include "engine/container/inspect_limits.h"
#include "engine/container/network.h"
#include "store/image.h"
#include "store/layers.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct facts {
	struct container_record record;
	struct container_status status;
	struct container_network_state network;
	struct oci_spec spec;
	char id[CONTAINER_ID_MAX];
};

static void facts_done(struct facts *f)
{
	container_record_done(&f->record);
	container_network_state_done(&f->network);
	oci_spec_done(&f->spec);
}

static int read_facts(struct engine *e, const char *container, struct facts *f, struct err *err)
{
	autoclose int dir = -1;
	int r = container_find(e->store, container, f->id, err);

	if (r >= 0)
		r = container_record_read(e->store, f->id, &f->record, err);
	if (r >= 0)
		r = container_status_read(e->store, f->id, &f->status, err);
	if (r < 0)
		return r;
	container_network_state_read(e->store, &f->record, f->status.phase == CONTAINER_RUNNING, &f->network);
	dir = container_open(e->store, f->id, err);
	return dir < 0 ? dir : oci_spec_read(dir, "config.json", &f->spec, err);
}

/* --- the object --- */

static int add_time(json_t *o, const char *key, const struct timespec *t)
{
	char text[TIME_RFC3339_MAX] = "0001-01-01T00:00:00Z";

	if (t->tv_sec)
		time_format_rfc3339(*t, text);
	return json_add_string(o, key, text);
}

static json_t *make_state(const struct container_status *st)
{
	json_t *o = json_object();
	bool running = st->phase == CONTAINER_RUNNING;

	json_add_string(o, "Status", container_state_name(st));
	json_add_bool(o, "Running", running);
	json_add_bool(o, "Paused", st->paused);
	json_add_bool(o, "OOMKilled", st->oom_killed);
	json_add_int(o, "Pid", running ? st->pid : 0);
	json_add_int(o, "ExitCode", st->exit_code);
	json_object_set_new(
		o, "Error",
		json_string(st->phase == CONTAINER_LOST ? "the command that ran it was killed" : st->error));
	add_time(o, "StartedAt", &st->started);
	add_time(o, "FinishedAt", &st->finished);
	return o;
}

static json_t *make_strings(char *const *items, size_t len)
{
	json_t *a = json_array();

	for (size_t i = 0; i < len; i++)
		json_array_append_new(a, json_string(items[i]));
	return a;
}

static json_t *make_labels(const struct strv *labels)
{
	json_t *o = json_object();

	for (size_t i = 0; i + 1 < labels->len; i += 2)
		json_object_set_new(o, labels->items[i], json_string(labels->items[i + 1]));
	return o;
}

static json_t *make_config(const struct facts *f)
{
	const struct container_record *r = &f->record;
	size_t entry = (size_t)r->entrypoint_len;
	json_t *o = json_object();

	json_object_set_new(o, "Hostname", json_string(r->hostname ? r->hostname : ""));
	json_object_set_new(o, "User", json_string(r->user ? r->user : ""));
	json_add_bool(o, "Tty", r->tty);
	json_object_set_new(o, "Env", make_strings(f->spec.process.env.items, f->spec.process.env.len));
	json_object_set_new(o, "Entrypoint", entry ? make_strings(r->args.items, entry) : json_null());
	json_object_set_new(o, "Cmd", make_strings(r->args.items + entry, r->args.len - entry));
	json_object_set_new(o, "Image", json_string(r->image ? r->image : ""));
	json_object_set_new(o, "WorkingDir", json_string(f->spec.process.cwd ? f->spec.process.cwd : "/"));
	json_object_set_new(o, "Labels", make_labels(&r->labels));
	json_object_set_new(o, "ExposedPorts", container_exposed_json(&f->network));
	json_object_set_new(o, "StopSignal", json_string(r->stop_signal ? r->stop_signal : "SIGTERM"));
	return o;
}

static json_t *make_host_config(const struct facts *f)
{
	json_t *o = json_object();

	json_object_set_new(o, "NetworkMode", json_string(f->record.network ? f->record.network : ""));
	json_object_set_new(o, "PortBindings", container_bindings_json(&f->record.private_network));
	json_object_set_new(o, "PublishAllPorts", json_boolean(f->record.private_network.publish_all));
	json_add_bool(o, "AutoRemove", f->record.remove);
	json_add_bool(o, "ReadonlyRootfs", f->spec.root_readonly);
	json_object_set_new(o, "Ids", json_string(f->record.ids ? f->record.ids : ""));
	inspect_add_limits(o, &f->spec);
	return o;
}

/* What the user or the image asked for, as docker shows it. */
static json_t *make_mounts(const struct record_mounts *mounts)
{
	json_t *a = json_array();

	for (size_t i = 0; i < mounts->len; i++) {
		const struct record_mount *m = &mounts->items[i];
		json_t *o = json_object();

		json_add_string(o, "Type", m->type);
		if (m->name)
			json_add_string(o, "Name", m->name);
		json_object_set_new(o, "Source", json_string(m->source ? m->source : ""));
		json_add_string(o, "Destination", m->target);
		if (m->type && strcmp(m->type, "volume") == 0)
			json_add_string(o, "Driver", "local");
		json_object_set_new(o, "Mode", json_string(m->mode ? m->mode : ""));
		json_add_bool(o, "RW", !m->read_only);
		json_object_set_new(o, "Propagation", json_string(m->propagation ? m->propagation : ""));
		json_array_append_new(a, o);
	}
	return a;
}

static json_t *make_object(struct engine *e, const struct facts *f)
{
	const struct container_record *r = &f->record;
	autofree char *bundle = str_format("%s/containers/%s", e->store->root, f->id),
		      *name = str_format("/%s", r->name ? r->name : "");
	json_t *o = json_object();

	json_add_string(o, "Id", f->id);
	add_time(o, "Created", &r->created);
	json_add_string(o, "Path", r->args.len ? r->args.items[0] : "");
	json_object_set_new(o, "Args", r->args.len ? make_strings(r->args.items + 1, r->args.len - 1) : json_array());
	json_object_set_new(o, "State", make_state(&f->status));
	json_add_string(o, "Image", r->image_id);
	json_add_string(o, "Name", name);
	json_add_string(o, "Bundle", bundle);
	json_object_set_new(o, "HostConfig", make_host_config(f));
	json_object_set_new(o, "Mounts", make_mounts(&f->record.mounts));
	json_object_set_new(o, "NetworkSettings", container_network_json(&f->record.private_network, &f->network));
	json_object_set_new(o, "Config", make_config(f));
	return o;
}

int engine_inspect_container(struct engine *e, const char *container, json_t **ret, struct err *err)
{
	CLEANUP(facts_done) struct facts f = { 0 };
	int r = read_facts(e, container, &f, err);

	if (r < 0)
		return r;
	*ret = make_object(e, &f);
	return *ret ? 0 : err_oom(err);
}

/* --- mounts --- */

void container_mounts_done(struct container_mounts *m)
{
	for (size_t i = 0; i < m->len; i++) {
		free(m->items[i].target);
		free(m->items[i].type);
		free(m->items[i].source);
		free(m->items[i].note);
	}
	free(m->items);
	*m = (struct container_mounts){ 0 };
}

/* Takes over SOURCE and NOTE, also on failure. */
static int add(struct container_mounts *mounts, const char *target, const char *type, char *source, char *note,
	       bool read_only, struct err *err)
{
	struct container_mount m = { strdup(target), strdup(type), source, note, read_only };

	if (m.target && m.type && m.source && m.note && container_mounts_push(mounts, m) >= 0)
		return 0;
	free(m.target);
	free(m.type);
	free(source);
	free(note);
	return err_oom(err);
}

static int add_overlay(struct engine *e, const struct facts *f, struct container_mounts *mounts, struct err *err)
{
	autoimage struct store_image img = { 0 };
	struct digest manifest;
	int r = digest_parse(f->record.manifest ? f->record.manifest : "", &manifest, err);

	if (r >= 0)
		r = store_image_open_manifest(e->store, &manifest, &img, err);
	if (r >= 0)
		r = add(mounts, "/", "overlay", strdup("the folders below, merged"), strdup(""), f->spec.root_readonly,
			err);
	if (r >= 0)
		r = add(mounts, "", "upper", strdup("what the container writes"),
			str_format("%s/containers/%s/upper", e->store->root, f->id), false, err);
	for (size_t i = img.config.diff_ids_len; r >= 0 && i-- > 0;) {
		char path[LAYER_DIR_MAX];

		layer_path(e->store, &img.config.diff_ids[i], path);
		r = add(mounts, "", "lower", str_format("layer %zu of %zu", i + 1, img.config.diff_ids_len),
			str_format("%s/%s/fs", e->store->root, path), true, err);
	}
	if (r >= 0)
		r = add(mounts, "", "lower", strdup("mount points that images may lack"),
			path_join(e->store->root, "skeleton.1"), true, err);
	return r;
}

static int compare_mounts(const void *a, const void *b)
{
	return strcmp(((const struct container_mount *)a)->target, ((const struct container_mount *)b)->target);
}

static char *join_options(const struct strv *options)
{
	struct buf text = BUF_INIT(1 << 16);

	for (size_t i = 0; i < options->len; i++)
		buf_addf(&text, "%s%s", i ? "," : "", options->items[i]);
	return buf_take(&text);
}

static bool has_option(const struct oci_mount *m, const char *word)
{
	return strv_contains(&m->options, word);
}

int engine_container_mounts(struct engine *e, const char *container, struct container_mounts *ret, struct err *err)
{
	CLEANUP(facts_done) struct facts f = { 0 };
	CLEANUP(container_mounts_done) struct container_mounts mounts = { 0 };
	int r = read_facts(e, container, &f, err);
	size_t root;

	if (r < 0)
		return r;
	if (f.spec.root_path && str_ends_with(f.spec.root_path, "/rootfs"))
		r = add(&mounts, "/", "folder", strdup("a copy of the image"), strdup(f.spec.root_path),
			f.spec.root_readonly, err);
	else
		r = add_overlay(e, &f, &mounts, err);
	root = mounts.len;
	for (size_t i = 0; r >= 0 && i < f.spec.mounts.len; i++) {
		const struct oci_mount *m = &f.spec.mounts.items[i];

		r = add(&mounts, m->destination, m->type ? m->type : "bind", strdup(m->source ? m->source : ""),
			join_options(&m->options), has_option(m, "ro") || has_option(m, "rro"), err);
	}
	if (r < 0)
		return r;
	if (mounts.len > root)
		qsort(mounts.items + root, mounts.len - root, sizeof(mounts.items[0]), compare_mounts);
	*ret = mounts;
	mounts = (struct container_mounts){ 0 };
	return 0;
}
