/* `create` and `start`. */
#include "cli/oci/create.h"

#include "base/num.h"

#include <errno.h>

const struct option oci_create_table[] = {
	OCI_CREATE_OPTIONS,
	OPTION_END,
};

int oci_create_from(const struct oci_create_options *o, struct life_create *c, struct err *err)
{
	*c = (struct life_create){
		.bundle = o->bundle,
		.config = o->config,
		.console_socket = o->console_socket,
		.pid_file = o->pid_file,
		.keep_keyring = o->no_new_keyring,
		.on_warning = oci_warn,
	};
	if (o->preserve_fds && num_parse_u32(o->preserve_fds, 1 << 16, &c->preserve_fds) < 0)
		return err_set(err, EINVAL, "--preserve-fds '%s' is no number", o->preserve_fds);
	if (o->no_pivot) {
		err_set(err, EOPNOTSUPP, "--no-pivot: a container whose root is not pivoted could leave it");
		return err_hint(err, "leave it out: the root may be on a ramdisk, since it becomes a mount of its own");
	}
	return oci_set_group(c, err);
}

static int run_create(const void *options, const struct strv *args, struct err *err)
{
	const struct oci_create_options *o = options;
	struct life_create c;
	int root = -1, r = oci_create_from(o, &c, err);

	if (r == 0)
		r = root = oci_open_root(err);
	if (r >= 0)
		r = life_create(root, args->items[0], &c, NULL, err);
	return r < 0 ? -1 : 0;
}

static int run_start(const void *options, const struct strv *args, struct err *err)
{
	int root = oci_open_root(err);

	(void)options;
	return root < 0 || life_start(root, args->items[0], NULL, err) < 0 ? -1 : 0;
}

const struct command oci_cmd_create = {
	.name = "create",
	.summary = "make a container, and leave its process waiting before its program",
	.usage = "ID",
	.description = "The bundle is a folder with a config.json and the root file system that it names. The "
		       "container gets this "
		       "command's standard input, output and error; its process outlives the command.",
	.examples = "  $ cloche-oci create --bundle /containers/web web && cloche-oci start web",
	.see_also = "start, run, delete",
	.options = oci_create_table,
	.options_size = sizeof(struct oci_create_options),
	.min_args = 1,
	.max_args = 1,
	.run = run_create,
};

const struct command oci_cmd_start = {
	.name = "start",
	.summary = "let the program of a container begin that was created",
	.usage = "ID",
	.complete = "container",
	.description = "It ends when the program has been executed, or says why it could not be.",
	.see_also = "create, kill, delete",
	.min_args = 1,
	.max_args = 1,
	.run = run_start,
};
