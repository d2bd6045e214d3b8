#include "cli/command.h"

#include <string.h>

extern const struct command cmd_build, cmd_builder, cmd_export, cmd_history, cmd_images, cmd_import, cmd_inspect,
	cmd_load, cmd_rmi, cmd_save, cmd_tag;
extern const struct command cmd_commit, cmd_diff, cmd_doctor, cmd_ps, cmd_rm, cmd_run;
extern const struct command cmd_help, cmd_namespaces, cmd_top, cmd_version;

const struct command *const all_commands[] = {
	&cmd_run,	 &cmd_ps,     &cmd_rm,	   &cmd_commit, &cmd_build,   &cmd_builder, &cmd_images,  &cmd_load,
	&cmd_import,	 &cmd_save,   &cmd_export, &cmd_tag,	&cmd_rmi,     &cmd_history, &cmd_inspect, &cmd_diff,
	&cmd_namespaces, &cmd_doctor, &cmd_top,	   &cmd_help,	&cmd_version, NULL,
};

const struct command *command_find(const char *name)
{
	for (size_t i = 0; all_commands[i]; i++)
		if (strcmp(all_commands[i]->name, name) == 0)
			return all_commands[i];
	return NULL;
}
