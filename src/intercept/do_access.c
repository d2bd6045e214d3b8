/* Calls that level 3 looks at only to refuse them; what may pass the kernel does. */
#include "base/cleanup.h"
#include "intercept/access.h"
#include "intercept/client.h"
#include "intercept/handlers.h"
#include "intercept/intern.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <unistd.h>

/* The check's refusal, or the kernel's turn. */
static int unless_refused(int result)
{
	return result < 0 ? result : ANSWER_CONTINUE;
}

/* access(2) asks for the real ids, with the capabilities that exec would give them. */
static int check_access(struct request *r, int dirfd, uint64_t path, int mode, unsigned flags)
{
	autoplace struct place p;
	struct cred c = *request_cred(r);

	if (!(flags & AT_EACCESS)) {
		c.uid[ID_FS] = c.uid[ID_REAL];
		c.gid[ID_FS] = c.gid[ID_REAL];
		c.effective = c.uid[ID_REAL] == 0 ? c.permitted : 0;
	}
	if (place_init(&p, r, dirfd, path, flags & AT_EMPTY_PATH) < 0)
		return ANSWER_CONTINUE;
	return unless_refused(access_check(r, &p, !(flags & AT_SYMLINK_NOFOLLOW), &c, mode & 7));
}

int do_access(struct request *r)
{
	return check_access(r, AT_FDCWD, r->args[0], arg_int(r, 1), 0);
}

int do_faccessat(struct request *r)
{
	return check_access(r, arg_int(r, 0), r->args[1], arg_int(r, 2), r->nr == __NR_faccessat ? 0 : arg_u32(r, 3));
}

static int check_name(struct request *r, int dirfd, uint64_t path, bool is_removal)
{
	autoplace struct place p;

	if (place_init(&p, r, dirfd, path, false) < 0)
		return 0;
	return access_check_name(r, &p, is_removal);
}

int do_unlink(struct request *r)
{
	return unless_refused(check_name(r, AT_FDCWD, r->args[0], true));
}

int do_unlinkat(struct request *r)
{
	return unless_refused(check_name(r, arg_int(r, 0), r->args[1], true));
}

static int check_rename(struct request *r, int from_dir, uint64_t from, int to_dir, uint64_t to)
{
	int result = check_name(r, from_dir, from, true);

	if (result == 0)
		result = check_name(r, to_dir, to, true);
	return unless_refused(result);
}

int do_rename(struct request *r)
{
	return check_rename(r, AT_FDCWD, r->args[0], AT_FDCWD, r->args[1]);
}

int do_renameat(struct request *r)
{
	return check_rename(r, arg_int(r, 0), r->args[1], arg_int(r, 2), r->args[3]);
}

int do_link(struct request *r)
{
	return unless_refused(check_name(r, AT_FDCWD, r->args[1], false));
}

int do_linkat(struct request *r)
{
	return unless_refused(check_name(r, arg_int(r, 2), r->args[3], false));
}

static int check_owner(struct request *r, int dirfd, uint64_t path, unsigned flags)
{
	autoplace struct place p;

	if (place_init(&p, r, dirfd, path, flags & AT_EMPTY_PATH) < 0)
		return ANSWER_CONTINUE;
	return unless_refused(access_check_owner(r, &p, !(flags & AT_SYMLINK_NOFOLLOW)));
}

int do_chmod(struct request *r)
{
	return check_owner(r, AT_FDCWD, r->args[0], 0);
}

int do_fchmod(struct request *r)
{
	autoplace struct place p;

	if (place_init_fd(&p, r, arg_int(r, 0)) < 0)
		return ANSWER_CONTINUE;
	return unless_refused(access_check_owner(r, &p, true));
}

int do_fchmodat(struct request *r)
{
	return check_owner(r, arg_int(r, 0), r->args[1], r->nr == __NR_fchmodat ? 0 : arg_u32(r, 3));
}

int do_truncate(struct request *r)
{
	autoplace struct place p;

	if (place_init(&p, r, AT_FDCWD, r->args[0], false) < 0)
		return ANSWER_CONTINUE;
	return unless_refused(access_check(r, &p, true, request_cred(r), W_OK));
}

/* The present time may be set by whoever may write, any other by the owner. */
static int check_times(struct request *r, int dirfd, uint64_t path, uint64_t times, unsigned flags)
{
	autoplace struct place p;
	int result;

	if (place_init(&p, r, dirfd, path, true) < 0)
		return ANSWER_CONTINUE;
	result = access_check_owner(r, &p, !(flags & AT_SYMLINK_NOFOLLOW));
	if (result < 0 && times == 0)
		result = access_check(r, &p, true, request_cred(r), W_OK);
	return unless_refused(result);
}

int do_utime(struct request *r)
{
	return check_times(r, AT_FDCWD, r->args[0], r->args[1], 0);
}

int do_futimesat(struct request *r)
{
	return check_times(r, arg_int(r, 0), r->args[1], r->args[2], 0);
}

int do_utimensat(struct request *r)
{
	return check_times(r, arg_int(r, 0), r->args[1], r->args[2], arg_u32(r, 3));
}

/* kill(2): the same user, or the capability. Groups of processes are left to the kernel. */
int do_kill(struct request *r)
{
	const struct cred *c = request_cred(r), *target;
	int pid = arg_int(r, 0);
	bool may;

	if (pid <= 0 || cred_can(c, CAP_KILL))
		return ANSWER_CONTINUE;
	target = client_cred_inside((uint32_t)pid);
	if (!target)
		return ANSWER_CONTINUE;
	may = c->uid[ID_EFFECTIVE] == target->uid[ID_REAL] || c->uid[ID_EFFECTIVE] == target->uid[ID_SAVED] ||
	      c->uid[ID_REAL] == target->uid[ID_REAL] || c->uid[ID_REAL] == target->uid[ID_SAVED];
	intern_unref(target);
	return may ? ANSWER_CONTINUE : -EPERM;
}

int do_admin(struct request *r)
{
	return cred_can(request_cred(r), CAP_SYS_ADMIN) ? ANSWER_CONTINUE : -EPERM;
}
