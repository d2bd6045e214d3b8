/* `spec`. */
#include "cli/oci/global.h"

#include "base/cleanup.h"
#include "oci/json.h"
#include "runtime/default_spec.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct spec_options {
	const char *bundle;
	bool rootless;
};

static const struct option table[] = {
	OPTION_STRING("bundle", 'b', struct spec_options, bundle, "DIR", "where, instead of the working folder", "dir"),
	OPTION_FLAG("rootless", 0, struct spec_options, rootless, "map one id, the caller's own"),
	OPTION_END,
};

static int fill(struct oci_spec *spec, bool rootless, struct err *err)
{
	struct idmap ids;
	int r = 0;

	if (rootless)
		idmap_single(&ids, geteuid(), getegid());
	else
		r = idmap_detect(&ids, err);
	if (r == 0)
		r = default_spec_init(&ids, spec, err);
	if (r == 0)
		r = default_spec_set_seccomp(spec, NULL, err);
	if (r < 0)
		return r;
	spec->process.terminal = true;
	free(spec->root_path);
	spec->root_path = strdup("rootfs");
	return !spec->root_path || strv_add(&spec->process.args, "sh") < 0 ? err_oom(err) : 0;
}

static int run_spec(const void *options, const struct strv *args, struct err *err)
{
	const struct spec_options *o = options;
	autobuf struct buf text = BUF_INIT(OCI_SPEC_MAX), pretty = BUF_INIT(OCI_SPEC_MAX);
	autospec struct oci_spec spec = { 0 };
	autojson json_t *j = NULL;
	const char *where = o->bundle ? o->bundle : ".";
	autoclose int dir = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = dir < 0 ? err_errno(err, errno, "open '%s'", where) : fill(&spec, o->rootless, err);

	(void)args;
	if (r >= 0)
		r = oci_spec_write(&spec, &text, err);
	if (r >= 0)
		r = json_parse(buf_str(&text), text.len, "config.json", &j, err);
	if (r >= 0)
		r = json_write_pretty(j, &pretty, err);
	if (r >= 0)
		r = buf_add_char(&pretty, '\n') < 0
			    ? err_oom(err)
			    : fs_write_new(dir, "config.json", pretty.data, pretty.len, 0644, err);
	if (r == -EEXIST)
		err_hint(err, "it is left as it is; remove it first");
	return r < 0 ? -1 : 0;
}

const struct command oci_cmd_spec = {
	.name = "spec",
	.summary = "write a config.json to begin with",
	.description = "Its root file system is the folder rootfs beside it, its program sh on a terminal.",
	.examples = "  $ mkdir rootfs && tar -C rootfs -xf busybox.tar && cloche-oci spec && cloche-oci run demo",
	.see_also = "run, features",
	.options = table,
	.options_size = sizeof(struct spec_options),
	.run = run_spec,
};
