/*
 * docgen man DIR: writes the manual pages into DIR. docgen bash|zsh|fish: writes that shell's completion to
 * stdout; bash-oci: that of cloche-oci. Runs when cloche is built, and isn't installed.
 */
#include "cli/docs/docgen.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

const struct command *docgen_next_command(const struct command *const **at)
{
	while (**at) {
		const struct command *cmd = *(*at)++;

		if (!cmd->hidden)
			return cmd;
	}
	return NULL;
}

const struct option *docgen_next_option(const struct option **at)
{
	while (*at && (*at)->kind != OPTION_KIND_END) {
		const struct option *option = (*at)++;

		if (option->kind != OPTION_KIND_LATER && option->kind != OPTION_KIND_HEADING)
			return option;
	}
	return NULL;
}

static bool group_seen_before(const struct command *const *at, size_t len)
{
	for (const struct command *const *p = all_commands; p < at; p++)
		if (!(*p)->hidden && strncmp((*p)->name, (*at)->name, len + 1) == 0)
			return true;
	return false;
}

const char *docgen_next_group(const struct command *const **at, size_t *ret_len)
{
	for (; **at; (*at)++) {
		const char *name = (**at)->name;
		size_t len = strcspn(name, " ");

		if ((**at)->hidden || !name[len] || group_seen_before(*at, len))
			continue;
		*ret_len = len;
		(*at)++;
		return name;
	}
	return NULL;
}

static bool is_about_containers(const struct command *cmd)
{
	bool is_member =
		strcmp(cmd->group, "Containers") == 0 || (cmd->complete && strcmp(cmd->complete, "container") == 0);

	return is_member && !cmd->hidden && !strchr(cmd->name, ' ') && strcmp(cmd->name, "ps") != 0;
}

/* Behind the listed ones, "container WORD" is every command about containers: AT counts on from ALIASES_MAX. */
enum { ALIASES_MAX = 1000 };

const char *docgen_next_other_name(const char *name, size_t len, size_t *at, const struct command **ret)
{
	autofree char *group = strndup(name, len);
	const char *word = group && *at < ALIASES_MAX ? command_next_alias(group, at, ret) : NULL;

	if (word || !group || strcmp(group, "container") != 0)
		return word;
	if (*at < ALIASES_MAX)
		*at = ALIASES_MAX;
	while (all_commands[*at - ALIASES_MAX]) {
		*ret = all_commands[(*at)++ - ALIASES_MAX];
		if (is_about_containers(*ret))
			return (*ret)->name;
	}
	return NULL;
}

void docgen_join_words(char *name, char joint)
{
	for (; *name; name++)
		if (*name == ' ')
			*name = joint;
}

static void print_page(FILE *f, const struct command *cmd)
{
	if (cmd)
		manpage_print_command(f, cmd);
	else
		manpage_print_overview(f);
}

static void print_oci_page(FILE *f, const struct command *cmd)
{
	(void)cmd;
	manpage_print_oci(f);
}

/* NAME is changed: "cloche-volume create" is a page's, whose file has a dash there. */
static int write_page(int dir_fd, char *name, void (*print)(FILE *f, const struct command *cmd),
		      const struct command *cmd, struct err *err)
{
	autofree char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return err_oom(err);
	docgen_join_words(name, '-');
	print(f, cmd);
	if (fclose(f) != 0)
		return err_oom(err);
	return fs_write_file(dir_fd, name, text, size, 0644, 0, err);
}

static int write_manual(int dir_fd, const struct command *cmd, struct err *err)
{
	autofree char *name = cmd ? str_format("cloche-%s.1", cmd->name) : str_format("cloche.1");

	return name ? write_page(dir_fd, name, print_page, cmd, err) : err_oom(err);
}

static int write_pages(int dir_fd, const struct command *const *at, struct err *err)
{
	const struct command *cmd;
	int r = 0;

	while (r >= 0 && (cmd = docgen_next_command(&at)))
		r = write_manual(dir_fd, cmd, err);
	return r;
}

static int write_manuals(const char *dir, struct err *err)
{
	autoclose int dir_fd = fs_open_dir_make(AT_FDCWD, dir, 0755, err);
	char oci_name[] = "cloche-oci.1";
	int r = dir_fd < 0 ? dir_fd : write_manual(dir_fd, NULL, err);

	if (r >= 0)
		r = write_pages(dir_fd, all_commands, err);
	if (r >= 0)
		r = write_pages(dir_fd, all_topics, err);
	return r < 0 ? r : write_page(dir_fd, oci_name, print_oci_page, NULL, err);
}

int main(int argc, char **argv)
{
	struct err err = { 0 };
	const char *kind = argc > 1 ? argv[1] : "";

	this_program = &program_cloche;
	if (strcmp(kind, "man") == 0 && argc == 3)
		write_manuals(argv[2], &err);
	else if (strcmp(kind, "bash") == 0)
		completion_print_bash(stdout);
	else if (strcmp(kind, "bash-oci") == 0)
		completion_print_oci(stdout);
	else if (strcmp(kind, "zsh") == 0)
		completion_print_zsh(stdout);
	else if (strcmp(kind, "fish") == 0)
		completion_print_fish(stdout);
	else
		err_set(&err, EINVAL, "usage: docgen man DIR, docgen bash, docgen bash-oci, docgen zsh, docgen fish");
	if (err.code == 0 && fflush(stdout) != 0)
		err_errno(&err, errno, "write to stdout");
	if (err.code)
		err_print(stderr, &err);
	return err.code ? 1 : 0;
}
