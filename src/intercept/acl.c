#include "intercept/acl.h"

#include <errno.h>
#include <string.h>

/* posix_acl_xattr(5): a version, then entries; little endian. */
enum { ACL_VERSION = 2, HEADER = 4, ENTRY = 8 };
enum { USER_OBJ = 0x01, USER = 0x02, GROUP_OBJ = 0x04, GROUP = 0x08, MASK = 0x10, OTHER = 0x20 };

static unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] | (unsigned)p[1] << 8;
}

const char *acl_own_name(const char *name)
{
	if (strcmp(name, "system.posix_acl_access") == 0)
		return "user.cloche.acl.access";
	if (strcmp(name, "system.posix_acl_default") == 0)
		return "user.cloche.acl.default";
	return NULL;
}

int acl_parse(const uint8_t *value, size_t len, mode_t *ret_mode)
{
	unsigned user = 0, group = 0, mask = 0, other = 0, seen = 0;

	if (len < HEADER || (len - HEADER) % ENTRY != 0 || len > ACL_VALUE_MAX || get16(value) != ACL_VERSION)
		return -EINVAL;
	for (const uint8_t *e = value + HEADER; e < value + len; e += ENTRY) {
		unsigned tag = get16(e), bits = get16(e + 2);

		if (bits > 7 || tag == 0 || (tag & (tag - 1)) != 0 || tag > OTHER)
			return -EINVAL;
		if ((seen & tag) && tag != USER && tag != GROUP)
			return -EINVAL;
		seen |= tag;
		user = tag == USER_OBJ ? bits : user;
		group = tag == GROUP_OBJ ? bits : group;
		mask = tag == MASK ? bits : mask;
		other = tag == OTHER ? bits : other;
	}
	if ((seen & (USER | GROUP)) && !(seen & MASK))
		return -EINVAL;
	*ret_mode = user << 6 | (seen & MASK ? mask : group) << 3 | other;
	return seen & (USER | GROUP) ? 1 : 0;
}

void acl_apply_mode(uint8_t *value, size_t len, mode_t mode)
{
	bool has_mask = false;

	for (uint8_t *e = value + HEADER; e < value + len; e += ENTRY)
		has_mask = has_mask || get16(e) == MASK;
	for (uint8_t *e = value + HEADER; e < value + len; e += ENTRY) {
		unsigned tag = get16(e);

		if (tag == USER_OBJ)
			e[2] = mode >> 6 & 7;
		else if (tag == (has_mask ? MASK : GROUP_OBJ))
			e[2] = mode >> 3 & 7;
		else if (tag == OTHER)
			e[2] = mode & 7;
	}
}
