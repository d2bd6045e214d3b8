#include "layer/attrs.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* What no file system has trouble with. */
enum { LARGE_XATTR = 1024 };

bool attrs_is_private(const char *name)
{
	return str_starts_with(name, "user.overlay.") || str_starts_with(name, "trusted.overlay.") ||
	       str_starts_with(name, OWNER_ATTR_PREFIX);
}

static int set_xattr(struct tree *t, const struct attrs_target *at, const char *name, const void *value, size_t len)
{
	int r;

	if (at->fd >= 0) {
		r = fsetxattr(at->fd, name, value, len, 0);
	} else {
		r = tree_enter(t, at->dir_fd, NULL);
		if (r < 0)
			return r;
		r = lsetxattr(at->name, name, value, len, 0);
	}
	return r < 0 ? -errno : 0;
}

int attrs_set_own(struct tree *t, const struct attrs_target *at, const char *name, const void *value, size_t len,
		  struct err *err)
{
	int r = set_xattr(t, at, name, value, len);

	if (r == -EOPNOTSUPP) {
		err_errno(err, EOPNOTSUPP, "set the attribute %s", name);
		return err_hint(err, "the file system must know user attributes: put the store on ext4, xfs, btrfs or "
				     "tmpfs (--root)");
	}
	return r < 0 ? err_errno(err, -r, "set the attribute %s", name) : 0;
}

static int set_owner_attr(struct tree *t, const struct attrs_target *at, const struct owner *o, struct err *err)
{
	uint8_t value[OWNER_VALUE_MAX];
	int len = owner_encode(o, at->type, value);

	if (len < 0)
		return err_set(err, EBADMSG, "owner %u:%u or device %u:%u is out of range", o->uid, o->gid, o->major,
			       o->minor);
	return attrs_set_own(t, at, owner_attr_name(at->type), value, (size_t)len, err);
}

int attrs_set_owner(struct attrs_policy *p, struct tree *t, const struct attrs_target *at, uint32_t uid, uint32_t gid,
		    const struct owner *device, struct err *err)
{
	struct owner o = device ? *device : (struct owner){ 0 };
	int r;

	if (p->no_owners)
		uid = gid = 0;
	o.uid = uid;
	o.gid = gid;
	if (!p->single && (uid || gid || p->always_chown)) {
		r = at->fd >= 0 ? fchown(at->fd, uid, gid)
				: fchownat(at->dir_fd, at->name, uid, gid, AT_SYMLINK_NOFOLLOW);
		if (r == 0 && !device)
			return 0;
		/* An id that the map doesn't have: as an attribute it is at least not lost. */
		if (r < 0 && errno != EINVAL)
			return err_errno(err, errno, "give it to %u:%u", uid, gid);
		p->lost_owners += r < 0;
	}
	if (owner_is_default(&o) || (!p->single && !device && uid == 0 && gid == 0))
		return 0;
	return set_owner_attr(t, at, &o, err);
}

/* ext4 says ENOSPC, others E2BIG or ERANGE, to what is too large for them. */
static int xattr_refused(const struct tar_xattr *x, int code, struct err *err)
{
	err_errno(err, code, "set the attribute %.255s of %zu bytes", x->name, x->len);
	if (x->len > LARGE_XATTR && (code == ENOSPC || code == E2BIG || code == ERANGE))
		return err_hint(err, "ext4 holds about 4,000 bytes of attributes a file: put the store on xfs, btrfs "
				     "or tmpfs (--root)");
	return -code;
}

int attrs_set_xattrs(struct attrs_policy *p, struct tree *t, const struct attrs_target *at,
		     const struct tar_xattr *xattrs, size_t len, struct err *err)
{
	for (size_t i = 0; i < len; i++) {
		const struct tar_xattr *x = &xattrs[i];
		int r;

		/* On anything but a regular file a capability can only be our mark of an owner. */
		if (attrs_is_private(x->name) || (strcmp(x->name, OWNER_ATTR_CAPABILITY) == 0 && !S_ISREG(at->type))) {
			p->lost_xattrs++;
			continue;
		}
		r = set_xattr(t, at, x->name, x->value, x->len);
		/* No such attributes here, or not for us: trusted.*, security.* of an LSM, user.* on a link. */
		if (r == -EOPNOTSUPP || r == -EPERM || r == -EINVAL)
			p->lost_xattrs++;
		else if (r < 0)
			return xattr_refused(x, -r, err);
	}
	return 0;
}

int attrs_set_mtime(const struct attrs_target *at, int64_t sec, uint32_t nsec, struct err *err)
{
	const struct timespec times[2] = { { sec, (long)nsec }, { sec, (long)nsec } };
	int r = at->fd >= 0 ? futimens(at->fd, times) : utimensat(at->dir_fd, at->name, times, AT_SYMLINK_NOFOLLOW);

	return r < 0 ? err_errno(err, errno, "set its time") : 0;
}
