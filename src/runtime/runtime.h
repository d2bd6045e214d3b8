/*
 * One container's process: it starts exactly what an OCI config.json says.
 *
 * One clone3 makes the process with all its namespaces; it becomes pid 1 there. It then goes through a
 * list of small steps (steps.c has the order: mounts, devices, root, names, identity), each of which is
 * system calls and no more, and reports the stage and errno of a failure through a socket. The last step
 * replaces our program by `init`, a program of a few KB in a sealed memory file, which execs the user's
 * program: nothing in the container ever has a handle to our own executable.
 *
 *     caller                                   pid 1 of the container
 *     runtime_create   --- clone3 --------->   (user namespace: waits for maps written from outside)
 *                      <-- listener ---------  installs the interceptor's filter
 *     on_listener()                            goes on; whoever listens answers its next calls
 *                      <-- console ----------  allocates the terminal
 *                      <-- ready ------------
 *     runtime_start    --- start ----------->  exec of init, exec of the program
 *                      <-- end of file, or why the program could not be executed
 *     waits on pidfd
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "oci/spec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * What runtime_create returns (negated) when the kernel refuses the overlay itself (overlay on overlay, a
 * file system without what the upper folder needs): the caller may copy instead. No other failure has it.
 */
enum { RUNTIME_OVERLAY_REFUSED = 52 /* EBADE */ };

enum { RUNTIME_LOWERS_MAX = 500 };

/* Names in /dev of the devices that every container has, NULL at the end. */
extern const char *const runtime_devices[];

/* Calls TELL for each option of a mount that isn't left to its file system: what `features` says. */
void runtime_mount_options(void (*tell)(const char *name, void *arg), void *arg);

/* The same for the words of a seccomp profile. */
enum runtime_seccomp_kind {
	RUNTIME_SECCOMP_ACTIONS,
	RUNTIME_SECCOMP_OPERATORS,
	RUNTIME_SECCOMP_ARCHS,
	RUNTIME_SECCOMP_FLAGS,
	RUNTIME_SECCOMP_KERNEL_FLAGS, /* those that this kernel has too */
};
void runtime_seccomp_names(enum runtime_seccomp_kind kind, void (*tell)(const char *name, void *arg), void *arg);

/* An overlay that the container's process mounts, inside its own namespaces, on the spec's root.path. */
struct runtime_overlay {
	const char *const *lowers; /* topmost first, absolute; 1 to RUNTIME_LOWERS_MAX */
	size_t lowers_len;
	const char *upper, *work; /* both or neither; neither: read-only */
	bool is_volatile; /* never synced: for what is removed afterwards. Leaves work/work/incompat with mode 000 */
};

/* A step of the start, for `run --explain`. The strings live as long as the call. */
struct runtime_step {
	const char *what;   /* "mount /proc" */
	const char *call;   /* the system call in C's form: "mount(\"proc\", \"/proc\", \"proc\", MS_NOSUID, NULL)" */
	const char *effect; /* what it changes for the container, in words; "" if that is plain */
	uint64_t ns;	    /* how long it took */
	int result;	    /* 0 or a negative errno */
};

struct sock_filter;

/* Where a container's process waits for another command to start it (halt.c): two fifos in a folder of the caller's. */
struct runtime_halt {
	int go, report;
};
#define RUNTIME_HALT_INIT ((struct runtime_halt){ -1, -1 })

struct runtime_options {
	const char *bundle;		       /* what a relative root.path is relative to; NULL: the working folder */
	const struct runtime_overlay *overlay; /* NULL: root.path as it is */

	/* What the program gets as 0, 1 and 2 where the spec asks for no terminal; -1: /dev/null. Borrowed. */
	int stdio[3];
	bool give_stdio; /* pipes among them were made for it: its user becomes their owner, as /dev/stdout is opened by name */
	/* Descriptors 3, 4 … for the program; borrowed. */
	const int *extra_fds;
	size_t extra_fds_len;

	bool init;	   /* our init stays as pid 1, reaps, and passes signals on */
	bool keep_keyring; /* no session keyring of its own */
	bool detached;	   /* the container outlives the thread that starts it; else it is killed with it */
	/* runtime_create: the process waits there once runtime_leave was called; borrowed. NULL: runtime_start lets it go. */
	const struct runtime_halt *halt;

	/*
	 * Appends the state (runtime.md, "State") with STATUS and PID for the configuration's hooks up to startContainer,
	 * which are run by the start. Whoever sets it runs those of poststart and poststop. NULL: hooks are refused.
	 */
	int (*hook_state)(const char *status, pid_t pid, struct buf *text, void *arg, struct err *err);
	void *hook_arg;

	/*
	 * A further seccomp filter with a listener, installed before the process takes on its user, groups
	 * and capabilities, so that those calls are already answered by whoever listens. on_listener runs in
	 * the caller; it owns LISTENER (close-on-exec), INIT is the process's pid as the caller sees it. The process waits in its first such
	 * call; a failure ends the start.
	 */
	const struct sock_filter *notify_filter;
	size_t notify_filter_len; /* 0: none */
	int (*on_listener)(int listener, pid_t init, void *arg, struct err *err);
	void *on_listener_arg;

	/*
	 * The control group, where the spec asks for limits: its name (NULL: a made-up one), and who is told where it is, as cgroup_record
	 * has it, before it is made and again when more is known. The caller removes it at the container's end.
	 */
	const char *group_name;
	const char *id;	     /* what a seccomp agent is told; NULL: the last part of the bundle's path */
	bool group_optional; /* without limits, one that this user may not have is done without */
	int (*on_group)(const char *record, void *arg, struct err *err);
	void *on_group_arg;

	/*
	 * Work of the caller's that has to be done before the program is executed: it is done once, while the new process
	 * sets itself up. A failure ends the start. NULL: none.
	 */
	int (*meanwhile)(void *arg, struct err *err);
	void *meanwhile_arg;

	/*
	 * A network that a helper sets up from outside. on_network runs in the caller as soon as the process is in its
	 * namespaces, with a descriptor of that of the network (borrowed) and the process's pidfd; wait_network before the
	 * program is executed. A failure of either ends the start. Both or neither.
	 */
	int (*on_network)(int netns, int pidfd, void *arg, struct err *err);
	int (*wait_network)(void *arg, struct err *err);
	void *network_arg;

	/* Called in the caller for each step; NULL: no tracing. */
	void (*on_step)(const struct runtime_step *step, void *arg);
	void *on_step_arg;

	/* On failure: docker's exit code, 125, 126 (cannot be executed) or 127 (not found). May be NULL. */
	int *exit_code;
};
#define RUNTIME_OPTIONS_INIT ((struct runtime_options){ .stdio = { 0, 1, 2 } })

/* Owned by the caller; container_process_done kills what still runs. */
struct container_process {
	pid_t pid; /* pid 1 of the container, as the caller sees it; a child of the caller: waitpid gives its status */
	int pidfd; /* readable when it has ended */
	int console; /* the terminal's controlling side, or -1 */
	int control; /* runtime_start's; -1 afterwards */
	int mounts; /* its mount namespace, where its pid namespace is not its own: what it leaves behind is ended by that; or -1 */
	/* NULL, or called by container_process_wait when it has ended and its number is not yet free for others. */
	void (*on_end)(void *arg);
	void *on_end_arg;
};
#define CONTAINER_PROCESS_INIT ((struct container_process){ 0, -1, -1, -1, -1, NULL, NULL })

/*
 * Makes the container and leaves it waiting before its program. SPEC and OPTIONS are borrowed for the
 * call and for runtime_start. Errors name the step, the path and the reason.
 */
int runtime_create(const struct oci_spec *spec, const struct runtime_options *options, struct container_process *ret,
		   struct err *err);

/*
 * Lets the program begin; returns when it has been executed. -ENOENT, -EACCES, -ENOEXEC … with
 * *options->exit_code 127 or 126: it could not; the process has then ended and been reaped.
 */
int runtime_start(struct container_process *p, const struct oci_spec *spec, const struct runtime_options *options,
		  struct err *err);

/* runtime_create and runtime_start in one, without the halt between them: two switches of process less. */
int runtime_run(const struct oci_spec *spec, const struct runtime_options *options, struct container_process *ret,
		struct err *err);

/* --- a start by another command (halt.c) --- */

/* Makes the fifos in the folder DIR_FD, which nobody else may enter. */
int runtime_halt_make(int dir_fd, struct runtime_halt *ret, struct err *err);
void runtime_halt_done(struct runtime_halt *h);
/* Removes them. Never fails. */
int runtime_halt_remove(int dir_fd);
/* True if a process waits there: it has not executed its program yet. */
bool runtime_is_halted(int dir_fd);
/* After runtime_create with a halt: from here on the process outlives us. What is to be known of it has been written down. */
int runtime_leave(struct container_process *p, struct err *err);
/*
 * Lets the process PIDFD go that waits in DIR_FD; returns when it has executed the program of SPEC. Errors as runtime_start's.
 * -ESRCH: it has ended.
 */
int runtime_let_go(int dir_fd, int pidfd, const struct oci_spec *spec, int *ret_exit_code, struct err *err);

/*
 * Runs HOOKS of the runtime's namespaces, one after the other, with STATE on their standard input and CWD (NULL: ours) as their
 * working folder. The first that fails ends it, unless GO_ON: then all are run, and it is the first failure that is returned.
 * KIND names them in errors.
 */
int runtime_run_hooks(const struct oci_hook_list *hooks, const char *kind, const char *state, const char *cwd,
		      bool go_on, struct err *err);

/* Pid 1 of a container that runs. */
struct runtime_target {
	pid_t pid; /* as the caller sees it */
	int pidfd;
	int proc_fd; /* the folder /proc/PID, which is surely that process's */
};
#define RUNTIME_TARGET_INIT ((struct runtime_target){ 0, -1, -1 })

/* Takes over PIDFD, also on failure. -ESRCH: it has ended. */
int runtime_target_open(pid_t pid, int pidfd, struct runtime_target *ret, struct err *err);
void runtime_target_done(struct runtime_target *target);

/*
 * A further process in the container TARGET: SPEC is the container's configuration with `process` the new one's, which is
 * what a process.json holds. It joins the namespaces, the control groups and the limits of pid 1, or only those NAMESPACES (CLONE_NEW* flags)
 * if that isn't 0; those that are ours already are left out. It takes
 * on its identity, and executes its program; root is that of the mount namespace. Of OPTIONS, bundle, overlay, init, meanwhile and
 * detached mean nothing: it outlives its caller, as nothing but the container's end ends it. With a filter for
 * intercepted calls, the process waits for on_listener before its first such call, and says nothing itself about its ids.
 */
int runtime_exec(const struct oci_spec *spec, const struct runtime_target *target, uint64_t namespaces,
		 const struct runtime_options *options, struct container_process *ret, struct err *err);

/* Waits for the end, and ends what the process leaves behind. RET_STATUS as in wait(2). Closes the pidfd; the console stays open. */
int container_process_wait(struct container_process *p, int *ret_status, struct err *err);
/* The exit code that docker gives for a wait status: the code itself, or 128 + the signal. */
int container_exit_code(int status);
/* Kills and reaps what still runs, closes all descriptors. */
void container_process_done(struct container_process *p);
