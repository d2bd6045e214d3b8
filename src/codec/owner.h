/*
 * The true owner of a file, kept on the file itself where only one id is mapped (ID_MODE_SINGLE).
 *
 * There every file belongs to the one user on disk. What the image or the container says of it stands in
 * an extended attribute, and absence means root:root and "what the inode says":
 *
 * - regular files and folders: `user.cloche.owner`, readable text "UID:GID" in decimal;
 * - every other type can't hold a `user.*` attribute. Root of a user namespace may set
 *   `security.capability` on any type of inode, and the kernel stores the four words of the capability
 *   sets unchecked (struct vfs_ns_cap_data in linux/capability.h, cap_convert_nscap in the kernel). They
 *   hold uid, gid, rdev and a marker with the type; the marker's bits are capabilities that no kernel has,
 *   which tells ours from a real file capability. Not for regular files: there a write strips it.
 *
 * A device stand-in is an inode of type socket (so that a plain open fails instead of reading nothing)
 * whose attribute carries S_IFCHR or S_IFBLK and the rdev. Such an attribute is written even where the owner
 * is root:root.
 *
 * Setting needs: for user.*, write permission on the file (so: before the mode is set, or as root of the
 * namespace); for security.capability, CAP_SETFCAP in a namespace that maps the file's owner. A chown from
 * outside strips security.capability, so the attribute is set last.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define OWNER_ATTR_USER "user.cloche.owner"
#define OWNER_ATTR_CAPABILITY "security.capability"
/* All attributes of ours begin so; a container must not see or set them, an image doesn't carry them. */
#define OWNER_ATTR_PREFIX "user.cloche."

enum { OWNER_VALUE_MAX = 32 }; /* bytes; longest: "4294967294:4294967294", and 24 of struct vfs_ns_cap_data */

/* An id of this value means "leave it" to chown and can be no file's owner. */
#define OWNER_NO_ID UINT32_MAX

struct owner {
	uint32_t uid, gid;
	mode_t type;	       /* S_IFMT bits of what the file stands for: S_IFCHR or S_IFBLK on a stand-in, else 0 */
	uint32_t major, minor; /* of a device stand-in, else 0; at most 4095 and 1048575 as in the kernel */
};

/* Whether O is what the absence of the attribute means. */
bool owner_is_default(const struct owner *o);

/* The attribute's name for an inode whose st_mode is INODE_MODE (permission bits don't matter). */
const char *owner_attr_name(mode_t inode_mode);

/*
 * Writes the value for an inode of type INODE_MODE. Returns its length; -EINVAL if an id is OWNER_NO_ID,
 * the device numbers are out of range, or a type other than 0 is asked for on anything but a socket.
 */
int owner_encode(const struct owner *o, mode_t inode_mode, uint8_t dst[static OWNER_VALUE_MAX]);

/*
 * Reads a value as getxattr gave it: security.capability in its form of 20 bytes (seen as root of the
 * namespace) or 24 (seen from outside). Returns 0; -ENODATA if it is a real file capability; -EBADMSG if it
 * is neither that nor ours.
 */
int owner_decode(mode_t inode_mode, const void *value, size_t len, struct owner *ret);
