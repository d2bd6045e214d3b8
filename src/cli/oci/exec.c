/* `exec`. */
#include "cli/oci/global.h"

#include "base/num.h"
#include "lifecycle/exec.h"
#include "runtime/console.h"
#include "sys/signals.h"

#include <errno.h>
#include <unistd.h>

struct exec_options {
	const char *process, *cwd, *user, *console_socket, *pid_file, *preserve_fds;
	const char *process_label, *apparmor, *cgroup;
	struct strv env, caps, additional_gids;
	bool tty, detach, no_new_privs, ignore_paused, no_subreaper;
};

static const struct option table[] = {
	OPTION_STRING("process", 'p', struct exec_options, process, "FILE", "a process.json that says it all", "file"),
	OPTION_STRING("cwd", 0, struct exec_options, cwd, "DIR", "the working folder in the container", NULL),
	OPTION_LIST("env", 'e', struct exec_options, env, "NAME=VALUE", "set in the environment", NULL),
	OPTION_FLAG("tty", 't', struct exec_options, tty, "give it a terminal"),
	OPTION_STRING("user", 'u', struct exec_options, user, "UID[:GID]", "who it is", NULL),
	OPTION_LIST("additional-gids", 'g', struct exec_options, additional_gids, "GID", "a further group", NULL),
	OPTION_FLAG("detach", 'd', struct exec_options, detach, "return when the program has begun"),
	OPTION_STRING("pid-file", 0, struct exec_options, pid_file, "FILE", "write the process's number there", "file"),
	OPTION_STRING("console-socket", 0, struct exec_options, console_socket, "PATH",
		      "a unix socket that takes the terminal's other side", "file"),
	OPTION_LIST("cap", 'c', struct exec_options, caps, "CAP", "a further capability", NULL),
	OPTION_FLAG("no-new-privs", 0, struct exec_options, no_new_privs, "setuid programs give it nothing"),
	OPTION_STRING("preserve-fds", 0, struct exec_options, preserve_fds, "N",
		      "descriptors from 3 on that the program gets", NULL),
	OPTION_FLAG("ignore-paused", 0, struct exec_options, ignore_paused,
		    "also in a paused container, where it stands still with the others"),
	OPTION_STRING("process-label", 0, struct exec_options, process_label, "LABEL", "refused: SELinux's label",
		      NULL),
	OPTION_STRING("apparmor", 0, struct exec_options, apparmor, "PROFILE", "refused: AppArmor's profile", NULL),
	OPTION_STRING("cgroup", 0, struct exec_options, cgroup, "PATH", "refused: a group below the container's", NULL),
	OPTION_FLAG("no-subreaper", 0, struct exec_options, no_subreaper, "taken and not needed: nothing is adopted"),
	OPTION_END,
};

static int refuse(const char *option, struct err *err)
{
	return err_set(err, EOPNOTSUPP, "exec --%s is not supported", option);
}

static int check(const struct exec_options *o, struct life_exec *e, struct err *err)
{
	if (o->process_label)
		return refuse("process-label", err);
	if (o->apparmor)
		return refuse("apparmor", err);
	if (o->cgroup)
		return refuse("cgroup", err);
	if (o->preserve_fds && num_parse_u32(o->preserve_fds, 1 << 16, &e->preserve_fds) < 0)
		return err_set(err, EINVAL, "--preserve-fds '%s' is no number", o->preserve_fds);
	return 0;
}

/* A process that outlives us is its starter's by then: who called us adopts it. */
static int finish(struct container_process *p, bool detach, struct err *err)
{
	const struct console_options c = { .in = 0, .out = 1, .interactive = true, .pass_signals = true };
	int status;

	if (detach)
		return 0;
	return console_run(p, &c, &status, err) < 0 ? -1 : container_exit_code(status);
}

static int run_exec(const void *options, const struct strv *args, struct err *err)
{
	const struct exec_options *o = options;
	struct container_process p = CONTAINER_PROCESS_INIT;
	struct strv command = { .items = args->items + 1, .len = args->len - 1 };
	struct life_exec e = { .process = o->process,
			       .args = &command,
			       .env = &o->env,
			       .caps = &o->caps,
			       .additional_gids = &o->additional_gids,
			       .cwd = o->cwd,
			       .user = o->user,
			       .terminal = o->tty,
			       .no_new_privileges = o->no_new_privs,
			       .console_socket = o->console_socket,
			       .pid_file = o->pid_file,
			       .terminal_stays = !o->detach,
			       .ignore_paused = o->ignore_paused };
	int code = 125, root = -1, r = check(o, &e, err);

	if (r == 0)
		r = root = oci_open_root(err);
	if (r < 0)
		return -1;
	if (!o->detach)
		signals_hold();
	r = life_exec(root, args->items[0], &e, &p, &code, err);
	if (r == 0)
		return finish(&p, o->detach, err);
	if (code != 126 && code != 127)
		return -1;
	oci_report(err);
	return code;
}

const struct command oci_cmd_exec = {
	.name = "exec",
	.summary = "run a further program in a container",
	.usage = "ID [COMMAND [ARG...]]",
	.complete = "container",
	.description = "Without --process the program gets what the container's own has: user, capabilities, "
		       "environment. It ends with "
		       "the program's exit code.",
	.examples = "  $ cloche-oci exec -t demo sh",
	.see_also = "run, ps",
	.options = table,
	.options_size = sizeof(struct exec_options),
	.min_args = 1,
	.max_args = -1,
	.stop_at_args = true,
	.run = run_exec,
};
