/*
 * Extended attributes. Ours are neither seen nor set by the container; those that are none of ours are the
 * kernel's business, which is most.
 */
#include "base/cleanup.h"
#include "base/str.h"
#include "intercept/acl.h"
#include "intercept/client.h"
#include "intercept/file.h"
#include "intercept/handlers.h"
#include "intercept/place.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/xattr.h>
#include <string.h>
#include <sys/xattr.h>

enum { ORDINARY, OURS, ACL };

/* One call of the family, whichever of its forms. */
struct attr_call {
	struct request *request;
	struct place *place;
	bool follow;
	char name[XATTR_NAME_MAX + 1];
	uint64_t value;
	size_t size;
	int flags;
};

static ssize_t get_attr(const struct attr_call *c, const char *name, void *dst, size_t size)
{
	return c->follow ? getxattr(c->place->path, name, dst, size) : lgetxattr(c->place->path, name, dst, size);
}

static bool is_regular(const struct attr_call *c)
{
	struct stat st;

	return fstatat(AT_FDCWD, c->place->path, &st, c->follow ? 0 : AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

static int kind_of(const struct attr_call *c)
{
	if (str_starts_with(c->name, OWNER_ATTR_PREFIX))
		return OURS;
	if (acl_own_name(c->name))
		return ACL;
	if (strcmp(c->name, OWNER_ATTR_CAPABILITY) == 0 && !is_regular(c))
		return OURS;
	return ORDINARY;
}

/* LEN bytes of DATA as the value that was asked for. */
static int answer_value(const struct attr_call *c, const void *data, size_t len)
{
	c->request->value = (int64_t)len;
	if (c->size == 0)
		return 0;
	if (c->size < len)
		return -ERANGE;
	return request_write(c->request, c->value, data, len);
}

static int get_acl(const struct attr_call *c)
{
	autofree uint8_t *value = NULL;
	struct stat st;
	mode_t mode;
	ssize_t n = get_attr(c, acl_own_name(c->name), NULL, 0);

	if (n <= 0 || n > ACL_VALUE_MAX)
		return ANSWER_CONTINUE;
	value = malloc((size_t)n);
	if (!value || get_attr(c, acl_own_name(c->name), value, (size_t)n) != n)
		return ANSWER_CONTINUE;
	if (acl_parse(value, (size_t)n, &mode) < 0)
		return ANSWER_CONTINUE;
	if (str_ends_with(c->name, "access") && stat(c->place->path, &st) == 0)
		acl_apply_mode(value, (size_t)n, st.st_mode);
	return answer_value(c, value, (size_t)n);
}

static int get_one(const struct attr_call *c)
{
	switch (kind_of(c)) {
	case OURS:
		return -ENODATA;
	case ACL:
		return get_acl(c);
	default:
		return ANSWER_CONTINUE;
	}
}

static int set_acl(const struct attr_call *c)
{
	const char *own = acl_own_name(c->name);
	autofree uint8_t *value = NULL;
	autoclose int fd = -1;
	char path[FD_PATH_MAX];
	mode_t mode;
	int named;

	if (c->size == 0 || c->size > ACL_VALUE_MAX)
		return ANSWER_CONTINUE;
	value = malloc(c->size);
	if (!value)
		return -ENOMEM;
	if (request_read(c->request, c->value, value, c->size) < 0)
		return -EFAULT;
	named = acl_parse(value, c->size, &mode);
	fd = named < 0 ? -1 : place_open(c->place, c->follow);
	if (fd < 0)
		return ANSWER_CONTINUE;
	place_fd_path(fd, path);
	if (named == 0) {
		removexattr(path, own);
		return ANSWER_CONTINUE;
	}
	if (setxattr(path, own, value, c->size, 0) < 0)
		return -errno;
	if (str_ends_with(c->name, "access") && chmod(path, mode) < 0)
		return -errno;
	return 0;
}

static int set_one(const struct attr_call *c)
{
	switch (kind_of(c)) {
	case OURS:
		return -EPERM;
	case ACL:
		return set_acl(c);
	default:
		return ANSWER_CONTINUE;
	}
}

static int remove_one(const struct attr_call *c)
{
	autoclose int fd = -1;
	char path[FD_PATH_MAX];

	switch (kind_of(c)) {
	case OURS:
		return -ENODATA;
	case ACL:
		fd = place_open(c->place, c->follow);
		if (fd < 0)
			return ANSWER_CONTINUE;
		place_fd_path(fd, path);
		removexattr(path, acl_own_name(c->name));
		return ANSWER_CONTINUE;
	default:
		return ANSWER_CONTINUE;
	}
}

/* Takes our names out of the LEN bytes of LIST, and tells of the ACLs that they stand for. The new length. */
static size_t filter_list(const struct attr_call *c, char *list, size_t len)
{
	bool hide_capability = !is_regular(c), has_access = false, has_default = false;
	size_t kept = 0;

	for (size_t at = 0; at < len;) {
		const char *name = list + at;
		size_t n = strlen(name) + 1;

		at += n;
		has_access = has_access || strcmp(name, "user.cloche.acl.access") == 0;
		has_default = has_default || strcmp(name, "user.cloche.acl.default") == 0;
		if (str_starts_with(name, OWNER_ATTR_PREFIX))
			continue;
		if (hide_capability && strcmp(name, OWNER_ATTR_CAPABILITY) == 0)
			continue;
		memmove(list + kept, name, n);
		kept += n;
	}
	/* Their names are no longer than ours, which have gone, but one: there is room for it behind the list. */
	if (has_access)
		kept += (size_t)(stpcpy(list + kept, "system.posix_acl_access") - (list + kept)) + 1;
	if (has_default)
		kept += (size_t)(stpcpy(list + kept, "system.posix_acl_default") - (list + kept)) + 1;
	return kept;
}

static int list_all(const struct attr_call *c)
{
	autofree char *list = NULL;
	ssize_t n = c->follow ? listxattr(c->place->path, NULL, 0) : llistxattr(c->place->path, NULL, 0);
	size_t room = (size_t)n + 64;

	if (n <= 0)
		return ANSWER_CONTINUE;
	list = calloc(1, room + 64);
	if (!list)
		return -ENOMEM;
	n = c->follow ? listxattr(c->place->path, list, room) : llistxattr(c->place->path, list, room);
	if (n < 0)
		return ANSWER_CONTINUE;
	return answer_value(c, list, filter_list(c, list, (size_t)n));
}

typedef int (*attr_fn)(const struct attr_call *c);

/* Where the pieces of a call stand: by a path, by a descriptor, or by the newer form with a struct. */
static int run(struct attr_call *c, uint64_t name, attr_fn fn)
{
	int len;

	if (c->place->is_descriptor)
		c->follow = true;
	if (name != 0) {
		len = request_read_string(c->request, name, c->name, sizeof(c->name));
		if (len < 0)
			return len == -EFAULT ? -EFAULT : -ERANGE;
	}
	return fn(c);
}

static int by_path(struct request *r, bool follow, uint64_t name, uint64_t value, uint64_t size, int flags, attr_fn fn)
{
	autoplace struct place p;
	struct attr_call c = { r, &p, follow, "", value, (size_t)size, flags };

	if (place_init(&p, r, AT_FDCWD, r->args[0], false) < 0)
		return ANSWER_CONTINUE;
	return run(&c, name, fn);
}

static int by_fd(struct request *r, uint64_t name, uint64_t value, uint64_t size, int flags, attr_fn fn)
{
	autoplace struct place p;
	struct attr_call c = { r, &p, true, "", value, (size_t)size, flags };

	if (place_init_fd(&p, r, arg_int(r, 0)) < 0)
		return ANSWER_CONTINUE;
	return run(&c, name, fn);
}

static int by_at(struct request *r, uint64_t name, uint64_t value, uint64_t size, attr_fn fn)
{
	autoplace struct place p;
	unsigned flags = arg_u32(r, 2);
	struct attr_call c = { r, &p, !(flags & AT_SYMLINK_NOFOLLOW), "", value, (size_t)size, 0 };

	if (place_init(&p, r, arg_int(r, 0), r->args[1], flags & AT_EMPTY_PATH) < 0)
		return ANSWER_CONTINUE;
	return run(&c, name, fn);
}

int do_getxattr(struct request *r)
{
	return by_path(r, true, r->args[1], r->args[2], r->args[3], 0, get_one);
}

int do_lgetxattr(struct request *r)
{
	return by_path(r, false, r->args[1], r->args[2], r->args[3], 0, get_one);
}

int do_fgetxattr(struct request *r)
{
	return by_fd(r, r->args[1], r->args[2], r->args[3], 0, get_one);
}

int do_setxattr(struct request *r)
{
	return by_path(r, true, r->args[1], r->args[2], r->args[3], arg_int(r, 4), set_one);
}

int do_lsetxattr(struct request *r)
{
	return by_path(r, false, r->args[1], r->args[2], r->args[3], arg_int(r, 4), set_one);
}

int do_fsetxattr(struct request *r)
{
	return by_fd(r, r->args[1], r->args[2], r->args[3], arg_int(r, 4), set_one);
}

int do_listxattr(struct request *r)
{
	return by_path(r, true, 0, r->args[1], r->args[2], 0, list_all);
}

int do_llistxattr(struct request *r)
{
	return by_path(r, false, 0, r->args[1], r->args[2], 0, list_all);
}

int do_flistxattr(struct request *r)
{
	return by_fd(r, 0, r->args[1], r->args[2], 0, list_all);
}

int do_removexattr(struct request *r)
{
	return by_path(r, true, r->args[1], 0, 0, 0, remove_one);
}

int do_lremovexattr(struct request *r)
{
	return by_path(r, false, r->args[1], 0, 0, 0, remove_one);
}

int do_fremovexattr(struct request *r)
{
	return by_fd(r, r->args[1], 0, 0, 0, remove_one);
}

/* struct xattr_args of linux/xattr.h, kernel 6.13. */
struct at_args {
	uint64_t value;
	uint32_t size, flags;
};

static int by_at_args(struct request *r, attr_fn fn)
{
	struct at_args a;

	if (r->args[5] < sizeof(a) || request_read(r, r->args[4], &a, sizeof(a)) < 0)
		return ANSWER_CONTINUE;
	return by_at(r, r->args[3], a.value, a.size, fn);
}

int do_setxattrat(struct request *r)
{
	return by_at_args(r, set_one);
}

int do_getxattrat(struct request *r)
{
	return by_at_args(r, get_one);
}

int do_listxattrat(struct request *r)
{
	return by_at(r, 0, r->args[3], r->args[4], list_all);
}

int do_removexattrat(struct request *r)
{
	return by_at(r, r->args[3], 0, 0, remove_one);
}
