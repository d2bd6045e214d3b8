#include "intercept/cred.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define CAP_BIT(cap) (UINT64_C(1) << (cap))

/* The capabilities that follow the file system uid (capabilities(7), "Effect of user ID changes"). */
#define FS_CAPS                                                                                                        \
	(CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_DAC_OVERRIDE) | CAP_BIT(CAP_DAC_READ_SEARCH) | CAP_BIT(CAP_FOWNER) |         \
	 CAP_BIT(CAP_FSETID) | CAP_BIT(CAP_LINUX_IMMUTABLE) | CAP_BIT(CAP_MAC_OVERRIDE) | CAP_BIT(CAP_MKNOD))

void cred_init_root(struct cred *c, uint64_t caps)
{
	memset(c, 0, sizeof(*c));
	c->permitted = c->effective = c->bounding = caps;
	c->locks_soft = c->locks_hard = RLIM_INFINITY;
}

static uint64_t hash_bytes(uint64_t h, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return h;
}

uint64_t cred_hash(const struct cred *c)
{
	uint64_t h = hash_bytes(UINT64_C(0xcbf29ce484222325), c, offsetof(struct cred, groups));

	return hash_bytes(h, c->groups, c->groups_len * sizeof(uint32_t));
}

bool cred_equal(const struct cred *a, const struct cred *b)
{
	if (memcmp(a, b, offsetof(struct cred, groups)) != 0)
		return false;
	return a->groups_len == 0 || memcmp(a->groups, b->groups, a->groups_len * sizeof(uint32_t)) == 0;
}

bool cred_in_group(const struct cred *c, uint32_t gid)
{
	size_t low = 0, high = c->groups_len;

	if (c->gid[ID_FS] == gid)
		return true;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (c->groups[mid] == gid)
			return true;
		if (c->groups[mid] < gid)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

static bool is_one_of(const uint32_t ids[IDS], uint32_t id, enum cred_id last)
{
	for (int i = 0; i <= (int)last; i++)
		if (ids[i] == id)
			return true;
	return false;
}

static bool has_root(const struct cred *c)
{
	return is_one_of(c->uid, 0, ID_SAVED);
}

/* What a change of uids does to the capabilities (cap_emulate_setxuid). */
static void fix_caps(struct cred *c, const struct cred *old)
{
	if (c->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	if (has_root(old) && !has_root(c)) {
		if (!(c->securebits & SECBIT_KEEP_CAPS))
			c->permitted = c->effective = 0;
		c->ambient = 0;
	}
	if (old->uid[ID_EFFECTIVE] == 0 && c->uid[ID_EFFECTIVE] != 0)
		c->effective = 0;
	if (old->uid[ID_EFFECTIVE] != 0 && c->uid[ID_EFFECTIVE] == 0)
		c->effective = c->permitted;
}

int cred_setuid(struct cred *c, uint32_t uid)
{
	struct cred old = *c;

	if (uid == CRED_KEEP)
		return -EINVAL;
	if (cred_can(c, CAP_SETUID))
		c->uid[ID_REAL] = c->uid[ID_SAVED] = uid;
	else if (uid != c->uid[ID_REAL] && uid != c->uid[ID_SAVED])
		return -EPERM;
	c->uid[ID_EFFECTIVE] = c->uid[ID_FS] = uid;
	fix_caps(c, &old);
	return 0;
}

/* setreuid and setregid on the ids alone. */
static int set_two(uint32_t ids[IDS], uint32_t real, uint32_t effective, bool is_privileged)
{
	const uint32_t old_real = ids[ID_REAL];

	if (real != CRED_KEEP && !is_privileged && !is_one_of(ids, real, ID_EFFECTIVE))
		return -EPERM;
	if (effective != CRED_KEEP && !is_privileged && !is_one_of(ids, effective, ID_SAVED))
		return -EPERM;
	if (real != CRED_KEEP)
		ids[ID_REAL] = real;
	if (effective != CRED_KEEP)
		ids[ID_EFFECTIVE] = effective;
	if (real != CRED_KEEP || (effective != CRED_KEEP && effective != old_real))
		ids[ID_SAVED] = ids[ID_EFFECTIVE];
	ids[ID_FS] = ids[ID_EFFECTIVE];
	return 0;
}

/* setresuid and setresgid on the ids alone. */
static int set_three(uint32_t ids[IDS], const uint32_t wanted[3], bool is_privileged)
{
	for (int i = 0; i < 3; i++)
		if (wanted[i] != CRED_KEEP && !is_privileged && !is_one_of(ids, wanted[i], ID_SAVED))
			return -EPERM;
	for (int i = 0; i < 3; i++)
		if (wanted[i] != CRED_KEEP)
			ids[i] = wanted[i];
	ids[ID_FS] = ids[ID_EFFECTIVE];
	return 0;
}

int cred_setreuid(struct cred *c, uint32_t ruid, uint32_t euid)
{
	struct cred old = *c;
	int r = set_two(c->uid, ruid, euid, cred_can(c, CAP_SETUID));

	if (r == 0)
		fix_caps(c, &old);
	return r;
}

int cred_setresuid(struct cred *c, uint32_t ruid, uint32_t euid, uint32_t suid)
{
	struct cred old = *c;
	int r = set_three(c->uid, (const uint32_t[]){ ruid, euid, suid }, cred_can(c, CAP_SETUID));

	if (r == 0)
		fix_caps(c, &old);
	return r;
}

void cred_setfsuid(struct cred *c, uint32_t uid)
{
	uint32_t old = c->uid[ID_FS];

	if (uid == CRED_KEEP || (!is_one_of(c->uid, uid, ID_FS) && !cred_can(c, CAP_SETUID)))
		return;
	c->uid[ID_FS] = uid;
	if (c->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	if (old == 0 && uid != 0)
		c->effective &= ~FS_CAPS;
	if (old != 0 && uid == 0)
		c->effective |= c->permitted & FS_CAPS;
}

int cred_setgid(struct cred *c, uint32_t gid)
{
	if (gid == CRED_KEEP)
		return -EINVAL;
	if (cred_can(c, CAP_SETGID))
		c->gid[ID_REAL] = c->gid[ID_SAVED] = gid;
	else if (gid != c->gid[ID_REAL] && gid != c->gid[ID_SAVED])
		return -EPERM;
	c->gid[ID_EFFECTIVE] = c->gid[ID_FS] = gid;
	return 0;
}

int cred_setregid(struct cred *c, uint32_t rgid, uint32_t egid)
{
	return set_two(c->gid, rgid, egid, cred_can(c, CAP_SETGID));
}

int cred_setresgid(struct cred *c, uint32_t rgid, uint32_t egid, uint32_t sgid)
{
	return set_three(c->gid, (const uint32_t[]){ rgid, egid, sgid }, cred_can(c, CAP_SETGID));
}

void cred_setfsgid(struct cred *c, uint32_t gid)
{
	if (gid != CRED_KEEP && (is_one_of(c->gid, gid, ID_FS) || cred_can(c, CAP_SETGID)))
		c->gid[ID_FS] = gid;
}

int cred_capset(struct cred *c, const struct cred_caps *caps)
{
	uint64_t inheritable_limit = c->inheritable | (cred_can(c, CAP_SETPCAP) ? c->bounding : c->permitted);

	if (caps->inheritable & ~inheritable_limit)
		return -EPERM;
	if (caps->inheritable & ~(c->inheritable | c->bounding))
		return -EPERM;
	if ((caps->permitted & ~c->permitted) || (caps->effective & ~caps->permitted))
		return -EPERM;
	c->permitted = caps->permitted;
	c->effective = caps->effective;
	c->inheritable = caps->inheritable;
	c->ambient &= c->permitted & c->inheritable;
	return 0;
}

int cred_drop_bounding(struct cred *c, uint64_t capability)
{
	if (!cred_can(c, CAP_SETPCAP))
		return -EPERM;
	if (capability > CAP_LAST_CAP)
		return -EINVAL;
	c->bounding &= ~CAP_BIT(capability);
	return 0;
}

int cred_set_securebits(struct cred *c, uint64_t bits)
{
	uint32_t locked = (c->securebits & SECURE_ALL_LOCKS) >> 1;

	if ((locked & (c->securebits ^ bits)) || (c->securebits & SECURE_ALL_LOCKS & ~bits) ||
	    (bits & ~(uint64_t)(SECURE_ALL_LOCKS | SECURE_ALL_BITS)) || !cred_can(c, CAP_SETPCAP))
		return -EPERM;
	c->securebits = (uint32_t)bits;
	return 0;
}

int cred_set_keepcaps(struct cred *c, uint64_t on)
{
	if (on > 1)
		return -EINVAL;
	if (c->securebits & SECBIT_KEEP_CAPS_LOCKED)
		return -EPERM;
	c->securebits &= ~(uint32_t)SECBIT_KEEP_CAPS;
	if (on)
		c->securebits |= SECBIT_KEEP_CAPS;
	return 0;
}

int cred_ambient(struct cred *c, uint64_t operation, uint64_t capability)
{
	if (operation == PR_CAP_AMBIENT_CLEAR_ALL) {
		c->ambient = 0;
		return capability == 0 ? 0 : -EINVAL;
	}
	if (capability > CAP_LAST_CAP)
		return -EINVAL;
	switch (operation) {
	case PR_CAP_AMBIENT_IS_SET:
		return (int)(c->ambient >> capability & 1);
	case PR_CAP_AMBIENT_LOWER:
		c->ambient &= ~CAP_BIT(capability);
		return 0;
	case PR_CAP_AMBIENT_RAISE:
		if (!(c->permitted & c->inheritable & CAP_BIT(capability)) ||
		    (c->securebits & SECBIT_NO_CAP_AMBIENT_RAISE))
			return -EPERM;
		c->ambient |= CAP_BIT(capability);
		return 0;
	default:
		return -EINVAL;
	}
}

void cred_exec(struct cred *c, const struct exec_file *file)
{
	bool is_effective = file->has_caps && file->effective, changes_id;
	uint64_t permitted = 0;

	if (file->has_caps)
		permitted = (c->bounding & file->permitted) | (c->inheritable & file->inheritable);
	changes_id = (file->set_uid && file->uid != c->uid[ID_EFFECTIVE]) ||
		     (file->set_gid && file->gid != c->gid[ID_EFFECTIVE]);
	if (file->set_uid)
		c->uid[ID_EFFECTIVE] = file->uid;
	if (file->set_gid)
		c->gid[ID_EFFECTIVE] = file->gid;
	if (!(c->securebits & SECBIT_NOROOT)) {
		bool is_root = c->uid[ID_EFFECTIVE] == 0;

		if (is_root || c->uid[ID_REAL] == 0)
			permitted = c->bounding | c->inheritable;
		if (is_root)
			is_effective = true;
	}
	if (file->has_caps || changes_id)
		c->ambient = 0;
	c->permitted = permitted | c->ambient;
	c->effective = is_effective ? c->permitted : c->ambient;
	c->uid[ID_SAVED] = c->uid[ID_FS] = c->uid[ID_EFFECTIVE];
	c->gid[ID_SAVED] = c->gid[ID_FS] = c->gid[ID_EFFECTIVE];
	c->securebits &= ~(uint32_t)SECBIT_KEEP_CAPS;
}
