/*
 * The credentials that a container's process believes to have, and the kernel's rules for changing them
 * (credentials(7), capabilities(7), kernel/sys.c, security/commoncap.c), as functions from one immutable
 * value to the next. Nothing here touches a process.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cred_id { ID_REAL, ID_EFFECTIVE, ID_SAVED, ID_FS, IDS };

enum { CRED_GROUPS_MAX = 65536 }; /* NGROUPS_MAX */

/* "Leave it" as an argument to the calls that set ids. */
#define CRED_KEEP UINT32_MAX

/* Fixed part; everything that isn't a group. No padding that isn't zero: values are compared bytewise. */
struct cred {
	uint32_t uid[IDS], gid[IDS];
	uint64_t permitted, effective, inheritable, ambient, bounding; /* bit i: capability i */
	uint64_t locks_soft, locks_hard; /* RLIMIT_LOCKS as the container sees it; the real one holds the index */
	uint32_t securebits;		 /* with SECBIT_KEEP_CAPS */
	uint16_t umask;
	uint8_t own_root; /* the process, or one that it comes from, has changed its root or mount namespace */
	uint8_t reserved;
	uint32_t groups_len;
	uint32_t reserved2;
	const uint32_t *groups; /* ascending, as the kernel gives them back; not owned by this struct */
};

/* Root with CAPS as permitted, effective and bounding set, and no groups. */
void cred_init_root(struct cred *c, uint64_t caps);
uint64_t cred_hash(const struct cred *c);
bool cred_equal(const struct cred *a, const struct cred *b);

static inline bool cred_can(const struct cred *c, int capability)
{
	return c->effective >> capability & 1;
}
/* Whether GID is the file system group or one of the supplementary ones. */
bool cred_in_group(const struct cred *c, uint32_t gid);
/* True where files that it makes belong to root:root. */
static inline bool cred_makes_root_files(const struct cred *c)
{
	return c->uid[ID_FS] == 0 && c->gid[ID_FS] == 0;
}

/*
 * Each changes C as the call of that name does. 0, -EPERM or -EINVAL; C is unchanged on failure. The ones
 * for groups take CRED_KEEP where the call does.
 */
int cred_setuid(struct cred *c, uint32_t uid);
int cred_setreuid(struct cred *c, uint32_t ruid, uint32_t euid);
int cred_setresuid(struct cred *c, uint32_t ruid, uint32_t euid, uint32_t suid);
void cred_setfsuid(struct cred *c, uint32_t uid); /* never fails: it leaves C as it is */
int cred_setgid(struct cred *c, uint32_t gid);
int cred_setregid(struct cred *c, uint32_t rgid, uint32_t egid);
int cred_setresgid(struct cred *c, uint32_t rgid, uint32_t egid, uint32_t sgid);
void cred_setfsgid(struct cred *c, uint32_t gid);

struct cred_caps {
	uint64_t permitted, effective, inheritable;
};
int cred_capset(struct cred *c, const struct cred_caps *caps);
int cred_drop_bounding(struct cred *c, uint64_t capability);
int cred_set_securebits(struct cred *c, uint64_t bits);
int cred_set_keepcaps(struct cred *c, uint64_t on);
/* PR_CAP_AMBIENT; the value that prctl returns, or negative errno. */
int cred_ambient(struct cred *c, uint64_t operation, uint64_t capability);

/* What exec needs to know of the file. */
struct exec_file {
	bool set_uid, set_gid; /* honoured: not on nosuid mounts, not with no_new_privs, not on scripts */
	uint32_t uid, gid;
	bool has_caps; /* file capabilities */
	uint64_t permitted, inheritable;
	bool effective;
};
/* The credentials after a successful exec. */
void cred_exec(struct cred *c, const struct exec_file *file);
