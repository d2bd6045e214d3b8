/* The calls that read and set user and group ids. */
#include "base/cleanup.h"
#include "intercept/client.h"
#include "intercept/handlers.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

/* Runs CHANGE on a copy of the caller's credentials and makes the outcome the caller's. */
#define CHANGE(r, c, call)                                                                                             \
	do {                                                                                                           \
		struct cred c = *request_cred(r);                                                                      \
		int result = call;                                                                                     \
                                                                                                                       \
		return result < 0 ? result : request_set_cred(r, &c);                                                  \
	} while (0)

static int answer(struct request *r, int64_t value)
{
	r->value = value;
	return 0;
}

int do_getuid(struct request *r)
{
	return answer(r, request_cred(r)->uid[ID_REAL]);
}

int do_geteuid(struct request *r)
{
	return answer(r, request_cred(r)->uid[ID_EFFECTIVE]);
}

int do_getgid(struct request *r)
{
	return answer(r, request_cred(r)->gid[ID_REAL]);
}

int do_getegid(struct request *r)
{
	return answer(r, request_cred(r)->gid[ID_EFFECTIVE]);
}

static int write_three(struct request *r, const uint32_t ids[IDS])
{
	for (int i = ID_REAL; i <= ID_SAVED; i++)
		if (request_write(r, r->args[i], &ids[i], sizeof(ids[i])) < 0)
			return -EFAULT;
	return 0;
}

int do_getresuid(struct request *r)
{
	return write_three(r, request_cred(r)->uid);
}

int do_getresgid(struct request *r)
{
	return write_three(r, request_cred(r)->gid);
}

int do_setuid(struct request *r)
{
	CHANGE(r, c, cred_setuid(&c, arg_u32(r, 0)));
}

int do_setgid(struct request *r)
{
	CHANGE(r, c, cred_setgid(&c, arg_u32(r, 0)));
}

int do_setreuid(struct request *r)
{
	CHANGE(r, c, cred_setreuid(&c, arg_u32(r, 0), arg_u32(r, 1)));
}

int do_setregid(struct request *r)
{
	CHANGE(r, c, cred_setregid(&c, arg_u32(r, 0), arg_u32(r, 1)));
}

int do_setresuid(struct request *r)
{
	CHANGE(r, c, cred_setresuid(&c, arg_u32(r, 0), arg_u32(r, 1), arg_u32(r, 2)));
}

int do_setresgid(struct request *r)
{
	CHANGE(r, c, cred_setresgid(&c, arg_u32(r, 0), arg_u32(r, 1), arg_u32(r, 2)));
}

/* These two return the former id and never fail. */
int do_setfsuid(struct request *r)
{
	struct cred c = *request_cred(r);

	r->value = c.uid[ID_FS];
	cred_setfsuid(&c, arg_u32(r, 0));
	(void)request_set_cred(r, &c);
	return 0;
}

int do_setfsgid(struct request *r)
{
	struct cred c = *request_cred(r);

	r->value = c.gid[ID_FS];
	cred_setfsgid(&c, arg_u32(r, 0));
	(void)request_set_cred(r, &c);
	return 0;
}

int do_getgroups(struct request *r)
{
	const struct cred *c = request_cred(r);
	int size = arg_int(r, 0);

	if (size < 0)
		return -EINVAL;
	r->value = c->groups_len;
	if (size == 0)
		return 0;
	if ((uint32_t)size < c->groups_len)
		return -EINVAL;
	return request_write(r, r->args[1], c->groups, c->groups_len * sizeof(uint32_t));
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

int do_setgroups(struct request *r)
{
	struct cred c = *request_cred(r);
	autofree uint32_t *groups = NULL;
	int len = arg_int(r, 0);

	if (!cred_can(&c, CAP_SETGID))
		return -EPERM;
	if (len < 0 || len > CRED_GROUPS_MAX)
		return -EINVAL;
	groups = calloc((size_t)len + 1, sizeof(uint32_t));
	if (!groups)
		return -ENOMEM;
	if (request_read(r, r->args[1], groups, (size_t)len * sizeof(uint32_t)) < 0)
		return -EFAULT;
	for (int i = 0; i < len; i++)
		if (groups[i] == CRED_KEEP)
			return -EINVAL;
	qsort(groups, (size_t)len, sizeof(uint32_t), compare_ids);
	c.groups = groups;
	c.groups_len = (uint32_t)len;
	return request_set_cred(r, &c);
}
