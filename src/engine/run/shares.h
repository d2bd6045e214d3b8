/*
 * Namespaces that a container shares with another: --pid, --ipc, --uts, --cgroupns, --userns and --network container:NAME.
 *
 * The record keeps whose they are, by ID (container_record.shares: type, ID, type, ID …, types as in config.json). What they
 * are today, a path /proc/PID/ns/…, is found out at each start. What a container may do in a namespace hangs on the user
 * namespace that owns it, so that is shared as well, where the other has one.
 */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "engine/container/record.h"
#include "engine/container/userns.h"
#include "engine/run/options.h"
#include "oci/spec.h"
#include "store/store.h"
#include "sys/idmap.h"

enum { RUN_SHARES_MAX = 8 };

/*
 * What O asks for, appended to RET. *RET_HOSTNAME becomes the host name of whose UTS namespace is shared (owned by the
 * caller), and stays otherwise. -ENOENT: no such container. -EINVAL: its ids are mapped in another way.
 */
int run_shares_want(struct store *s, const struct run_options *o, const struct idmap *ids, struct strv *ret,
		    char **ret_hostname, struct err *err);
/*
 * If a namespace is shared with a container whose ids are not mapped in the usual way, so are ours (container_userns_of), and
 * *RET_WORD, owned by the caller, becomes its record's word for it.
 */
int run_shares_ids(struct store *s, const struct run_options *o, struct idmap *ids, struct container_keep *keep,
		   char **ret_word, struct err *err);
/* The ID of whose namespace TYPE ("network") is shared; NULL: nobody's. */
const char *run_shares_get(const struct strv *shares, const char *type);

/* While a spec is made: namespaces that are shared get a path that run_shares_open replaces. 0 or -ENOMEM. */
int run_shares_mark(const struct strv *shares, struct oci_spec *spec);

/* Those whom a start relies on. */
struct run_shares {
	struct {
		char id[65];
		int pidfd;
	} with[RUN_SHARES_MAX];
	size_t len;
};
void run_shares_done(struct run_shares *s);

/* Makes the paths in SPEC those of today. -ESRCH: one of the others doesn't run. */
int run_shares_open(struct store *s, const struct strv *shares, struct oci_spec *spec, struct run_shares *ret,
		    struct err *err);
/* Once all paths have been opened: were they those of the others, whose process numbers could be used again? -ESRCH: no. */
int run_shares_check(const struct run_shares *s, struct err *err);
