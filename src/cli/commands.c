#include "cli/command.h"
#include "cli/help.h"

#include <string.h>

/* In the order of `cloche help`, one a line: the X of X(name) is cmd_name. */
/* clang-format off */
#define COMMANDS(X) \
	X(run) \
	X(exec) \
	X(ps) \
	X(logs) \
	X(stop) \
	X(rm) \
	X(create) \
	X(start) \
	X(restart) \
	X(kill) \
	X(wait) \
	X(attach) \
	X(cp) \
	X(commit) \
	X(rename) \
	X(pause) \
	X(unpause) \
	X(update) \
	X(port) \
	X(events) \
	X(container_prune) \
	X(generate_systemd) \
	X(build) \
	X(builder_prune) \
	X(images) \
	X(load) \
	X(import) \
	X(save) \
	X(export) \
	X(tag) \
	X(rmi) \
	X(history) \
	X(unpack) \
	X(repack) \
	X(config) \
	X(squash) \
	X(pull) \
	X(push) \
	X(copy) \
	X(sync) \
	X(delete) \
	X(manifest_create) \
	X(manifest_add) \
	X(manifest_annotate) \
	X(manifest_inspect) \
	X(manifest_push) \
	X(manifest_remove) \
	X(manifest_rm) \
	X(manifest_exists) \
	X(search) \
	X(login) \
	X(logout) \
	X(image_prune) \
	X(volume_create) \
	X(volume_ls) \
	X(volume_inspect) \
	X(volume_rm) \
	X(volume_prune) \
	X(inspect) \
	X(diff) \
	X(namespaces) \
	X(doctor) \
	X(fsck) \
	X(stats) \
	X(top) \
	X(enter) \
	X(debug) \
	X(system_df) \
	X(system_prune) \
	X(help) \
	X(version) \
	X(monitor_again) \
	X(monitor_check) \
	X(monitor_ended)
/* clang-format on */

#define DECLARE(name) extern const struct command cmd_##name;
#define POINT_AT(name) &cmd_##name,

COMMANDS(DECLARE)

const struct command *const all_commands[] = { COMMANDS(POINT_AT) NULL };

struct global_options global_options;

const struct option global_table[] = {
	OPTION_FLAG("help", 'h', struct global_options, help, "show this help"),
	OPTION_FLAG("debug", 0, struct global_options, debug, "say what is done, on stderr"),
	OPTION_STRING("root", 0, struct global_options, root, "DIR",
		      "the store, instead of $XDG_DATA_HOME/cloche or /var/lib/cloche", "dir"),
	OPTION_STRING("runroot", 0, struct global_options, runroot, "DIR",
		      "live state, instead of $XDG_RUNTIME_DIR/cloche or /run/cloche", "dir"),
	OPTION_END,
};

static const struct exit_status *exit_statuses(const struct command *cmd)
{
	return help_exit_statuses(cmd && help_is_of_container(cmd));
}

const struct program program_cloche = {
	.name = "cloche",
	.commands = all_commands,
	.globals = global_table,
	.global_values = &global_options,
	.help = &global_options.help,
	.exit_statuses = exit_statuses,
};

/* docker's management commands: "container WORD" is the command WORD, but for what is listed. */
static const struct {
	const char *words, *name;
} other_names[] = {
	{ "container ls", "ps" },
	{ "container list", "ps" },
	{ "container ps", "ps" },
	{ "image ls", "images" },
	{ "image list", "images" },
	{ "image rm", "rmi" },
	{ "image remove", "rmi" },
	{ "image build", "build" },
	{ "image load", "load" },
	{ "image save", "save" },
	{ "image import", "import" },
	{ "image tag", "tag" },
	{ "image history", "history" },
	{ "image pull", "pull" },
	{ "image push", "push" },
	{ "image inspect", "inspect" },
	{ "volume list", "volume ls" },
	{ "volume remove", "volume rm" },
	{ "container remove", "rm" },
	{ "system events", "events" },
	{ "builder build", "build" },
	{ "buildx build", "build" },
	{ "buildx prune", "builder prune" },
	{ "buildx du", "system df" },
};

const struct command *command_find(const char *name)
{
	for (size_t i = 0; all_commands[i]; i++)
		if (strcmp(all_commands[i]->name, name) == 0)
			return all_commands[i];
	return NULL;
}

static bool is_two_words(const char *name, const char *first, const char *second)
{
	size_t len = strlen(first);

	return strncmp(name, first, len) == 0 && name[len] == ' ' && strcmp(name + len + 1, second) == 0;
}

static const struct command *find_two(const char *first, const char *second)
{
	for (size_t i = 0; all_commands[i]; i++)
		if (is_two_words(all_commands[i]->name, first, second))
			return all_commands[i];
	for (size_t i = 0; i < sizeof(other_names) / sizeof(other_names[0]); i++)
		if (is_two_words(other_names[i].words, first, second))
			return command_find(other_names[i].name);
	if (strcmp(first, "container") == 0)
		return command_find(second);
	return NULL;
}

const struct command *command_find_words(int len, char *const *words, int *ret_used)
{
	const struct command *cmd = len >= 2 ? find_two(words[0], words[1]) : NULL;

	*ret_used = cmd ? 2 : 1;
	return cmd || len < 1 ? cmd : command_find(words[0]);
}

const char *command_next_alias(const char *group, size_t *at, const struct command **ret)
{
	size_t len = strlen(group);

	while (*at < sizeof(other_names) / sizeof(other_names[0])) {
		const char *words = other_names[*at].words;

		*ret = command_find(other_names[(*at)++].name);
		if (strncmp(words, group, len) == 0 && words[len] == ' ')
			return words + len + 1;
	}
	return NULL;
}

bool command_is_group(const char *word)
{
	size_t len = strlen(word);

	for (size_t i = 0; all_commands[i]; i++)
		if (strncmp(all_commands[i]->name, word, len) == 0 && all_commands[i]->name[len] == ' ')
			return true;
	return strcmp(word, "container") == 0 || strcmp(word, "image") == 0;
}
