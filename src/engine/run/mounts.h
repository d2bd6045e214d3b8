/*
 * -v, --mount, --tmpfs and --device: the words of docker's command line become mounts to make.
 *
 * The forms are those of docker's reference (docs.docker.com, "docker container run": volume, mount,
 * tmpfs, device). These functions look at text only; whether a source exists is asked later.
 */
#pragma once

#include "base/err.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stddef.h>

enum { RUN_MOUNTS_MAX = 256, RUN_MOUNT_SPEC_MAX = 16 * 1024 };

enum run_mount_kind { RUN_MOUNT_BIND, RUN_MOUNT_TMPFS };

struct run_mount {
	enum run_mount_kind kind;
	char *source; /* absolute and clean; NULL for a tmpfs */
	char *target; /* absolute and clean, never "/" */
	bool read_only;
	bool read_only_top;	 /* read_only covers the top mount only, not those below it */
	bool nonrecursive;	 /* without the mounts below SOURCE */
	bool create_source;	 /* -v makes a missing source, --mount doesn't */
	bool relabel;		 /* z or Z was asked */
	const char *propagation; /* static: "rprivate" unless asked otherwise */
	char *tmpfs_options;	 /* as of mount(8), without blanks; NULL for a bind */
};

DEFINE_VEC(run_mounts, struct run_mount)

void run_mount_done(struct run_mount *m);
void run_mounts_done(struct run_mounts *v);

/* "SOURCE:TARGET[:MODES]"; a relative SOURCE ("./x", "../x", ".") counts from CWD. -EINVAL; named volumes: -EOPNOTSUPP. */
int run_parse_volume(const char *spec, const char *cwd, struct run_mount *ret, struct err *err);
/* "type=bind,source=…,target=…[,…]", with the quotes of a line of CSV. */
int run_parse_mount(const char *spec, const char *cwd, struct run_mount *ret, struct err *err);
/* "TARGET[:OPTIONS]" */
int run_parse_tmpfs(const char *spec, struct run_mount *ret, struct err *err);

struct run_device {
	char *source, *target; /* absolute, clean; owned */
	char access[4];	       /* some of "rwm" */
};

void run_device_done(struct run_device *d);
/* "SOURCE[:TARGET[:rwm]]" */
int run_parse_device(const char *spec, struct run_device *ret, struct err *err);
