/* A container's making and its start. */
#pragma once

#include "lifecycle/life.h"
#include "runtime/runtime.h"

struct life_create {
	const char *bundle;	    /* a folder; NULL: the working folder */
	const char *config;	    /* the file in it; NULL: config.json */
	const char *console_socket; /* who gets the terminal; NULL: *ret_process has it */
	const char *pid_file;	    /* NULL: none */
	uint32_t preserve_fds;	    /* 3, 4 … of ours for the program; LISTEN_FDS of the environment are added */
	bool keep_keyring;
	bool no_group;				   /* the configuration's control group and limits are left alone */
	bool needs_slice;			   /* linux.cgroupsPath has to be systemd's form */
	bool group_optional;			   /* as runtime_options has it */
	int *exit_code;				   /* set on failure, as life_start sets it; may be NULL */
	void (*on_warning)(const struct err *err); /* what isn't done, though nothing fails; may be NULL */
	bool terminal_stays;			   /* without a console socket: the caller serves the terminal */
};

/*
 * Makes the container ID and leaves its process halted before its program; it outlives us. After a failure nothing is left of it.
 * RET_PROCESS (may be NULL) is its process, as a child of ours.
 */
int life_create(int root_fd, const char *id, const struct life_create *c, struct container_process *ret_process,
		struct err *err);

/* Lets its program begin. *RET_EXIT_CODE (may be NULL) on failure: 126, 127 as a shell has it, else 125. */
int life_start(int root_fd, const char *id, int *ret_exit_code, struct err *err);

/* Sends the terminal CONSOLE over the unix socket PATH. */
int life_send_console(const char *path, int console, struct err *err);
/* Writes PID as text, whole or not at all. */
int life_write_pid_file(const char *path, pid_t pid, struct err *err);
/*
 * How many of our descriptors from 3 on a program gets: PRESERVE and, unless RET_LISTEN is NULL, $LISTEN_FDS; FDS has room for 128.
 * -EBADF: one is closed.
 */
int life_extra_fds(uint32_t preserve, int *fds, size_t *ret_len, uint32_t *ret_listen, struct err *err);
