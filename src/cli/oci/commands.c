/* The commands of cloche-oci, and what its help says of them all. */
#include "cli/help.h"
#include "cli/oci/global.h"

/* clang-format off */
#define COMMANDS(X) \
	X(create) \
	X(start) \
	X(state) \
	X(kill) \
	X(delete) \
	X(run) \
	X(exec) \
	X(list) \
	X(ps) \
	X(pause) \
	X(resume) \
	X(update) \
	X(events) \
	X(spec) \
	X(features)
/* clang-format on */

#define DECLARE(name) extern const struct command oci_cmd_##name;
#define POINT_AT(name) &oci_cmd_##name,

COMMANDS(DECLARE)

static const struct command *const commands[] = { COMMANDS(POINT_AT) NULL };

static const struct option globals[] = {
	OPTION_FLAG("help", 'h', struct oci_globals, help, "show this help"),
	OPTION_FLAG("version", 'v', struct oci_globals, version, "show the version"),
	OPTION_FLAG("debug", 0, struct oci_globals, debug, "say what is done"),
	OPTION_STRING("root", 0, struct oci_globals, root, "DIR",
		      "where containers' state is, instead of $XDG_RUNTIME_DIR/cloche-oci or /run/cloche-oci", "dir"),
	OPTION_STRING("log", 0, struct oci_globals, log, "FILE", "where errors are written to as well", "file"),
	OPTION_STRING("log-format", 0, struct oci_globals, log_format, "FORMAT", "text or json", "text json"),
	OPTION_STRING("cgroup-manager", 0, struct oci_globals, cgroup_manager, "MANAGER",
		      "cgroupfs, systemd (cgroupsPath is SLICE:PREFIX:NAME) or disabled", "cgroupfs systemd disabled"),
	OPTION_FLAG("systemd-cgroup", 0, struct oci_globals, systemd_cgroup, "the same as --cgroup-manager systemd"),
	OPTION_STRING("rootless", 0, struct oci_globals, rootless, "WHEN",
		      "do without a control group that this user may not have: true, false or auto", "true false auto"),
	OPTION_STRING("criu", 0, struct oci_globals, criu, "PROGRAM",
		      "taken and without effect: there is no checkpoint and no restore yet", "file"),
	OPTION_END,
};

static const struct exit_status *exit_statuses(const struct command *cmd)
{
	static const struct exit_status all[] = {
		{ "0", "all was done" },
		{ "1", "it failed; stderr and --log say at what, why, and what would help" },
		{ NULL, NULL },
	};
	static const struct exit_status programs[] = {
		{ "1", "it failed; stderr and --log say at what, why, and what would help" },
		{ "126", "the program was found and couldn't be executed" },
		{ "127", "the program was not found" },
		{ "128+n", "signal n ended the program" },
		{ "another", "is the program's own" },
		{ NULL, NULL },
	};

	return cmd == &oci_cmd_run || cmd == &oci_cmd_exec ? programs : all;
}

const struct program program_oci = {
	.name = "cloche-oci",
	.commands = commands,
	.globals = globals,
	.global_values = &oci_globals,
	.help = &oci_globals.help,
	.exit_statuses = exit_statuses,
};

void oci_print_overview(FILE *f)
{
	fputs("cloche-oci: runs OCI bundles for podman, docker, containerd and others that call a runtime\n\n"
	      "usage: cloche-oci [GLOBAL OPTIONS] COMMAND [OPTIONS] ...\n\nCommands:\n",
	      f);
	for (size_t i = 0; commands[i]; i++) {
		fprintf(f, "  %-10s  ", commands[i]->name);
		help_print_wrapped(f, commands[i]->summary, 14);
	}
	fputs("\nGlobal options:\n", f);
	help_print_options(f, globals);
	fputs("\n'cloche-oci COMMAND --help' tells more.\n", f);
}
