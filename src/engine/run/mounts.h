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

enum run_mount_kind {
	RUN_MOUNT_BIND,
	RUN_MOUNT_TMPFS,
	RUN_MOUNT_VOLUME,  /* of the store */
	RUN_MOUNT_IMAGE,   /* an image's files */
	RUN_MOUNT_OVERLAY, /* a folder of the host that is not changed: what is written goes elsewhere */
};

struct run_mount {
	enum run_mount_kind kind;
	char *source;  /* bind, overlay: absolute and clean; of a volume once it is resolved; else NULL */
	char *name;    /* of the volume (NULL: one is made for this container), of the image as it was said */
	char *target;  /* absolute and clean, never "/" */
	char *subpath; /* of a volume or an image; relative and clean; NULL: all of it */
	char *mode;    /* -v's modes as they were said; NULL: none were */
	bool read_only;
	bool read_only_top;	     /* read_only covers the top mount only, not those below it */
	bool nonrecursive;	     /* without the mounts below SOURCE */
	bool create_source;	     /* -v makes a missing source, --mount doesn't */
	bool relabel;		     /* z or Z was asked */
	bool no_copy;		     /* the image's files don't go into an empty volume */
	bool chown;		     /* U: the source is given to the container's user */
	bool anonymous;		     /* a volume without a name, once it is resolved */
	bool is_soft;		     /* of the image or another container: one of the user's on the same target wins */
	const char *propagation;     /* static: "rprivate" unless asked otherwise */
	char *flags;		     /* further ones, "noexec,nosuid"; NULL: none */
	char *tmpfs_options;	     /* as of mount(8), without blanks; of a tmpfs only */
	char *upper, *work;	     /* of an overlay; NULL: in the container's own folder */
	struct strv labels, options; /* of a volume that is made for it: key, value … */
	struct strv lowers;	     /* of an image, once it is resolved: absolute, topmost first */
};

DEFINE_VEC(run_mounts, struct run_mount)

void run_mount_done(struct run_mount *m);
void run_mounts_done(struct run_mounts *v);
/* A mount on /a before one on /a/b. */
void run_mounts_sort(struct run_mounts *v);

/* [SOURCE:]TARGET[:MODES]; a relative SOURCE ("./x", "../x", ".") counts from CWD, a bare word is a volume's name. -EINVAL. */
int run_parse_volume(const char *spec, const char *cwd, struct run_mount *ret, struct err *err);
/* "type=bind,source=…,target=…[,…]", with the quotes of a line of CSV. */
int run_parse_mount(const char *spec, const char *cwd, struct run_mount *ret, struct err *err);
/* "TARGET[:OPTIONS]" */
int run_parse_tmpfs(const char *spec, struct run_mount *ret, struct err *err);

struct run_options;
/* -v, --mount and --tmpfs of O, appended to RET; two on one target are a mistake. */
int run_mounts_collect(const struct run_options *o, const char *cwd, struct run_mounts *ret, struct err *err);

struct run_device {
	char *source, *target; /* absolute, clean; owned */
	char access[4];	       /* some of "rwm" */
};

void run_device_done(struct run_device *d);
/* "SOURCE[:TARGET[:rwm]]" */
int run_parse_device(const char *spec, struct run_device *ret, struct err *err);
