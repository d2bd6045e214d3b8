/* `kill`, `delete`, `pause` and `resume`. */
#include "cli/oci/global.h"

#include "lifecycle/pause.h"
#include "lifecycle/remove.h"
#include "sys/signals.h"

#include <signal.h>

struct kill_options {
	bool all;
};

struct delete_options {
	bool force;
};

static int run_kill(const void *options, const struct strv *args, struct err *err)
{
	const struct kill_options *o = options;
	int sig = SIGTERM, root, r = 0;

	if (args->len > 1)
		r = signal_parse(args->items[1], &sig, err);
	if (r < 0)
		return -1;
	root = oci_open_root(err);
	return root < 0 || life_kill(root, args->items[0], sig, o->all, err) < 0 ? -1 : 0;
}

static int run_delete(const void *options, const struct strv *args, struct err *err)
{
	const struct delete_options *o = options;
	int root = oci_open_root(err), code = 0;

	if (root < 0)
		return -1;
	for (size_t i = 0; i < args->len; i++) {
		struct err mine = { 0 };

		if (life_delete(root, args->items[i], o->force, oci_warn, &mine) >= 0)
			continue;
		oci_report(&mine);
		code = OCI_EXIT_FAILED;
	}
	return code;
}

static int run_pause(const void *options, const struct strv *args, struct err *err)
{
	int root = oci_open_root(err);

	(void)options;
	return root < 0 || life_pause(root, args->items[0], err) < 0 ? -1 : 0;
}

static int run_resume(const void *options, const struct strv *args, struct err *err)
{
	int root = oci_open_root(err);

	(void)options;
	return root < 0 || life_resume(root, args->items[0], err) < 0 ? -1 : 0;
}

static const struct option kill_table[] = {
	OPTION_FLAG("all", 'a', struct kill_options, all, "to all processes of the container"),
	OPTION_END,
};

static const struct option delete_table[] = {
	OPTION_FLAG("force", 'f', struct delete_options, force, "end it if it runs; one that isn't there is no error"),
	OPTION_END,
};

const struct command oci_cmd_kill = {
	.name = "kill",
	.summary = "send a signal to a container, SIGTERM if none is named",
	.usage = "ID [SIGNAL]",
	.complete = "container",
	.see_also = "delete",
	.options = kill_table,
	.options_size = sizeof(struct kill_options),
	.min_args = 1,
	.max_args = 2,
	.run = run_kill,
};

const struct command oci_cmd_delete = {
	.name = "delete",
	.summary = "remove a container that has ended, with its control group",
	.usage = "ID...",
	.complete = "container",
	.description = "The poststop hooks are run; that one fails is a warning.",
	.see_also = "kill",
	.options = delete_table,
	.options_size = sizeof(struct delete_options),
	.min_args = 1,
	.max_args = -1,
	.run = run_delete,
};

const struct command oci_cmd_pause = {
	.name = "pause",
	.summary = "stop all processes of a container for a while",
	.usage = "ID",
	.complete = "container",
	.see_also = "resume",
	.min_args = 1,
	.max_args = 1,
	.run = run_pause,
};

const struct command oci_cmd_resume = {
	.name = "resume",
	.summary = "let a paused container go on",
	.usage = "ID",
	.complete = "container",
	.see_also = "pause",
	.min_args = 1,
	.max_args = 1,
	.run = run_resume,
};
