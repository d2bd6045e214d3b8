/*
 * What a container's making and its start share. Private to engine/run.
 *
 *     run_create_begin    image, name, folder, config.json and state.json in memory    (image.c, create.c)
 *     run_create_finish   the two are on disk: that is `create`
 *     run_load            a container from disk, as far as a start needs it           (load.c)
 *     run_start           begins a life of what is in the session                     (start.c)
 *     run_end             writes down how it ended, or with --rm removes it           (end.c)
 *
 * `run` is run_create_begin and run_start in one process: nothing that is in memory is read back, and the two files are
 * written while the container's process sets itself up.
 */
#pragma once

#include "base/timefmt.h"
#include "engine/container/attach.h"
#include "engine/container/container.h"
#include "engine/container/userns.h"
#include "engine/image/lazy.h"
#include "engine/layered.h"
#include "engine/run/names.h"
#include "engine/run/network.h"
#include "engine/run/run.h"
#include "engine/run/shares.h"
#include "engine/run/spec.h"
#include "intercept/supervisor.h"
#include "monitor/config.h"
#include "store/image.h"
#include "sys/idmap.h"

/* What somebody asked for on a command line: the image, what follows it, and the options. All borrowed. */
struct run_order {
	const struct run_options *options;
	const char *image;
	const struct strv *args;
};

struct run_session {
	const struct run_callbacks *callbacks;
	bool quiet;
	uint64_t begin_us; /* time_now_us at the beginning */

	struct idmap ids;
	struct container_keep keep;
	char *userns; /* for the record; NULL: the usual map */
	int ids_lock; /* until the record tells whose the ids are; -1: none were chosen */
	struct store *store;
	struct store_image image;
	struct lazy_image lazy; /* where the image has not come yet */
	struct strv lowers;	/* absolute paths, topmost first, the skeleton last */
	int layer_fds[LAYERED_MAX];
	size_t layer_fds_len;

	char id[CONTAINER_ID_MAX];
	char *dir, *files_dir, *rootfs; /* absolute */
	int dir_fd;			/* containers/<id>; -1: not made */
	struct container_live live;
	struct container_record record;
	struct oci_spec spec;
	struct run_mounts mounts; /* of a container that is made: resolved, sorted */
	int volume_locks[RUN_MOUNTS_MAX];
	size_t volume_locks_len;
	struct run_shares shares; /* while it starts */
	bool is_new;		  /* this command has made its folder: without the records, that is nobody's */
	bool is_written;	  /* config.json and state.json are on disk; else run_start writes them */
	bool is_copy;		  /* its root is a folder of its own, rootfs/, since the kernel refused an overlay */
	struct timespec started;
	int64_t restarts; /* by its policy, since somebody started it */

	struct intercept_helper supervisor; /* of emulated ids; only where one id is mapped */
	struct network_life network;	    /* the helper of a private one */
};
#define RUN_SESSION_INIT(cb)                                                                                           \
	((struct run_session){ .callbacks = (cb),                                                                      \
			       .begin_us = time_now_us(),                                                              \
			       .ids_lock = -1,                                                                         \
			       .dir_fd = -1,                                                                           \
			       .live = CONTAINER_LIVE_INIT,                                                            \
			       .lazy = LAZY_IMAGE_INIT,                                                                \
			       .supervisor = INTERCEPT_HELPER_INIT,                                                    \
			       .network = NETWORK_LIFE_INIT })

void run_session_done(struct run_session *s);
/* Whose ids, which store. */
int run_session_open(struct run_session *s, const struct store_options *store, struct err *err);

/* The paths of the container s->id, and the folder of live state. */
int run_session_set_paths(struct run_session *s, struct err *err);

/* --- image.c --- */

/* The image of the order, its platform, layers and lowers: reads only, but for layers that are unpacked first. */
int run_open_image(struct run_session *s, const struct run_order *order, struct err *err);
/* The layers of s->image for the session's map of ids, unpacked where they aren't, and opened; and what undoes that. */
int run_find_layers(struct run_session *s, struct err *err);
void run_drop_layers(struct run_session *s);
/* A process that guards the container: supervisor, lazy image, or both as one. -1: none; owned by the caller. */
int run_lazy_guard(const struct run_session *s, struct err *err);
/* The image that the record names by its manifest. */
int run_open_recorded_image(struct run_session *s, struct err *err);

/* --- create.c --- */

/* Those options that can be judged before there is a store, and whose ids: first of all. */
int run_create_check(struct run_session *s, const struct run_options *o, struct err *err);
/*
 * Image, ID, name, lock, folders, spec and record. From the moment where s->dir_fd is set there is something to clean up
 * (run_end).
 */
int run_create_begin(struct run_session *s, const struct run_order *order, struct err *err);
/* The work folder of its overlay, in the container's. */
int run_make_work(struct run_session *s, struct err *err);
/* On disk as made and not started. */
int run_create_finish(struct run_session *s, struct err *err);
/* Writes config.json and state.json; once only. */
int run_write_records(struct run_session *s, struct err *err);

/* --- userns.c --- */

/*
 * The map of ids, where it depends on the image (--userns auto) or on another container whose user namespace is shared: before
 * the layers are looked for, which are those for the map. Else nothing is done.
 */
int run_userns_settle(struct run_session *s, const struct run_options *o, struct err *err);

/* --- load.c --- */

/*
 * Locks the container s->id and reads what a start needs. -EBUSY: it is alive. If s->live is its lock already, it is its monitor
 * that starts it again.
 */
int run_load(struct run_session *s, struct err *err);

/* --- mounts_resolve.c --- */

/* s->mounts and the record's mounts: volumes are made, filled and held, images opened. The container's folder is there. */
int run_mounts_prepare(struct run_session *s, const struct run_options *o, const char *cwd, struct err *err);
/* Holds the volumes of the record, for a start. -ENOENT: one is gone. */
int run_mounts_hold(struct run_session *s, struct err *err);
/* Lets go of the volumes. */
void run_mounts_release(struct run_session *s);

/* --- name_files.c --- */

/* A descriptor of <runroot>/files/<id>, which is made if it isn't there. */
int run_open_files(const struct run_session *s, struct err *err);
/* hosts, hostname and resolv.conf, new for each life. */
int run_write_name_files(const struct run_session *s, struct err *err);
/* Takes the published ports on the host and gives them to the network's helper, where there is one. */
int run_open_network(struct run_session *s, struct err *err);

/* --- start.c --- */

/*
 * Starts the supervisor of ids and the network's helper, where the record asks for them. To be called as early as may be: their
 * exec and what we do go on side by side. Without it run_start does it.
 */
int run_begin_helpers(struct run_session *s, struct err *err);

struct run_stdio {
	int fds[3]; /* what the program gets as 0, 1 and 2 where it has no terminal; -1: /dev/null */
	bool ours;  /* made for it: given to its user, who may open /dev/stdout by name */
};
/* Begins a life. On failure *RET_EXIT is docker's code, and the session goes to run_end. */
int run_start(struct run_session *s, const struct run_stdio *stdio, struct container_process *ret, int *ret_exit,
	      struct err *err);

/* --- background.c --- */

/* What the command has of a container that it has put into the background. */
struct run_background {
	int sock;  /* to the monitor */
	int pidfd; /* of pid 1 */
	pid_t pid;
};
#define RUN_BACKGROUND_INIT ((struct run_background){ -1, -1, 0 })
void run_background_done(struct run_background *b);

/*
 * Starts what is in the session by a child of ours, which becomes its monitor. The session then is the child's: here, all that
 * is left to do is run_session_done. On failure the child has ended the session (run_end), and *RET_EXIT is docker's code.
 */
int run_start_monitored(struct run_session *s, struct run_background *ret, int *ret_exit, struct err *err);
/*
 * Does the same in this very process, which has been the monitor before: LISTEN is its socket. STATE has its restarts. Returns
 * only on failure, with *RET_EXIT as docker's code.
 */
int run_start_again(struct run_session *s, int listen, const struct restart_state *state, int *ret_exit,
		    struct err *err);
/*
 * What follows such a failure, with EXIT_CODE, of which ERR tells: becomes the monitor of a life that could not begin, which
 * decides whether there will be another. C is what it has been as a monitor. Returns only on failure.
 */
int run_fail_again(struct run_session *s, const struct monitor_config *c, int exit_code, struct err *err);

/* --- begin.c --- */

/* How the command stays with a container that it has put into the background. */
struct run_staying {
	bool input, pass_signals;
	uint32_t wants; /* enum attach_want */
	struct detach_keys keys;
};
/* Stays until its end or until the keys are typed (0); returns the exit code. */
int run_stay(struct run_background *b, const struct container_record *r, const struct run_staying *how,
	     struct err *err);
/* "true" or "false", NULL: true. */
int run_parse_sig_proxy(const char *word, bool *ret, struct err *err);
/* What the container loses when its user logs out, if it does: told by run_notice. */
void run_warn_of_logout(const struct run_session *s);

/* --- end.c --- */

/*
 * Its life has ended, or it could not be started (WHY): writes that down, or removes it, as what could not be made to the end is
 * too. Lets go of the lock.
 */
void run_end(struct run_session *s, int exit_code, const struct err *why);

/* --- session.c --- */

/* Reports a step that began at START_US (time_now_us). */
void run_report(const struct run_session *s, uint64_t start_us, const char *what, const char *call, const char *effect);
void run_tell(const struct run_session *s, bool even_if_quiet, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
#define run_notice(s, ...) run_tell(s, false, __VA_ARGS__)
