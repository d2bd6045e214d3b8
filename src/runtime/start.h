/*
 * Inside the runtime: the context of one start, shared by the caller, who prepares it, and by the new
 * process, a copy of the caller, which goes through the steps with it. The new process only makes system
 * calls: whatever needs memory or can be looked up beforehand is prepared.
 */
#pragma once

#include "base/err.h"
#include "cgroup/group.h"
#include "runtime/runtime.h"
#include "sys/caps.h"
#include "sys/idmap.h"

#include <linux/filter.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

enum planned_kind {
	PLAN_FS,      /* a new file system of `type` */
	PLAN_BIND,    /* `source`, a path outside */
	PLAN_SYSFS,   /* new, or the machine's own where that is refused */
	PLAN_CGROUP,  /* cgroup2, or an empty folder where that is refused */
	PLAN_OVERLAY, /* of the folders that lowerdir+= options name */
};

/* A mount of the spec with its options understood. */
struct planned_mount {
	enum planned_kind kind;
	const char *type;
	char *destination;			 /* clean and absolute */
	char *source;				 /* PLAN_BIND: absolute */
	char *data;				 /* PLAN_FS: the file system's own options */
	const char *device;			 /* PLAN_FS: what mount(2) calls the source. Borrowed */
	unsigned long flags;			 /* PLAN_FS: MS_*; MS_REMOUNT: of any kind */
	uint64_t attr_set, attr_clear;		 /* MOUNT_ATTR_* for this mount */
	uint64_t recursive_set, recursive_clear; /* for it and all below */
	uint64_t propagation;			 /* MS_PRIVATE … | MS_REC; 0: private */
	bool recursive;				 /* rbind */
	bool copy_up;				 /* tmpcopyup: what the tmpfs hides is copied into it */
	bool copy_symlink;			 /* a source that is a link becomes such a link */
	bool source_nofollow, place_nofollow;	 /* links themselves are mounted, or mounted on */
	bool id_mapped, id_mapped_recursive;	 /* owners shifted, by mapped_tree */
	int mapped_tree;			 /* the source, mapped and attached nowhere; -1: none */
	int early_tree;			/* in the new process: the source while it is still a peer of the machine's */
	const char *subpath;		/* of what is mounted, looked up inside it; NULL: all of it. Borrowed */
	struct runtime_overlay overlay; /* PLAN_OVERLAY; `lowers` is owned, what it points to borrowed */
	const char *foreign_path;	/* of the source, in the mount namespace foreign_ns; NULL: it is ours */
	int foreign_ns, foreign_tree;	/* the tree is there once it is fetched, by the joiner; -1: none */
};

struct joined_namespace {
	const char *type, *path;
	int fd;	      /* opened by the caller */
	int flag;     /* CLONE_NEW* */
	bool entered; /* by the joiner */
};

enum { NAMESPACES_MAX = 8, EXTRA_FDS_MAX = 128, START_PATH_MAX = 512, START_CALL_MAX = 768 };

/* What goes from the new process to the caller, one message each, with a descriptor where the kind says so. */
enum start_kind {
	START_FAILED,
	START_EXEC_FAILED,
	START_STEP,
	START_LISTENER,
	START_SECCOMP, /* the listener of the profile itself */
	START_CONSOLE,
	START_NETWORK,
	START_PREPARED,
	START_READY,
	START_MOUNTS, /* the mount namespace, where the pid namespace is not its own */
	START_HOOKS,  /* the caller's turn to run hooks */
	START_CLONED, /* by a process between: code is the pid of the new one, with its pidfd */
};

struct start_message {
	uint32_t kind;
	int32_t code; /* errno, or a step's result */
	uint64_t ns;
	char what[64];
	char path[START_PATH_MAX];
	char effect[160];	   /* of a step; of a failure what the kernel says besides errno */
	char call[START_CALL_MAX]; /* steps only */
};

/* What init writes when it can't execute: a start_message cut after these. */
struct start_exec_failure {
	uint32_t kind; /* START_EXEC_FAILED */
	int32_t code;
};

struct start {
	const struct oci_spec *spec;
	const struct runtime_options *options;

	/* Prepared by the caller (prepare.c). */
	uint64_t clone_flags;
	bool new_time;	     /* a time namespace, which clone3 can't make with offsets */
	uint64_t late_flags; /* of these, what the new process makes by itself while others map its ids */
	struct joined_namespace joined[NAMESPACES_MAX];
	size_t joined_len;
	bool in_userns;	    /* a new one, or one that is joined */
	bool groups_denied; /* setgroups(2) is forbidden in there */
	bool copies_up;	    /* some mount is a tmpfs with a copy of what it hides */
	bool foreign;	    /* some mount comes out of another mount namespace */
	struct idmap ids;
	bool own_maps;
	char *bundle, *root;		       /* absolute */
	const struct runtime_overlay *overlay; /* NULL: the root is a folder as it is */
	struct planned_mount *mounts;
	size_t mounts_len;
	char **device_sources; /* nodes of the machine, one for each of the spec's devices, where they are bound */
	bool dev_is_foreign;   /* something was mounted on /dev that isn't ours to fill */
	struct cap_state caps;
	struct sock_filter *filter_owned;
	const struct sock_filter *filter; /* NULL: none */
	size_t filter_len;
	unsigned filter_flags;
	bool filter_notifies, filter_installed;
	char **init_argv; /* for exec; ends with NULL */
	int init_fd;	  /* the sealed memory file */
	bool wait_for_start;
	bool has_hooks;
	int creating_state, created_state; /* memory files with the state for hooks, or -1 */
	char *cwd;
	uint64_t root_propagation;	     /* MS_SHARED … | MS_REC; 0: private */
	const struct runtime_target *target; /* the container that is entered (enter.c); NULL: a new one is made */
	bool is_member;			     /* with its limits and control groups, not just some namespaces */
	int *cgroups;			     /* "cgroup.procs" of the control groups to enter; ends with -1 */
	struct oci_resources resources;
	struct cgroup group;
	struct cgroup_settings settings;
	bool has_group;	     /* the container has a control group of its own */
	bool limits_outside; /* the caller sets them */
	bool is_attended; /* the new process waits until it is in there, and what else only its caller may do is done */
	bool new_cgroup;  /* a control group namespace, to be made there */
	bool group_made, group_kept; /* there is something to remove; the start has succeeded */

	/* ahead.c */
	bool is_outsider; /* our own id may be none of its user namespace's */
	struct runtime_overlay overlay_ahead;
	const char **lowers_ahead;
	char *names_ahead; /* of descriptors, names_used of them */
	size_t names_used;

	/* The two ends of the socket. */
	int caller_end, child_end;

	/* In the new process. */
	int root_fd;
	int go, report;	      /* of the halt, or -1 */
	bool reports_by_fifo; /* child_end is that, no more the socket */
	int terminal;	      /* the program's side, or -1 */
	bool tracing;
	uint64_t last_ns;
	int failed_code;
	const char *failed_what;
	char failed_path[START_PATH_MAX];
	char failed_detail[160]; /* what the kernel says besides, or "" */
};

/* --- prepare.c, the caller --- */

/* Fills in ST (zeroed before) from its spec and options; refuses what this runtime can't do. start_done releases. */
int start_prepare(struct start *st, struct err *err);
void start_done(struct start *st);

/* Of these, what is the program's alone: its capabilities, profile, arguments, and init. */
int start_prepare_process(struct start *st, struct err *err);

/* --- create.c --- */
enum start_until {
	UNTIL_READY = 1, /* before its program, where it was told to wait there */
	UNTIL_EXECUTED,
	UNTIL_CLONED, /* what the process between has to say */
};
/* Follows the new process over P->control until then, or until it fails: with options->exit_code. */
int start_converse(struct start *st, struct container_process *p, enum start_until until, struct err *err);

/* --- ahead.c --- */
/* Decides whether something is to be opened ahead, and makes room for the names. */
int start_prepare_ahead(struct start *st, struct err *err);
void start_done_ahead(struct start *st);
/* The new process, while it still is the caller. */
int start_open_ahead(struct start *st);

/* What the message M, of a failure, says, as an error; sets options->exit_code. */
int start_failure(const struct start *st, struct start_message *m, struct err *err);

/* --- hooks.c --- */
int start_prepare_hooks(struct start *st, struct err *err);
/* The caller's part, when the process is at START_HOOKS. */
int start_serve_hooks(struct start *st, const struct container_process *p, struct err *err);

/* --- enter_cgroup.c --- */
/* Opens what ST->target's control groups are entered by; sets ST->cgroups. */
int start_prepare_cgroups(struct start *st, struct err *err);

/* --- check.c --- */
int start_check(const struct start *st, struct err *err);

/* --- join.c --- */

/* Opens the namespace PATH of TYPE (FLAG: CLONE_NEW*), to be joined. */
int start_prepare_join(struct start *st, const char *type, const char *path, int flag, struct err *err);
/* If M's source is in another process's mount namespace ("/proc/PID/root/…"), opens that. */
int start_prepare_foreign(struct start *st, struct planned_mount *m, struct err *err);
/* True if a namespace of one of the kinds FLAGS is to be joined. */
bool start_joins(const struct start *st, int flags);
/*
 * As spawn_clone, out of the namespaces that are to be joined. The new process goes through start_child and does not
 * return; the caller gets its pid, as a child of its own, or -1 with *RET_FAILURE.
 */
pid_t start_clone_joined(struct start *st, int *ret_pidfd, struct start_message *ret_failure);

/* --- create.c --- */
/* One message, and its descriptor if it has one (-1: none); -ECONNRESET at the end. */
int start_receive(int sock, struct start_message *ret, int *ret_fd);

/* --- group.c --- */
/* Decides on the control group, if there is to be one. */
int start_prepare_group(struct start *st, struct err *err);
/* Makes it and moves the new process PID there. */
int start_make_group(struct start *st, pid_t pid, struct err *err);
void start_done_group(struct start *st);

/* --- devices.c --- */
/* Finds the machine's nodes for the spec's devices, where the container can't make its own. */
int start_prepare_devices(struct start *st, struct err *err);
void start_done_devices(struct start *st);

/* --- plan.c --- */
int start_plan_mounts(struct start *st, struct err *err);

/* --- mount_options.c --- */
/* True if OPTION is known; M is changed by it. */
bool mount_option_apply(struct planned_mount *m, const char *option);
/* "rslave": MS_SLAVE | MS_REC; 0: no such word. */
uint64_t mount_propagation(const char *name);

/* --- mapped.c --- */
/* If M asks for mapped ids: takes its source and maps it. */
int start_prepare_mapped(struct start *st, struct planned_mount *m, const struct oci_mount *src, struct err *err);

/* --- copyup.c --- */
/* Copies all that is below the folder FROM (readable) into the folder TO; stays on FROM's file system. 0 or a negative errno. */
int copy_up(int from, int to);

/* --- listener.c --- */
/* The caller: passes the profile's listener FD of the process PID on; takes FD over. */
int start_pass_seccomp(struct start *st, pid_t pid, int fd, struct err *err);

/* --- profile.c --- */
int start_prepare_seccomp(struct start *st, struct err *err);

/* --- init_image.c --- */
/* The memory file with init in it, close-on-exec; sealed. */
int init_image_open(struct err *err);

/* --- steps.c, the new process --- */

_Noreturn void start_child(struct start *st);

/*
 * A step that failed: remembers what for the report; returns -CODE. WHAT is a literal in words ("mount"),
 * PATH what it was on or NULL.
 */
int start_fail(struct start *st, int code, const char *what, const char *path);

/*
 * For `run --explain`: something was done, since the last such call. WHAT, PATH as in start_fail, EFFECT
 * a sentence's worth of what it means for the container (or ""), then the system call. Costs nothing untraced.
 */
void start_note_slow(struct start *st, int result, const char *what, const char *path, const char *effect,
		     const char *call, ...) __attribute__((format(printf, 6, 7)));
#define start_note(st, ...)                                                                                            \
	do {                                                                                                           \
		if (__builtin_expect((st)->tracing, 0))                                                                \
			start_note_slow(st, __VA_ARGS__);                                                              \
	} while (0)

/* Tells the caller of start_fail's failure and ends the process. */
_Noreturn void start_report_failure(struct start *st);

/* The first LEN bytes of M, with the descriptor FD, or without (-1). 0 or a negative errno. */
int start_send_message(struct start *st, const struct start_message *m, size_t len, int fd);
/* Sends a message of KIND with the descriptor FD, or without (-1). */
int start_send(struct start *st, enum start_kind kind, int fd);
/* Waits for a byte from the caller; -ECANCELED if it is gone. */
int start_wait(struct start *st);

/* Each a file; 0 or start_fail's result. */
int start_reset_signals(struct start *st);    /* steps.c */
int start_become_root(struct start *st);      /* steps.c: of its user namespace */
int start_enter_group(struct start *st);      /* group.c */
int start_enter_time(struct start *st);	      /* namespaces.c */
int start_mount_root(struct start *st);	      /* root.c */
int start_pivot(struct start *st);	      /* root.c */
int start_take_shared(struct start *st);      /* mounts.c: sources that stay joined to the machine's mounts */
int start_mount_all(struct start *st);	      /* mounts.c */
int start_make_devices(struct start *st);     /* devices.c */
int start_hide_paths(struct start *st);	      /* masks.c */
int start_set_names(struct start *st);	      /* names.c: host name, loopback, sysctls */
int start_make_terminal(struct start *st);    /* terminal.c */
int start_arrange_fds(struct start *st);      /* terminal.c */
int start_set_limits(struct start *st);	      /* limits.c */
int start_set_nature(struct start *st);	      /* nature.c */
int start_take_identity(struct start *st);    /* identity.c */
int start_confine(struct start *st);	      /* identity.c */
int start_run_hooks_before(struct start *st); /* hooks.c: with the machine's root */
int start_run_hooks_last(struct start *st);   /* hooks.c: in the container */
int start_halt(struct start *st);	      /* halt.c */
int start_exec(struct start *st);	      /* exec.c: only returns on failure */

/* nature.c: of ourselves, a list of processors (NULL: leaves them). */
int start_set_affinity(struct start *st, const char *list);

/* --- limits.c --- */
/* Refuses limits that don't exist, or are there twice. */
int limits_check(const struct oci_spec *spec, struct err *err);
/* True if only the caller, root, may set them: in its new user namespace the process can't raise any. */
bool limits_are_outside(const struct start *st);
int limits_set_outside(const struct oci_spec *spec, pid_t pid, struct err *err);

/* --- mounts.c --- */
/* A copy of the mount of M's source, attached nowhere yet; -errno. */
int start_clone_source(const struct planned_mount *m);

/* --- terminal.c --- */
/* Descriptor I of 0 to 2 is a pipe that is the container's to have; a file or /dev/null stays whose it is. */
bool start_is_pipe_to_give(const struct start *st, int i);

/* --- root.c --- */
/* Mounts the overlay O on the folder PLACE, by whichever interface this kernel has. 0 or a negative errno. */
int start_make_overlay(struct start *st, const struct runtime_overlay *o, int place);

/* --- place.c: places inside the root --- */

/* Opens (O_PATH) PATH inside the root, making it, a folder or an empty file, where it is missing. */
int place_make(struct start *st, const char *path, bool folder);
/*
 * A copy of the mount of one of the machine's device nodes, attached nowhere yet; -errno. It is read-only, which does not
 * hinder writing to the device, but keeps root of the container from changing the machine's node. FLAGS: AT_EMPTY_PATH.
 */
int place_clone_device(int dir, const char *path, int flags);
/* Attaches the detached mount TREE on the place PLACE (a descriptor). 0 or a negative errno. */
int place_attach(int tree, int place);
