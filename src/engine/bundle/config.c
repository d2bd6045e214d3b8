/*
 * The runtime's configuration for an image: what `runc spec` writes (with --rootless for ordinary users), docker's seccomp
 * profile, and the image's own words as image-spec's conversion.md says.
 */
#include "engine/bundle/bundle.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "engine/run/user.h"
#include "oci/json.h"
#include "oci/spec.h"
#include "runtime/default_spec.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define ANNOTATION "org.opencontainers.image."

/* --- the machine --- */

static int set_text(char **dst, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	free(*dst);
	*dst = copy;
	return 0;
}

/* Root: the machine's own ids, as a runtime started by root expects. */
static void without_user_namespace(struct oci_spec *spec)
{
	oci_spec_remove_namespace(spec, "user");
	spec->linux_.uid_mappings.len = 0;
	spec->linux_.gid_mappings.len = 0;
}

/*
 * An ordinary user: the host's network, since nothing would connect another one, and so the host's /sys; and no group that
 * isn't mapped.
 */
static int as_ordinary_user(const struct idmap *ids, struct oci_spec *spec)
{
	int r = default_spec_host_network(spec);

	oci_spec_remove_mount(spec, "/sys/fs/cgroup");
	oci_spec_remove_mount(spec, "/sys");
	if (r == 0)
		r = oci_spec_add_mount(spec, "/sys", "none", "/sys", "rbind,nosuid,noexec,nodev,ro");
	if (r == 0 && idmap_outside(ids->gids, ids->gids_len, 5) < 0) {
		oci_spec_remove_mount(spec, "/dev/pts");
		r = oci_spec_add_mount(spec, "/dev/pts", "devpts", "devpts",
				       "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620");
	}
	return r;
}

/* --- the image's words --- */

static int set_process(const struct image_config *image, struct oci_spec *spec)
{
	struct oci_process *p = &spec->process;
	int r = strv_add_all(&p->args, &image->entrypoint);

	if (r >= 0)
		r = strv_add_all(&p->args, &image->cmd);
	if (r >= 0 && p->args.len == 0)
		r = strv_add(&p->args, "sh");
	if (r >= 0)
		r = strv_env_set(&p->env, "TERM=xterm");
	for (size_t i = 0; r >= 0 && i < image->env.len; i++)
		r = strv_env_set(&p->env, image->env.items[i]);
	if (r >= 0 && image->working_dir && image->working_dir[0] == '/')
		r = set_text(&p->cwd, image->working_dir);
	p->terminal = true;
	return r;
}

static int read_text(int rootfs_fd, const char *path, struct buf *buf, struct err *err)
{
	autoclose int fd = fs_open_in_root(rootfs_fd, path, O_RDONLY | O_NONBLOCK, 0, NULL);

	return fd < 0 ? 0 : fs_read_fd(fd, RUN_PASSWD_MAX, buf, err);
}

static int set_user(const struct image_config *image, int rootfs_fd, struct oci_spec *spec, struct err *err)
{
	autobuf struct buf passwd = BUF_INIT(RUN_PASSWD_MAX), group = BUF_INIT(RUN_PASSWD_MAX);
	struct strv none = { 0 };
	autouser struct run_user u = { 0 };
	autofree char *home = NULL;
	int r = read_text(rootfs_fd, "/etc/passwd", &passwd, err);

	if (r >= 0)
		r = read_text(rootfs_fd, "/etc/group", &group, err);
	if (r >= 0)
		r = run_user_resolve(image->user, &none, buf_str(&passwd), buf_str(&group), &u, err);
	if (r >= 0)
		r = run_user_apply(&u, &spec->process, err);
	if (r < 0)
		return r;
	home = str_format("HOME=%s", u.home ? u.home : "/");
	if (!home || (!strv_env_get(&spec->process.env, "HOME") && strv_env_set(&spec->process.env, home) < 0))
		return err_oom(err);
	return 0;
}

static int add_annotation(struct oci_spec *spec, const char *key, const char *value)
{
	struct strv *a = &spec->annotations;

	if (!value || !*value)
		return 0;
	/* A label may say it already, and then wins. */
	for (size_t i = 0; i + 1 < a->len; i += 2)
		if (strcmp(a->items[i], key) == 0)
			return 0;
	return strv_add(a, key) < 0 || strv_add(a, value) < 0 ? -ENOMEM : 0;
}

static int set_annotations(const struct image_config *image, struct oci_spec *spec)
{
	autobuf struct buf ports = BUF_INIT(1 << 20);
	int r = 0;

	for (size_t i = 0; r >= 0 && i < image->labels.len; i++)
		r = add_annotation(spec, image->labels.items[i].key, image->labels.items[i].value);
	for (size_t i = 0; i < image->exposed_ports.len; i++)
		buf_addf(&ports, "%s%s", i ? "," : "", image->exposed_ports.items[i]);
	if (r < 0 || ports.error || add_annotation(spec, ANNOTATION "os", image->os) < 0 ||
	    add_annotation(spec, ANNOTATION "architecture", image->architecture) < 0 ||
	    add_annotation(spec, ANNOTATION "author", image->author) < 0 ||
	    add_annotation(spec, ANNOTATION "created", image->created) < 0 ||
	    add_annotation(spec, ANNOTATION "stopSignal", image->stop_signal) < 0 ||
	    add_annotation(spec, ANNOTATION "exposedPorts", buf_str(&ports)) < 0)
		return -ENOMEM;
	return 0;
}

static int add_volumes(const struct image_config *image, struct oci_spec *spec)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < image->volumes.len; i++)
		r = oci_spec_add_mount(spec, image->volumes.items[i], "tmpfs", "tmpfs", "rw,nosuid,nodev,relatime");
	return r;
}

static void tell_user(const struct idmap *ids, const struct oci_spec *spec,
		      void (*on_notice)(const char *text, void *arg), void *arg)
{
	const struct oci_user *u = &spec->process.user;

	if (!on_notice || ids->mode == ID_MODE_ROOT)
		return;
	if (idmap_outside(ids->uids, ids->uids_len, u->uid) < 0 || idmap_outside(ids->gids, ids->gids_len, u->gid) < 0)
		on_notice("config.json says the image's user, whose id is not mapped here: a runtime will refuse it "
			  "unless "
			  "process.user is changed; 'cloche run' gives it its user",
			  arg);
}

static int fill(const struct idmap *ids, const struct image_config *image, int rootfs_fd, struct oci_spec *spec,
		struct err *err)
{
	const struct strv none = { 0 };
	int r = set_text(&spec->root_path, BUNDLE_ROOTFS);

	/* Nothing of later versions is in it, and crun 1.8 knows no later one. */
	if (r == 0)
		r = set_text(&spec->version, "1.0.2");
	if (r == 0)
		r = set_text(&spec->hostname, "cloche");
	if (r == 0 && ids->mode == ID_MODE_ROOT)
		without_user_namespace(spec);
	else if (r == 0)
		r = as_ordinary_user(ids, spec);
	if (r == 0)
		r = set_process(image, spec);
	if (r == 0)
		r = set_annotations(image, spec);
	if (r == 0)
		r = add_volumes(image, spec);
	if (r < 0)
		return err_oom(err);
	r = set_user(image, rootfs_fd, spec, err);
	/* Once more, since without a user namespace they are fewer, and for a user other than root as well. */
	if (r >= 0)
		r = default_spec_set_caps(spec, &none, &none, err);
	return r < 0 ? r : default_spec_set_seccomp(spec, NULL, err);
}

/* People are to change it. */
static int write_pretty(const struct oci_spec *spec, struct buf *out, struct err *err)
{
	autobuf struct buf text = BUF_INIT(OCI_SPEC_MAX);
	autojson json_t *root = NULL;
	int r = oci_spec_write(spec, &text, err);

	if (r >= 0)
		r = json_parse(buf_str(&text), text.len, "config.json", &root, err);
	if (r >= 0)
		r = json_write_pretty(root, out, err);
	return r >= 0 && buf_add_char(out, '\n') < 0 ? err_oom(err) : r;
}

int bundle_config_write(const struct idmap *ids, const struct image_config *image, int dir_fd, int rootfs_fd,
			void (*on_notice)(const char *text, void *arg), void *arg, struct err *err)
{
	autobuf struct buf text = BUF_INIT(4 * OCI_SPEC_MAX);
	autospec struct oci_spec spec = { 0 };
	int r = default_spec_init(ids, &spec, err);

	if (r >= 0)
		r = fill(ids, image, rootfs_fd, &spec, err);
	if (r >= 0)
		r = write_pretty(&spec, &text, err);
	if (r >= 0)
		r = fs_write_file(dir_fd, "config.json", text.data, text.len, 0644, 0, err);
	if (r < 0)
		return err_wrap(err, "make the runtime's configuration");
	tell_user(ids, &spec, on_notice, arg);
	return 0;
}
