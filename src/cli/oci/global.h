/* The options of cloche-oci that every command has, and what follows from them. */
#pragma once

#include "cli/command.h"
#include "lifecycle/create.h"

struct oci_globals {
	bool help, debug, version, systemd_cgroup;
	const char *root, *log, *log_format, *cgroup_manager, *rootless, *criu;
};
extern struct oci_globals oci_globals;
extern const struct program program_oci;

/* What is wrong with their values. */
int oci_globals_check(struct err *err);
/* The folder of all containers. */
int oci_open_root(struct err *err);
/* Sets what global options say of a container that is made. */
int oci_set_group(struct life_create *c, struct err *err);
/* Prints the overview that `--help` shows. */
void oci_print_overview(FILE *f);

/* Errors and warnings go to stderr and, as runc and crun write them, to --log: that is where engines look. */
void oci_report(const struct err *err);
void oci_warn(const struct err *err);
/* Opens the log, and says whether it can be written. */
int oci_log_check(struct err *err);

/* What every command returns on failure; engines and shells see it. */
enum { OCI_EXIT_FAILED = 1 };
