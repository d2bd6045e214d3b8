/* The last step: our program makes way for init, which makes way for the user's. */
#include "base/cleanup.h"
#include "runtime/start.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* argv[1] of init: what it is to be, and the descriptor that it reports a failure to. See init/init.c. */
static void describe(char dst[static 16], bool stays, int report)
{
	snprintf(dst, 16, "%c%d", stays ? 'i' : 'e', report);
}

int start_exec(struct start *st)
{
	static char what[16];
	static char *const no_env[] = { NULL };
	char *const *env = st->spec->process.env.items ? st->spec->process.env.items : no_env;

	describe(what, st->options->init, st->child_end);
	st->init_argv[1] = what;
	start_note(st, 0, "execute", st->spec->process.args.items[0], "",
		   "execveat(init, \"\", [\"%s\", …], AT_EMPTY_PATH); then execve(\"%s\")", st->init_argv[0],
		   st->spec->process.args.items[0]);
	if (fcntl(st->child_end, F_SETFD, 0) < 0)
		return start_fail(st, errno, "keep the report's descriptor", NULL);
	syscall(SYS_execveat, st->init_fd, "", st->init_argv, env, AT_EMPTY_PATH);
	return start_fail(st, errno, "execute init", NULL);
}
