/*
 * Level 3: a user who isn't root is refused what the kernel would refuse. On disk everything is ours, so
 * the kernel itself refuses nothing. Compatibility, for programs that count on being refused; no boundary.
 *
 * Each returns 0, -EACCES or -EPERM; 0 below level 3, for whom capabilities exempt, and for what can't be
 * resolved (the kernel then says why).
 */
#pragma once

#include "intercept/place.h"

int access_check_open(struct request *r, const struct place *p, uint32_t flags);
int access_check_exec(struct request *r, const struct place *p);
/* Reading, writing, executing (R_OK | W_OK | X_OK) with the credentials C. */
int access_check(struct request *r, const struct place *p, bool follow, const struct cred *c, int mode);
/* A new name in P's folder, or with IS_REMOVAL the taking away of P. */
int access_check_name(struct request *r, const struct place *p, bool is_removal);
/* What only the owner may (chmod, setting times). */
int access_check_owner(struct request *r, const struct place *p, bool follow);
