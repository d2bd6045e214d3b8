/* Capabilities, limits that carry our word, umask, and the calls that change what a path means. */
#include "intercept/client.h"
#include "intercept/handlers.h"
#include "intercept/proc.h"
#include "intercept/status.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* How many 32-bit words each set has in the version of the header; 0: unknown version. */
static unsigned words_of(uint32_t version)
{
	switch (version) {
	case _LINUX_CAPABILITY_VERSION_1:
		return _LINUX_CAPABILITY_U32S_1;
	case _LINUX_CAPABILITY_VERSION_2:
	case _LINUX_CAPABILITY_VERSION_3:
		return _LINUX_CAPABILITY_U32S_3;
	default:
		return 0;
	}
}

/* The header, and how many words follow. 0, -EFAULT, or -EINVAL with our version told to the caller. */
static int read_header(struct request *r, struct __user_cap_header_struct *header, unsigned *ret_words)
{
	if (request_read(r, r->args[0], header, sizeof(*header)) < 0)
		return -EFAULT;
	*ret_words = words_of(header->version);
	if (*ret_words > 0)
		return 0;
	header->version = _LINUX_CAPABILITY_VERSION_3;
	if (request_write(r, r->args[0], header, sizeof(header->version)) < 0)
		return -EFAULT;
	return -EINVAL;
}

int do_capget(struct request *r)
{
	struct __user_cap_data_struct data[2] = { 0 };
	struct __user_cap_header_struct header;
	const struct cred *c;
	unsigned words;
	int result = read_header(r, &header, &words);

	/* With no place for data, asking for the version is no error. */
	if (result == -EINVAL && r->args[1] == 0)
		return 0;
	if (result < 0)
		return result;
	if (header.pid < 0)
		return -EINVAL;
	c = header.pid == 0 ? request_cred(r) : proc_cred_of(r, (uint32_t)header.pid);
	if (!c)
		return -ESRCH;
	for (unsigned i = 0; i < words; i++) {
		data[i].permitted = (uint32_t)(c->permitted >> (32 * i));
		data[i].effective = (uint32_t)(c->effective >> (32 * i));
		data[i].inheritable = (uint32_t)(c->inheritable >> (32 * i));
	}
	proc_cred_unref(r, c);
	return request_write(r, r->args[1], data, words * sizeof(data[0]));
}

int do_capset(struct request *r)
{
	struct __user_cap_data_struct data[2] = { 0 };
	struct __user_cap_header_struct header;
	struct cred c = *request_cred(r);
	struct cred_caps caps;
	unsigned words;
	int result = read_header(r, &header, &words);

	if (result < 0)
		return result;
	if (header.pid != 0 && header.pid != status_inner_pid(r->tid))
		return -EPERM;
	if (request_read(r, r->args[1], data, words * sizeof(data[0])) < 0)
		return -EFAULT;
	caps.permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	caps.effective = data[0].effective | (uint64_t)data[1].effective << 32;
	caps.inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
	/* The kernel too drops bits that it has no capability for. */
	caps.permitted &= (UINT64_C(2) << CAP_LAST_CAP) - 1;
	caps.effective &= (UINT64_C(2) << CAP_LAST_CAP) - 1;
	caps.inheritable &= (UINT64_C(2) << CAP_LAST_CAP) - 1;
	result = cred_capset(&c, &caps);
	return result < 0 ? result : request_set_cred(r, &c);
}

int do_prctl(struct request *r)
{
	struct cred c = *request_cred(r);
	int result;

	switch (arg_int(r, 0)) {
	case PR_GET_KEEPCAPS:
		r->value = !!(c.securebits & SECBIT_KEEP_CAPS);
		return 0;
	case PR_SET_KEEPCAPS:
		result = cred_set_keepcaps(&c, r->args[1]);
		break;
	case PR_GET_SECUREBITS:
		r->value = c.securebits;
		return 0;
	case PR_SET_SECUREBITS:
		result = cred_set_securebits(&c, r->args[1]);
		break;
	case PR_CAPBSET_DROP:
		/* In truth too: what the container may really do is never more than it believes. */
		result = cred_drop_bounding(&c, r->args[1]);
		if (result == 0)
			result = request_set_cred(r, &c);
		return result < 0 ? result : ANSWER_CONTINUE;
	case PR_CAP_AMBIENT:
		result = cred_ambient(&c, r->args[1], r->args[2]);
		break;
	default:
		return ANSWER_CONTINUE;
	}
	if (result < 0)
		return result;
	r->value = result;
	return request_set_cred(r, &c);
}

int do_umask(struct request *r)
{
	struct cred c = *request_cred(r);

	/* The kernel does it; we note it, since files of users are made by us. */
	c.umask = arg_u32(r, 0) & 0777;
	(void)request_set_cred(r, &c);
	return ANSWER_CONTINUE;
}

static int note_own_root(struct request *r)
{
	struct cred c = *request_cred(r);
	int result;

	c.own_root = 1;
	result = request_set_cred(r, &c);
	return result < 0 ? result : ANSWER_CONTINUE;
}

int do_chroot(struct request *r)
{
	return cred_can(request_cred(r), CAP_SYS_CHROOT) ? note_own_root(r) : -EPERM;
}

/* unshare, setns and pivot_root: paths may mean something else from here on. */
int do_unshare(struct request *r)
{
	return note_own_root(r);
}

static int get_limit(struct request *r, const struct cred *c, uint64_t address)
{
	struct rlimit limit = { c->locks_soft, c->locks_hard };

	return request_write(r, address, &limit, sizeof(limit));
}

static int set_limit(struct request *r, uint64_t address)
{
	struct cred c = *request_cred(r);
	struct rlimit limit;

	if (request_read(r, address, &limit, sizeof(limit)) < 0)
		return -EFAULT;
	if (limit.rlim_cur > limit.rlim_max)
		return -EINVAL;
	if (limit.rlim_max > c.locks_hard && !cred_can(&c, CAP_SYS_RESOURCE))
		return -EPERM;
	c.locks_soft = limit.rlim_cur;
	c.locks_hard = limit.rlim_max;
	return request_set_cred(r, &c);
}

int do_getrlimit(struct request *r)
{
	return get_limit(r, request_cred(r), r->args[1]);
}

int do_setrlimit(struct request *r)
{
	return set_limit(r, r->args[1]);
}

int do_prlimit(struct request *r)
{
	uint32_t pid = arg_u32(r, 0);
	const struct cred *c;
	struct rlimit old;

	if (pid != 0 && (int)pid != status_inner_pid(r->tid)) {
		c = proc_cred_of(r, pid);
		if (!c)
			return -ESRCH;
		old = (struct rlimit){ c->locks_soft, c->locks_hard };
		proc_cred_unref(r, c);
		/* Of others it can be read; setting would have to change what they are, for a limit without effect. */
		if (r->args[2] != 0)
			return -EPERM;
		return r->args[3] == 0 ? 0 : request_write(r, r->args[3], &old, sizeof(old));
	}
	old = (struct rlimit){ request_cred(r)->locks_soft, request_cred(r)->locks_hard };
	if (r->args[2] != 0) {
		int result = set_limit(r, r->args[2]);

		if (result < 0)
			return result;
	}
	return r->args[3] == 0 ? 0 : request_write(r, r->args[3], &old, sizeof(old));
}
