/*
 * POSIX ACLs that name users or groups. The kernel would refuse the ids, so such a list is kept whole in an attribute of ours
 * (`user.cloche.acl.access`, `.default`), and its effect on the mode is applied. Files made below don't inherit it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { ACL_VALUE_MAX = 65536 };

/* The attribute of ours for "system.posix_acl_access" or "system.posix_acl_default"; NULL for any other name. */
const char *acl_own_name(const char *name);

/*
 * Reads a value in the kernel's form (linux/posix_acl_xattr.h). Returns 1 if it names users or groups, 0 if
 * not, -EINVAL. *RET_MODE are the permission bits that it stands for.
 */
int acl_parse(const uint8_t *value, size_t len, mode_t *ret_mode);
/* Brings the entries of VALUE (which acl_parse accepts) in line with the mode bits of the file, as chmod does. */
void acl_apply_mode(uint8_t *value, size_t len, mode_t mode);
