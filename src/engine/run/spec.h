/*
 * From what was asked (run_options.h) and what the image says to the spec that the runtime starts.
 *
 * The order is fixed by what depends on what: namespaces first (they decide what /sys and /proc are), then
 * the process (its user decides the capabilities), then capabilities and seccomp, then mounts, those of the
 * user last, so that they are on top.
 */
#pragma once

#include "base/err.h"
#include "engine/container/userns.h"
#include "engine/layered.h"
#include "engine/run/mounts.h"
#include "engine/run/options.h"
#include "oci/image.h"
#include "oci/spec.h"
#include "sys/idmap.h"

enum run_network { RUN_NETWORK_HOST, RUN_NETWORK_NONE, RUN_NETWORK_PRIVATE, RUN_NETWORK_CONTAINER };

struct run_request {
	const struct run_options *options;
	const struct strv *args; /* what follows the image on the command line */
	const struct image_config *image;
	const struct layered *layers; /* to look up users */
	const struct idmap *ids;
	const struct container_keep *keep; /* NULL: none */
	const struct strv *env;		   /* of whoever runs us: for -e NAME */
	const char *cwd;		   /* of whoever runs us: for -v ./x */
	const char *id;			   /* the container's */
	const char *rootfs;		   /* absolute path of where its root is mounted */
	const struct run_mounts *mounts;   /* resolved and sorted; NULL: as the options say, without the store */
	const struct strv *shares;	   /* namespaces of others: shares.h; NULL: none */
	const char *files_dir;		   /* absolute folder with hosts, hostname and resolv.conf */
};

/* --network: *RET; private where nothing is said. -EOPNOTSUPP for those that come later. */
int run_spec_network(const struct run_options *o, enum run_network *ret, struct err *err);
/* The name that the container has: --hostname, the host's own, or the beginning of its ID. The caller owns *RET. */
int run_spec_hostname(const struct run_options *o, const char *id, char **ret, struct err *err);
/* How many of the process's arguments are the entry point; the rest is the command. */
int64_t run_spec_entrypoint_len(const struct run_options *o, const struct image_config *image);
/* Fills in RET (empty before); the caller releases it with oci_spec_done, also after an error. */
int run_spec_make(const struct run_request *q, struct oci_spec *ret, struct err *err);

/* Parts of run_spec_make, each in a file of its own. */
int run_spec_set_isolation(const struct run_request *q, struct oci_spec *spec, struct err *err);
int run_spec_set_process(const struct run_request *q, struct oci_spec *spec, struct err *err);
int run_spec_set_security(const struct run_request *q, struct oci_spec *spec, struct err *err);
int run_spec_set_mounts(const struct run_request *q, struct oci_spec *spec, struct err *err);
/* "PREFIX:" or the word itself are what docker gives to join another container: refused by name. */
int run_spec_refuse_later(const char *option, const char *word, struct err *err);
