#include "sys/landlock.h"

#include "base/cleanup.h"

#include <errno.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Bits that came after the headers of Debian 12 (linux 6.1), with the version that brought them. */
#define ACCESS_FS_TRUNCATE (UINT64_C(1) << 14)	      /* 3 */
#define ACCESS_FS_IOCTL_DEV (UINT64_C(1) << 15)	      /* 5 */
#define ACCESS_NET_BIND_TCP (UINT64_C(1) << 0)	      /* 4 */
#define ACCESS_NET_CONNECT_TCP (UINT64_C(1) << 1)     /* 4 */
#define SCOPE_ABSTRACT_UNIX_SOCKET (UINT64_C(1) << 0) /* 6 */
#define SCOPE_SIGNAL (UINT64_C(1) << 1)		      /* 6 */

/* struct landlock_ruleset_attr as it is since version 6; older kernels are given a shorter one. */
struct ruleset_attr {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};

static const uint64_t read_rights = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;

static uint64_t fs_rights(int version)
{
	uint64_t all = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1; /* version 1: from EXECUTE to MAKE_SYM */

	all |= LANDLOCK_ACCESS_FS_REFER; /* 2 */
	if (version >= 3)
		all |= ACCESS_FS_TRUNCATE;
	if (version >= 5)
		all |= ACCESS_FS_IOCTL_DEV;
	return all;
}

static int make_ruleset(int version, bool with_network)
{
	struct ruleset_attr attr = { .handled_access_fs = fs_rights(version) };
	size_t size = sizeof(attr.handled_access_fs);

	if (version >= 4) {
		attr.handled_access_net = with_network ? ACCESS_NET_BIND_TCP | ACCESS_NET_CONNECT_TCP : 0;
		size += sizeof(attr.handled_access_net);
	}
	if (version >= 6) {
		attr.scoped = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL;
		size += sizeof(attr.scoped);
	}
	return (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
}

int landlock_version(void)
{
	int version = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	/* Not compiled in, or not switched on at boot; version 1 forbids all links from one folder to another. */
	return version < 2 ? 0 : version;
}

static uint64_t rights_on(const struct landlock_tree *tree, int version)
{
	if (tree->is_file)
		return LANDLOCK_ACCESS_FS_READ_FILE;
	return tree->writable ? fs_rights(version) & ~(uint64_t)LANDLOCK_ACCESS_FS_EXECUTE : read_rights;
}

static int confine(const struct landlock_tree *trees, size_t len, bool with_network, struct err *err)
{
	autoclose int ruleset = -1;
	int version = landlock_version();

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_errno(err, errno, "set no_new_privs");
	if (version == 0)
		return 0;
	ruleset = make_ruleset(version, with_network);
	if (ruleset < 0)
		return err_errno(err, errno, "make a Landlock ruleset");
	for (size_t i = 0; i < len; i++) {
		struct landlock_path_beneath_attr rule = {
			.parent_fd = trees[i].fd,
			.allowed_access = rights_on(&trees[i], version),
		};

		if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) < 0)
			return err_errno(err, errno, "add a folder to the Landlock ruleset");
	}
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		return err_errno(err, errno, "confine by Landlock");
	return version;
}

int landlock_confine(const struct landlock_tree *trees, size_t len, struct err *err)
{
	return confine(trees, len, true, err);
}

int landlock_confine_files(const struct landlock_tree *trees, size_t len, struct err *err)
{
	return confine(trees, len, false, err);
}
