#include "engine/exec/exec.h"

#include "base/cleanup.h"
#include "engine/container/running.h"
#include "engine/exec/ids.h"
#include "engine/exec/wait.h"
#include "runtime/console.h"
#include "sys/signals.h"

#include <errno.h>
#include <unistd.h>

/* --- the whole --- */

static int start(struct running *c, const struct exec_options *o, const struct exec_callbacks *callbacks,
		 struct container_process *ret, int *ret_exit, struct err *err)
{
	struct runtime_options options = RUNTIME_OPTIONS_INIT;
	CLEANUP(exec_ids_done) struct exec_ids ids = { 0 };
	int r = exec_ids_prepare(&ids, c, &options, err);

	if (r < 0)
		return r;
	options.stdio[0] = o->interactive && !o->detach ? 0 : -1;
	if (o->detach)
		options.stdio[1] = options.stdio[2] = -1;
	options.on_step = callbacks->on_step;
	options.on_step_arg = callbacks->arg;
	options.exit_code = ret_exit;
	if (!o->detach)
		signals_hold();
	return runtime_exec(&c->spec, &c->target, 0, &options, ret, err);
}

static int exec_in(struct running *c, const struct exec_options *o, const struct strv *args,
		   const struct exec_callbacks *callbacks, int *ret_exit, struct err *err)
{
	struct container_process p = CONTAINER_PROCESS_INIT;
	autoclose int root_fd = -1;
	struct detach_keys keys;
	int r = detach_keys_parse(o->detach_keys, &keys, err);

	if (r < 0)
		return err_wrap(err, "--detach-keys");
	root_fd = o->user ? running_open_root(c, err) : -1;
	if (o->user && root_fd < 0)
		return root_fd;
	r = exec_make_process(&c->spec, root_fd, o, args, ret_exit, err);
	if (r >= 0)
		r = start(c, o, callbacks, &p, ret_exit, err);
	if (r < 0)
		return r;
	return o->detach ? exec_leave(&p, err) : exec_wait(&p, o->interactive, &keys, err);
}

int engine_exec(const struct store_options *where, const struct exec_options *options, const char *name,
		const struct strv *args, const struct exec_callbacks *callbacks, int *ret_exit, struct err *err)
{
	autorunning struct running c = RUNNING_INIT;
	autostore struct store *s = NULL;
	int r = store_open(where, &s, err);

	*ret_exit = 125;
	if (r >= 0)
		r = running_open(s, name, true, &c, err);
	if (r < 0)
		return r;
	store_settle(s);
	return exec_in(&c, options, args, callbacks, ret_exit, err);
}
