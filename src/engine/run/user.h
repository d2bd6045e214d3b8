/*
 * --user and the image's USER: names and numbers become ids by the image's own /etc/passwd and /etc/group.
 *
 * The rules are docker's: "USER[:GROUP]", each a name or a number; a name that the files lack is an error, a
 * number is not; without GROUP the user's own group and all groups that list the user.
 */
#pragma once

#include "base/err.h"
#include "base/vec.h"
#include "oci/spec.h"

#include <stddef.h>
#include <stdint.h>

enum { RUN_PASSWD_MAX = 8 << 20, RUN_GROUPS_MAX = 65536 };

struct run_ids {
	uint32_t *items;
	size_t len, cap;
};

struct run_user {
	uint32_t uid, gid;
	struct run_ids groups; /* supplementary */
	char *home;	       /* owned; "/" if passwd doesn't say */
};

void run_user_done(struct run_user *u);
#define autouser CLEANUP(run_user_done)

/* PASSWD and GROUP are the files' texts ("" if they aren't there); SPEC NULL or "" is uid 0; ADD is --group-add. -EINVAL. */
int run_user_resolve(const char *spec, const struct strv *add, const char *passwd, const char *group,
		     struct run_user *ret, struct err *err);

/* P's ids and additional groups become U's. -ENOMEM. */
int run_user_apply(const struct run_user *u, struct oci_process *p, struct err *err);

/*
 * How many ids, from 0 on, have all whom PASSWD and GROUP name, and U. "nobody" (65534) and what is behind don't count, as with
 * podman: they would take all that there are.
 */
uint32_t run_user_count_ids(const struct run_user *u, const char *passwd, const char *group);
