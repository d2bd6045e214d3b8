#include "layer/subject.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "layer/attrs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

int subject_open(int dir_fd, const char *name, uint8_t type, struct subject *ret, struct err *err)
{
	int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | (type == DT_DIR ? O_DIRECTORY : 0);

	*ret = (struct subject){ -1, name };
	if (type != DT_REG && type != DT_DIR) {
		if (fstatat(dir_fd, name, &ret->st, AT_SYMLINK_NOFOLLOW) < 0)
			return err_errno(err, errno, "look at it");
		if (!S_ISREG(ret->st.st_mode) && !S_ISDIR(ret->st.st_mode))
			return 0;
	}
	ret->fd = openat(dir_fd, name, flags);
	if (ret->fd < 0)
		return err_errno(err, errno, "open");
	if (fstat(ret->fd, &ret->st) < 0) {
		close(TAKE_FD(ret->fd));
		return err_errno(err, errno, "look at it");
	}
	return 0;
}

/* --- attributes --- */

void attributes_init(struct attributes *a)
{
	a->len = 0;
	a->opaque = a->has_owner = false;
	a->values = BUF_INIT(TAR_META_MAX);
}

void attributes_done(struct attributes *a)
{
	buf_done(&a->values);
}

static ssize_t get_xattr(const struct subject *s, const char *name, void *dst, size_t room)
{
	return s->fd >= 0 ? fgetxattr(s->fd, name, dst, room) : lgetxattr(s->name, name, dst, room);
}

static ssize_t list_xattrs(const struct subject *s, char *dst, size_t room)
{
	return s->fd >= 0 ? flistxattr(s->fd, dst, room) : llistxattr(s->name, dst, room);
}

/* Marks of the overlay: opaque is taken; what makes the upper folder more than its content can't be. */
static int take_overlay_mark(struct attributes *a, const struct subject *s, const char *mark, struct err *err)
{
	char value[4];

	if (strcmp(mark, "redirect") == 0 || strcmp(mark, "metacopy") == 0) {
		err_set(err, EOPNOTSUPP, "the overlay has made it a reference to another file (%s)", mark);
		return err_hint(err, "mount the overlay with redirect_dir=off,metacopy=off");
	}
	if (strcmp(mark, "opaque") == 0)
		a->opaque = get_xattr(s, "user.overlay.opaque", value, sizeof(value)) == 1 && value[0] == 'y';
	return 0;
}

/* The value of one attribute, kept in a->values until the next entry. */
static int take_xattr(struct attributes *a, const struct subject *s, const char *name, struct err *err)
{
	ssize_t len;
	size_t at = a->values.len;

	if (a->len == TAR_XATTRS_MAX)
		return err_set(err, E2BIG, "it has more than %d attributes", TAR_XATTRS_MAX);
	if (buf_reserve(&a->values, TAR_XATTR_SIZE_MAX) < 0)
		return a->values.error == -E2BIG
			       ? err_set(err, E2BIG, "its attributes are larger than %d bytes", TAR_META_MAX)
			       : err_oom(err);
	len = get_xattr(s, name, a->values.data + at, TAR_XATTR_SIZE_MAX);
	if (len < 0)
		return errno == ENODATA ? 0 : err_errno(err, errno, "read the attribute %s", name);
	if (strcmp(name, owner_attr_name(s->st.st_mode)) == 0 &&
	    owner_decode(s->st.st_mode, a->values.data + at, (size_t)len, &a->owner) == 0) {
		a->has_owner = true;
		return 0;
	}
	if (attrs_is_private(name))
		return 0;
	/* Its place, since the buffer may move; made a pointer when all are there. */
	a->items[a->len++] = (struct tar_xattr){ name, (const void *)(uintptr_t)at, (size_t)len };
	a->values.len += (size_t)len;
	return 0;
}

static int by_name(const void *x, const void *y)
{
	return strcmp(((const struct tar_xattr *)x)->name, ((const struct tar_xattr *)y)->name);
}

/* What a layer carries: capabilities and the user's own. Those of a security module belong to this machine. */
static bool is_carried(const char *name)
{
	return str_starts_with(name, "user.") || strcmp(name, "security.capability") == 0;
}

int attributes_read(struct attributes *a, const struct subject *s, bool marks, struct err *err)
{
	ssize_t len;

	a->len = 0;
	a->opaque = a->has_owner = false;
	len = list_xattrs(s, a->list, sizeof(a->list));
	if (len <= 0)
		return len == 0 || errno == EOPNOTSUPP ? 0 : err_errno(err, errno, "list its attributes");
	buf_reset(&a->values);
	for (const char *name = a->list; name < a->list + len; name += strlen(name) + 1) {
		const char *mark = str_skip_prefix(name, "user.overlay.");
		int r = 0;

		if (mark && marks)
			r = take_overlay_mark(a, s, mark, err);
		else if (is_carried(name))
			r = take_xattr(a, s, name, err);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < a->len; i++)
		a->items[i].value = a->values.data + (uintptr_t)a->items[i].value;
	qsort(a->items, a->len, sizeof(a->items[0]), by_name);
	return 0;
}
