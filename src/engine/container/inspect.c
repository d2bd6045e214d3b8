#include "engine/container/inspect.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "engine/container/inspect_impl.h"
#include "engine/container/size.h"
#include "oci/json.h"
#include "runtime/runtime.h"
#include "store/image.h"
#include "store/layers.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void facts_done(struct inspect_facts *f)
{
	container_record_done(&f->record);
	container_network_state_done(&f->network);
	oci_spec_done(&f->spec);
}

static int read_facts(struct engine *e, const char *container, struct inspect_facts *f, struct err *err)
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
	if (dir < 0)
		return dir;
	if (f->status.phase == CONTAINER_EXITED)
		container_exit_error(dir, f->error);
	return oci_spec_read(dir, "config.json", &f->spec, err);
}

/* --- the object --- */

/* The layers as the overlay has them, topmost first. */
static char *lower_folders(struct engine *e, const struct inspect_facts *f)
{
	autoimage struct store_image img = { 0 };
	struct buf text = BUF_INIT(1 << 20);
	struct digest manifest;

	if (digest_parse(f->record.manifest ? f->record.manifest : "", &manifest, NULL) < 0 ||
	    store_image_open_manifest(e->store, &manifest, &img, NULL) < 0)
		return strdup("");
	for (size_t i = img.config.diff_ids_len; i-- > 0;) {
		char path[LAYER_DIR_MAX];

		layer_path(e->store, &img.config.diff_ids[i], path);
		buf_addf(&text, "%s/%s/fs:", e->store->root, path);
	}
	buf_addf(&text, "%s/skeleton.1", e->store->root);
	return buf_take(&text);
}

static json_t *make_driver(struct engine *e, const struct inspect_facts *f)
{
	static const char *const folders[][2] = { { "UpperDir", "upper" }, { "WorkDir", "work" } };
	autofree char *lower = lower_folders(e, f);
	json_t *o = json_object(), *data = json_object();
	bool is_copy = f->spec.root_path && str_ends_with(f->spec.root_path, "/rootfs");

	json_add_string(o, "Name", is_copy ? "copy" : "overlay");
	for (size_t i = 0; !is_copy && i < ARRAY_SIZE(folders); i++) {
		autofree char *path = str_format("%s/containers/%s/%s", e->store->root, f->id, folders[i][1]);

		json_add_string(data, folders[i][0], path);
	}
	if (!is_copy)
		json_add_string(data, "LowerDir", lower);
	json_add_string(data, "MergedDir", f->spec.root_path);
	json_add(o, "Data", data);
	return o;
}

/* Where the small files are that are made for it at each start; the log is in its folder. */
static void add_paths(struct engine *e, json_t *o, const char *id)
{
	static const char *const files[][2] = { { "ResolvConfPath", "resolv.conf" },
						{ "HostnamePath", "hostname" },
						{ "HostsPath", "hosts" } };
	autofree char *log = str_format("%s/containers/%s/log.json", e->store->root, id);

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		autofree char *path = str_format("%s/files/%s/%s", e->store->runroot, id, files[i][1]);

		json_add_string(o, files[i][0], path);
	}
	json_add_string(o, "LogPath", log);
}

static int add_size(struct engine *e, json_t *o, const struct inspect_facts *f, struct err *err)
{
	struct container_size size;
	int r = container_size(e->store, &e->ids, &f->record, &size, err);

	if (r < 0)
		return r;
	json_add_int(o, "SizeRw", (int64_t)size.rw);
	json_add_int(o, "SizeRootFs", (int64_t)size.root);
	return 0;
}

static json_t *make_object(struct engine *e, const struct inspect_facts *f)
{
	const struct container_record *r = &f->record;
	autofree char *bundle = str_format("%s/containers/%s", e->store->root, f->id),
		      *name = str_format("/%s", r->name ? r->name : "");
	json_t *o = json_object();

	json_add_string(o, "Id", f->id);
	inspect_add_time(o, "Created", &r->created);
	json_add(o, "Path", json_text(r->args.len ? r->args.items[0] : ""));
	json_add(o, "Args", r->args.len ? inspect_strings(r->args.items + 1, r->args.len - 1) : json_array());
	json_add(o, "State", inspect_state(e, f));
	json_add_string(o, "Image", r->image_id);
	add_paths(e, o, f->id);
	json_add_string(o, "Name", name);
	json_add_int(o, "RestartCount", f->status.restarts);
	json_add_string(o, "Driver", "overlay");
	json_add_string(o, "Platform", "linux");
	json_add_string(o, "Bundle", bundle);
	json_add(o, "HostConfig", inspect_host_config(f));
	json_add(o, "GraphDriver", make_driver(e, f));
	json_add(o, "Mounts", inspect_mounts(&f->record.mounts));
	json_add(o, "Config", inspect_config(f));
	json_add(o, "NetworkSettings", container_network_json(&f->record, &f->network));
	return o;
}

static int inspect(struct engine *e, const char *container, bool with_size, json_t **ret, struct err *err)
{
	CLEANUP(facts_done) struct inspect_facts f = { 0 };
	autojson json_t *o = NULL;
	int r = read_facts(e, container, &f, err);

	if (r < 0)
		return r;
	o = make_object(e, &f);
	if (!o)
		return err_oom(err);
	r = with_size ? add_size(e, o, &f, err) : 0;
	if (r >= 0)
		*ret = TAKE_PTR(o);
	return r;
}

int engine_inspect_container(struct engine *e, const char *container, json_t **ret, struct err *err)
{
	return inspect(e, container, false, ret, err);
}

int engine_inspect_container_size(struct engine *e, const char *container, json_t **ret, struct err *err)
{
	return inspect(e, container, true, ret, err);
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

static int add_overlay(struct engine *e, const struct inspect_facts *f, struct container_mounts *mounts,
		       struct err *err)
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

/* What the kernel shows in /proc and /sys depends on how it was built: what it lacks there is nothing to hide. */
static bool is_in_kernel(const char *path)
{
	return !(str_starts_with(path, "/proc/") || str_starts_with(path, "/sys/")) || access(path, F_OK) == 0;
}

/* What the runtime mounts besides: devices, and what hides or protects parts of the kernel's trees. */
static int add_covers(const struct inspect_facts *f, struct container_mounts *mounts, struct err *err)
{
	const struct oci_linux *l = &f->spec.linux_;
	int r = 0;

	for (size_t i = 0; r >= 0 && runtime_devices[i]; i++) {
		autofree char *path = str_format("/dev/%s", runtime_devices[i]);

		r = path ? add(mounts, path, "bind", strdup(path), strdup("the host's device"), false, err)
			 : err_oom(err);
	}
	for (size_t i = 0; r >= 0 && i < l->masked_paths.len; i++)
		if (is_in_kernel(l->masked_paths.items[i]))
			r = add(mounts, l->masked_paths.items[i], "masked", strdup("hidden: it looks empty inside"),
				strdup(""), true, err);
	for (size_t i = 0; r >= 0 && i < l->readonly_paths.len; i++)
		if (is_in_kernel(l->readonly_paths.items[i]))
			r = add(mounts, l->readonly_paths.items[i], "bind", strdup("itself, so that it is read-only"),
				strdup(""), true, err);
	return r;
}

int engine_container_mounts(struct engine *e, const char *container, struct container_mounts *ret, struct err *err)
{
	CLEANUP(facts_done) struct inspect_facts f = { 0 };
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
	if (r >= 0)
		r = add_covers(&f, &mounts, err);
	if (r < 0)
		return r;
	if (mounts.len > root)
		qsort(mounts.items + root, mounts.len - root, sizeof(mounts.items[0]), compare_mounts);
	*ret = mounts;
	mounts = (struct container_mounts){ 0 };
	return 0;
}
