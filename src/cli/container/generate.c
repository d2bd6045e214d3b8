#include "cli/command.h"
#include "cli/container/each.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "engine/container/container.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct generate_options {
	bool boot;
};

static const struct option generate_table[] = {
	OPTION_FLAG("boot", 0, struct generate_options, boot,
		    "one unit for all: at each boot it starts those whose --restart policy says so"),
	OPTION_END,
};

/* systemd reads % and \ and quotes in a command line. */
static void print_word(const char *word)
{
	putchar('"');
	for (; *word; word++) {
		if (*word == '%' || *word == '$')
			putchar(*word);
		if (*word == '"' || *word == '\\')
			putchar('\\');
		putchar(*word);
	}
	putchar('"');
}

static void print_cloche(const char *program, const struct store *s, const char *words)
{
	print_word(program);
	/* Only what was said: else the places follow the user. */
	if (global_options.root) {
		fputs(" --root ", stdout);
		print_word(s->root);
	}
	if (global_options.runroot) {
		fputs(" --runroot ", stdout);
		print_word(s->runroot ? s->runroot : global_options.runroot);
	}
	printf(" %s", words);
}

static void print_install(void)
{
	printf("\n[Install]\nWantedBy=%s\n", geteuid() == 0 ? "multi-user.target" : "default.target");
}

static void print_boot(const char *program, const struct store *s)
{
	puts("# cloche-restart.service: starts containers after a boot, as their --restart policies say.\n"
	     "[Unit]\nDescription=Containers of Cloche that start at boot\n"
	     "Wants=network-online.target\nAfter=network-online.target\n\n"
	     "[Service]\nType=oneshot\nRemainAfterExit=yes\nKillMode=mixed\nTimeoutStopSec=90");
	fputs("ExecStart=", stdout);
	print_cloche(program, s, "start --all --filter should-start-on-boot=true\n");
	print_install();
}

static int print_unit(struct store *s, const char *program, const char *word, struct err *err)
{
	autorecord struct container_record record = { 0 };
	char id[CONTAINER_ID_MAX], words[CONTAINER_NAME_MAX + 40];
	int r = container_find(s, word, id, err);
	int64_t patience;

	if (r >= 0)
		r = container_record_read(s, id, &record, err);
	if (r < 0)
		return r;
	patience = record.life.stop_timeout < 0 ? 3600 : record.life.stop_timeout;
	printf("# cloche-%s.service\n[Unit]\nDescription=Container %s of Cloche\nWants=network-online.target\n"
	       "After=network-online.target\n\n",
	       record.name, record.name);
	/* `start -a` stays as long as the container lives, and passes systemd's signals on; the monitor does the rest. */
	printf("[Service]\nType=exec\nKillMode=mixed\nTimeoutStopSec=%lld\nRestart=%s\n", (long long)patience + 10,
	       record.life.restart == RESTART_ON_FAILURE ? "on-failure" : "no");
	fputs("ExecStart=", stdout);
	snprintf(words, sizeof(words), "start --attach %s\n", record.name);
	print_cloche(program, s, words);
	fputs("ExecStop=", stdout);
	snprintf(words, sizeof(words), "stop %s\n", record.name);
	print_cloche(program, s, words);
	print_install();
	return 0;
}

static int run_generate(const void *options, const struct strv *args, struct err *err)
{
	const struct generate_options *o = options;
	autostore struct store *s = NULL;
	char program[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);

	if (n < 0)
		return err_errno(err, errno, "read /proc/self/exe");
	program[n] = '\0';
	if (o->boot == (args->len > 0))
		return err_set(err, EINVAL, "either one container's name, or --boot");
	if (cli_open_store(&s, err) < 0)
		return -1;
	if (o->boot) {
		print_boot(program, s);
		return 0;
	}
	return print_unit(s, program, args->items[0], err) < 0 ? -1 : 0;
}

const struct command cmd_generate_systemd = {
	.name = "generate systemd",
	.group = "Containers",
	.summary = "print a systemd unit that starts a container at boot, and stops it",
	.usage = "CONTAINER | --boot",
	.description =
		"An ordinary user's units run at boot only with 'loginctl enable-linger', which also keeps containers "
		"alive when the user logs out.",
	.examples = "# one container as a service of one's own\n"
		    "$ cloche generate systemd web > ~/.config/systemd/user/cloche-web.service\n"
		    "$ systemctl --user daemon-reload\n$ systemctl --user enable --now cloche-web\n$ loginctl "
		    "enable-linger\n"
		    "# all that have --restart always or unless-stopped\n"
		    "$ cloche generate systemd --boot > ~/.config/systemd/user/cloche-restart.service",
	.complete = "container",
	.options = generate_table,
	.options_size = sizeof(struct generate_options),
	.max_args = 1,
	.run = run_generate,
};
