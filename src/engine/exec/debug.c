#include "engine/exec/debug.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "engine/container/running.h"
#include "engine/exec/debug_tools.h"

#include <unistd.h>

static int fill_in(struct run_options *run, const struct running *c, char *const *whose, struct err *err)
{
	run->interactive = true;
	run->tty = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	run->remove = run->quiet = true;
	run->pid = run->network = run->ipc = run->uts = *whose;
	/* To look at a process is what it is for. */
	if (strv_add(&run->cap_add, "SYS_PTRACE") < 0 ||
	    strv_addf(&run->mounts, "type=bind,source=/proc/%d/root,target=" DEBUG_FILES, (int)c->target.pid) < 0 ||
	    strv_addf(&run->labels, "cloche.debug=%s", c->id) < 0)
		return err_oom(err);
	return 0;
}

static void options_done(struct run_options *run)
{
	strv_done(&run->cap_add);
	strv_done(&run->mounts);
	strv_done(&run->labels);
}

int engine_debug(const struct store_options *where, const struct debug_options *options, const char *name,
		 const struct strv *args, const struct run_callbacks *callbacks, int *ret_exit, struct err *err)
{
	CLEANUP(options_done) struct run_options run = { 0 };
	autorunning struct running c = RUNNING_INIT;
	autoengine struct engine e = { 0 };
	autofree char *whose = NULL;
	char id[CONTAINER_ID_MAX];
	int r = engine_open(where->root, where->runroot, &e, err);

	*ret_exit = 125;
	if (r >= 0)
		r = running_open(e.store, name, true, &c, err);
	if (r >= 0 && !options->image)
		r = debug_tools_ensure(&e, err);
	if (r < 0)
		return r;
	store_settle(e.store);
	whose = str_format("container:%s", c.id);
	r = whose ? fill_in(&run, &c, &whose, err) : err_oom(err);
	return r < 0 ? r
		     : run_container(where, &run, options->image ? options->image : DEBUG_TOOLS_IMAGE, args, callbacks,
				     id, ret_exit, err);
}
