/* A further process in a container of the OCI command line. */
#pragma once

#include "lifecycle/life.h"
#include "runtime/runtime.h"

struct life_exec {
	const char *process; /* a process.json; NULL: what follows changes that of the container */
	const struct strv *args, *env, *caps, *additional_gids;
	const char *cwd, *user; /* "UID", "UID:GID" */
	bool terminal, no_new_privileges;
	const char *console_socket, *pid_file;
	uint32_t preserve_fds;
	bool terminal_stays, ignore_paused;
};

/* Returns when its program has been executed; it is a child of ours. *RET_EXIT_CODE on failure as life_start's. */
int life_exec(int root_fd, const char *id, const struct life_exec *e, struct container_process *ret, int *ret_exit_code,
	      struct err *err);
