/* What `create` and `run` share. */
#pragma once

#include "cli/oci/global.h"

struct oci_create_options {
	const char *bundle, *config, *console_socket, *pid_file, *preserve_fds;
	bool no_pivot, no_new_keyring, detach, keep, no_subreaper;
};

/* clang-format off */
#define OCI_CREATE_OPTIONS \
	OPTION_STRING("bundle", 'b', struct oci_create_options, bundle, "DIR", "the bundle, instead of the working folder", "dir"), \
	OPTION_STRING("config", 'f', struct oci_create_options, config, "FILE", "in it, instead of config.json", "file"), \
	OPTION_STRING("console-socket", 0, struct oci_create_options, console_socket, "PATH", \
		      "a unix socket that takes the terminal's other side", "file"), \
	OPTION_STRING("pid-file", 0, struct oci_create_options, pid_file, "FILE", "write the process's number there", "file"), \
	OPTION_STRING("preserve-fds", 0, struct oci_create_options, preserve_fds, "N", \
		      "descriptors from 3 on that the program gets, besides those of LISTEN_FDS", NULL), \
	OPTION_FLAG("no-pivot", 0, struct oci_create_options, no_pivot, "refused: a root that is not pivoted can be left"), \
	OPTION_FLAG("no-new-keyring", 0, struct oci_create_options, no_new_keyring, \
		    "keep the session keyring, keys and all")
/* clang-format on */

/* What they say, as the making takes it. */
int oci_create_from(const struct oci_create_options *o, struct life_create *ret, struct err *err);
