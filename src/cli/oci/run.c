/* `run`: create, start, and without --detach wait and delete. */
#include "cli/oci/create.h"

#include "lifecycle/remove.h"
#include "runtime/console.h"
#include "sys/signals.h"

#include <unistd.h>

static const struct option table[] = {
	OCI_CREATE_OPTIONS,
	OPTION_FLAG("detach", 'd', struct oci_create_options, detach, "return when the program has begun"),
	OPTION_FLAG("keep", 0, struct oci_create_options, keep, "don't delete the container when it has ended"),
	OPTION_FLAG("no-subreaper", 0, struct oci_create_options, no_subreaper,
		    "taken and not needed: nothing is adopted"),
	OPTION_END,
};

/* Its exit code. */
static int attend(struct container_process *p, struct err *err)
{
	const struct console_options c = { .in = 0, .out = 1, .interactive = true, .pass_signals = true };
	int status;

	return console_run(p, &c, &status, err) < 0 ? -1 : container_exit_code(status);
}

/* A program that can't be executed is the caller's failure, with a shell's code; all else is ours. */
static int failed(int code, const struct err *err)
{
	if (code != 126 && code != 127)
		return -1;
	oci_report(err);
	return code;
}

static int start_and_wait(int root, const char *id, const struct oci_create_options *o, struct container_process *p,
			  struct err *err)
{
	int code = 125, result = life_start(root, id, &code, err);

	if (result < 0) {
		life_delete(root, id, true, NULL, NULL);
		return failed(code, err);
	}
	if (o->detach)
		return 0;
	result = attend(p, err);
	if (!o->keep && life_delete(root, id, true, oci_warn, result < 0 ? NULL : err) < 0)
		return -1;
	return result;
}

static int run_run(const void *options, const struct strv *args, struct err *err)
{
	const struct oci_create_options *o = options;
	struct container_process p = CONTAINER_PROCESS_INIT;
	struct life_create c;
	int code = 125, root = -1, r = oci_create_from(o, &c, err);

	c.terminal_stays = !o->detach;
	c.exit_code = &code;
	if (r == 0)
		r = root = oci_open_root(err);
	if (r < 0)
		return -1;
	if (!o->detach)
		signals_hold();
	if (life_create(root, args->items[0], &c, o->detach ? NULL : &p, err) < 0)
		return failed(code, err);
	r = start_and_wait(root, args->items[0], o, &p, err);
	if (p.console >= 0)
		close(p.console);
	return r;
}

const struct command oci_cmd_run = {
	.name = "run",
	.summary = "make a container, start it, and wait for its end",
	.usage = "ID",
	.description = "It ends with the program's exit code, and the container is deleted. Signals are passed on. "
		       "With --detach it "
		       "returns when the program has begun, and `delete` is left to you.",
	.examples = "  $ cloche-oci spec && cloche-oci run demo",
	.see_also = "create, start, delete",
	.options = table,
	.options_size = sizeof(struct oci_create_options),
	.min_args = 1,
	.max_args = 1,
	.run = run_run,
};
