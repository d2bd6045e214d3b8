#include "cli/command.h"
#include "cli/container/explain_table.h"
#include "engine/run/run.h"

#include <string.h>
#include <unistd.h>

static const struct option run_table[] = {
#include "cli/container/run_options.def"
	OPTION_HEADING("This command"),
	STRING("sig-proxy", 0, sig_proxy, "true|false", "pass signals on to it (default true)", "true false"),
	FLAG("detach", 'd', detach, "leave it in the background and print its ID"),
	STRING("detach-keys", 0, detach_keys, "KEYS", "what leaves it running (ctrl-p,ctrl-q)", NULL),
	FLAG("lazy", 0, lazy,
	     "begin before the image has come (eStargz, zstd:chunked): files come when they are opened; with --rm"),
	FLAG("explain", 0, explain, "show each step of the start as it happens"),
	OPTION_END,
};

static void on_notice(const char *text, void *arg)
{
	(void)arg;
	fprintf(stderr, "cloche: run: %s\n", text);
}

static int run_run(const void *options, const struct strv *args, struct err *err)
{
	const struct run_options *o = options;
	struct store_options store = { .root = global_options.root, .runroot = global_options.runroot };
	struct explain_table table = explain_table_init(stderr);
	struct run_callbacks callbacks = { .on_notice = on_notice, .arg = &table };
	struct strv command = { .items = args->items + 1, .len = args->len - 1 };
	char id[CONTAINER_ID_MAX];
	int exit_code, r;

	/* As docker has it: a terminal on one side only would leave the other unreadable. */
	if (o->interactive && o->tty && !o->detach && !isatty(STDIN_FILENO)) {
		fputs("cloche: run: the input device is not a TTY\n", stderr);
		return 1;
	}
	if (o->explain)
		callbacks.on_step = explain_table_step;
	r = run_container(&store, o, args->items[0], &command, &callbacks, id, &exit_code, err);
	if (r >= 0 && o->detach)
		puts(id);
	if (r >= 0 || exit_code == EXIT_OURS)
		return r;
	err_wrap(err, "run");
	err_print(stderr, err);
	return exit_code;
}

const struct command cmd_run = {
	.name = "run",
	.group = "Containers",
	.summary = "run a program in a new container of an image",
	.usage = "IMAGE [COMMAND [ARG...]]",
	.description = "The exit code is that of the program; 128 and the signal's number if a signal ended it; 127 if "
		       "the program was "
		       "not found, 126 if it could not be executed, and 125 if cloche itself failed.",
	.examples = "# a shell that leaves nothing behind\n"
		    "$ cloche run --rm -it debian bash\n"
		    "# a service in the background, its port 80 at 8080 here\n"
		    "$ cloche run -d --name web -p 8080:80 nginx\n"
		    "# a program of the image on a folder of ours, as ourselves\n"
		    "$ cloche run --rm -v .:/work -w /work --userns keep-id debian ls -l\n"
		    "# with a variable, a volume that stays, and a restart when it fails\n"
		    "$ cloche run -d --name db -e MODE=fast -v data:/var/lib/db --restart on-failure image-of-a-db\n"
		    "# what isn't trusted: no network, a read-only image, no capabilities\n"
		    "$ cloche run --rm --network none --read-only --cap-drop ALL busybox id\n"
		    "# what a container is made of\n"
		    "$ cloche run --rm --explain busybox true",
	.see_also = "ps, logs, exec, stop, rm, build, network, volume, ids",
	.complete = "image",
	.options = run_table,
	.options_size = sizeof(struct run_options),
	.min_args = 1,
	.max_args = -1,
	.stop_at_args = true,
	.run = run_run,
};
