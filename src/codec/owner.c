#include "codec/owner.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
	/* In the upper half of the word of inheritable capabilities 32 to 63; the type stands in the lower half. */
	MARKER = 0xc10c,
	TYPE_SHIFT = 12,
	MAJOR_MAX = 0xfff,
	MINOR_MAX = 0xfffff,
	MINOR_BITS = 20,
};

/* struct vfs_ns_cap_data: magic, then permitted and inheritable of each 32 capabilities, then rootid (revision 3 only). */
enum word { WORD_MAGIC, WORD_UID, WORD_GID, WORD_RDEV, WORD_MARKER, WORD_ROOTID, WORDS };

static bool holds_user_attr(mode_t inode_mode)
{
	return S_ISREG(inode_mode) || S_ISDIR(inode_mode);
}

bool owner_is_default(const struct owner *o)
{
	return o->uid == 0 && o->gid == 0 && o->type == 0;
}

const char *owner_attr_name(mode_t inode_mode)
{
	return holds_user_attr(inode_mode) ? OWNER_ATTR_USER : OWNER_ATTR_CAPABILITY;
}

static void put_le32(uint8_t *dst, uint32_t v)
{
	dst[0] = (uint8_t)v;
	dst[1] = (uint8_t)(v >> 8);
	dst[2] = (uint8_t)(v >> 16);
	dst[3] = (uint8_t)(v >> 24);
}

static uint32_t get_le32(const uint8_t *src)
{
	return (uint32_t)src[0] | (uint32_t)src[1] << 8 | (uint32_t)src[2] << 16 | (uint32_t)src[3] << 24;
}

static bool is_device(mode_t type)
{
	return type == S_IFCHR || type == S_IFBLK;
}

static bool is_valid(const struct owner *o, mode_t inode_mode)
{
	if (o->uid == OWNER_NO_ID || o->gid == OWNER_NO_ID)
		return false;
	if (o->type == 0)
		return o->major == 0 && o->minor == 0;
	return is_device(o->type) && S_ISSOCK(inode_mode) && o->major <= MAJOR_MAX && o->minor <= MINOR_MAX;
}

int owner_encode(const struct owner *o, mode_t inode_mode, uint8_t dst[static OWNER_VALUE_MAX])
{
	if (!is_valid(o, inode_mode))
		return -EINVAL;
	if (holds_user_attr(inode_mode))
		return snprintf((char *)dst, OWNER_VALUE_MAX, "%u:%u", o->uid, o->gid);
	/* Revision 2: the kernel itself makes it revision 3, with the namespace's root, where that is due. */
	put_le32(dst + 4 * WORD_MAGIC, VFS_CAP_REVISION_2);
	put_le32(dst + 4 * WORD_UID, o->uid);
	put_le32(dst + 4 * WORD_GID, o->gid);
	put_le32(dst + 4 * WORD_RDEV, o->major << MINOR_BITS | o->minor);
	put_le32(dst + 4 * WORD_MARKER, (uint32_t)MARKER << 16 | o->type >> TYPE_SHIFT);
	return XATTR_CAPS_SZ_2;
}

/* Decimal digits without leading zeros, below OWNER_NO_ID; moves *P behind them. */
static bool parse_id(const char **p, const char *end, uint32_t *ret)
{
	const char *start = *p;
	uint64_t v = 0;

	for (; *p < end && **p >= '0' && **p <= '9' && *p - start < 10; (*p)++)
		v = v * 10 + (uint64_t)(**p - '0');
	if (*p == start || (*start == '0' && *p - start > 1) || v >= OWNER_NO_ID)
		return false;
	*ret = (uint32_t)v;
	return true;
}

static int decode_text(const char *value, size_t len, struct owner *ret)
{
	const char *p = value, *end = value + len;
	struct owner o = { 0 };

	if (!parse_id(&p, end, &o.uid) || p == end || *p++ != ':' || !parse_id(&p, end, &o.gid) || p != end)
		return -EBADMSG;
	*ret = o;
	return 0;
}

static int decode_capability(mode_t inode_mode, const uint8_t *value, size_t len, struct owner *ret)
{
	uint32_t magic, marker, rdev;
	struct owner o;

	if (len != XATTR_CAPS_SZ_2 && len != XATTR_CAPS_SZ_3)
		return len == XATTR_CAPS_SZ_1 ? -ENODATA : -EBADMSG;
	magic = get_le32(value + 4 * WORD_MAGIC);
	if ((magic & VFS_CAP_REVISION_MASK) != (len == XATTR_CAPS_SZ_2 ? VFS_CAP_REVISION_2 : VFS_CAP_REVISION_3))
		return -EBADMSG;
	marker = get_le32(value + 4 * WORD_MARKER);
	if (marker >> 16 != MARKER)
		return -ENODATA;
	rdev = get_le32(value + 4 * WORD_RDEV);
	o = (struct owner){
		.uid = get_le32(value + 4 * WORD_UID),
		.gid = get_le32(value + 4 * WORD_GID),
		.type = (marker & 0xffff) << TYPE_SHIFT,
		.major = rdev >> MINOR_BITS,
		.minor = rdev & MINOR_MAX,
	};
	if ((marker & 0xffff) > (S_IFMT >> TYPE_SHIFT) || (magic & VFS_CAP_FLAGS_EFFECTIVE) ||
	    !is_valid(&o, inode_mode))
		return -EBADMSG;
	*ret = o;
	return 0;
}

int owner_decode(mode_t inode_mode, const void *value, size_t len, struct owner *ret)
{
	if (holds_user_attr(inode_mode))
		return decode_text(value, len, ret);
	return decode_capability(inode_mode, value, len, ret);
}
