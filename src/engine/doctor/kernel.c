/* Namespaces, ids and the kernel's own features, tried in children. */
#include "engine/doctor/check.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"
#include "sys/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

/* --- version --- */

static bool kernel_at_least(const char *release, uint32_t major, uint32_t minor)
{
	uint32_t have[2] = { 0, 0 };

	for (int i = 0; i < 2 && *release; i++) {
		size_t len = strspn(release, "0123456789");
		char digits[8] = "";

		snprintf(digits, sizeof(digits), "%.*s", (int)len, release);
		num_parse_u32(digits, 100000, &have[i]);
		release += len + (release[len] == '.');
	}
	return have[0] > major || (have[0] == major && have[1] >= minor);
}

int doctor_check_kernel(struct doctor *d)
{
	struct utsname u = { 0 };
	char found[160];

	uname(&u);
	snprintf(found, sizeof(found), "Linux %.60s, %.40s", u.release, u.machine);
	if (!kernel_at_least(u.release, 5, 19))
		return doctor_add(d, "kernel", DOCTOR_LESS, found, NULL,
				  "before 5.19, a signal can run an emulated system call twice; before 5.11, no "
				  "overlay without root",
				  "a newer kernel");
	return doctor_add(d, "kernel", DOCTOR_OK, found, NULL, NULL, NULL);
}

/* --- user namespaces --- */

static int try_userns(void *arg)
{
	(void)arg;
	return unshare(CLONE_NEWUSER) < 0 ? -errno : 0;
}

static void add_sysctl(char *dst, size_t size, const char *path, const char *name)
{
	char value[32];
	size_t len = strlen(dst);

	doctor_read(path, value, sizeof(value));
	if (*value)
		snprintf(dst + len, size - len, ", %s=%s", name, value);
}

int doctor_check_userns(struct doctor *d)
{
	char found[512] = "allowed";
	struct err err = { 0 };
	int r = doctor_try(try_userns, NULL);

	if (r < 0)
		snprintf(found, sizeof(found), "refused: %s", strerror(-r));
	add_sysctl(found, sizeof(found), "/proc/sys/user/max_user_namespaces", "user.max_user_namespaces");
	add_sysctl(found, sizeof(found), "/proc/sys/kernel/unprivileged_userns_clone",
		   "kernel.unprivileged_userns_clone");
	add_sysctl(found, sizeof(found), "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
		   "kernel.apparmor_restrict_unprivileged_userns");
	d->userns = r >= 0;
	if (r >= 0)
		return doctor_add(d, "user namespaces", DOCTOR_OK, found,
				  "a container's root is nobody special outside", NULL, NULL);
	userns_refused(-r, &err);
	return doctor_add(d, "user namespaces", DOCTOR_FATAL, found, NULL, "no container can be made without them",
			  err.hint);
}

/* --- ids --- */

static int try_nothing(void *arg, struct err *err)
{
	(void)arg;
	(void)err;
	return 0;
}

static int ids_of_root(struct doctor *d)
{
	return doctor_add(d, "ids", DOCTOR_OK, "we are root", "all ids are mapped as they are", NULL, NULL);
}

static int ids_of_range(struct doctor *d)
{
	struct err err = { 0 };
	uint64_t count = 0;
	char found[128];

	for (size_t i = 0; i < d->ids.uids_len; i++)
		count += d->ids.uids[i].count;
	snprintf(found, sizeof(found), "%llu ids by /etc/subuid and newuidmap", (unsigned long long)count);
	if (userns_run(&d->ids, 0, try_nothing, NULL, &err) >= 0)
		return doctor_add(d, "ids", DOCTOR_OK, found, "files have real owners; nothing is emulated", NULL,
				  NULL);
	return doctor_add(d, "ids", DOCTOR_FATAL, err.msg, NULL, "the range is there and can't be mapped",
			  *err.hint ? err.hint : "CLOCHE_IDS=single does without it");
}

static int ids_of_single(struct doctor *d)
{
	static const char remedy[] =
		"to do without emulation: apt-get install uidmap, and as root: usermod --add-subuids 100000-165535 "
		"--add-subgids 100000-165535 USER";

	return doctor_add(
		d, "ids", DOCTOR_LESS, "one id: no range in /etc/subuid, or no newuidmap",
		"owners are kept in attributes of files, and the interceptor answers chown, setuid and stat",
		"calls about owners are answered by another process: find and tar take several times as long; "
		"in 32-bit programs they fail",
		remedy);
}

int doctor_check_ids(struct doctor *d)
{
	switch (d->ids.mode) {
	case ID_MODE_ROOT:
		return ids_of_root(d);
	case ID_MODE_RANGE:
		return ids_of_range(d);
	case ID_MODE_SINGLE:
		break;
	}
	return ids_of_single(d);
}

/* --- the other namespaces --- */

static int try_unshare(void *arg)
{
	return unshare(CLONE_NEWUSER | *(const int *)arg) < 0 ? -errno : 0;
}

int doctor_check_namespaces(struct doctor *d)
{
	static const struct {
		int flag;
		const char *name;
	} kinds[] = {
		{ CLONE_NEWNS, "mount" },  { CLONE_NEWPID, "pid" }, { CLONE_NEWNET, "network" },
		{ CLONE_NEWUTS, "uts" },   { CLONE_NEWIPC, "ipc" }, { CLONE_NEWCGROUP, "cgroup" },
		{ CLONE_NEWTIME, "time" },
	};
	char have[128] = "user", lack[128] = "", cost[200];

	if (!d->userns)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		int flag = kinds[i].flag;
		char *to = doctor_try(try_unshare, &flag) < 0 ? lack : have;
		size_t len = strlen(to);

		snprintf(to + len, 128 - len, "%s%s", len ? " " : "", kinds[i].name);
	}
	if (!*lack)
		return doctor_add(d, "namespaces", DOCTOR_OK, have, "all of them; time where it is asked for", NULL,
				  NULL);
	snprintf(cost, sizeof(cost), "these can't be made: %s", lack);
	return doctor_add(d, "namespaces", strcmp(lack, "time") == 0 ? DOCTOR_LESS : DOCTOR_FATAL, have, NULL, cost,
			  "a kernel with these namespaces, and no filter or limit that forbids them");
}

static int mount_proc_in_child(void)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return -errno;
	if (pid == 0)
		_exit(mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0 ? errno : 0);
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

static int try_proc(void *arg)
{
	(void)arg;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID) < 0)
		return -errno;
	return mount_proc_in_child();
}

int doctor_check_proc(struct doctor *d)
{
	int r = d->userns ? doctor_try(try_proc, NULL) : 0;

	if (!d->userns)
		return 0;
	if (r >= 0)
		return doctor_add(d, "proc", DOCTOR_OK, "a procfs of one's own can be mounted",
				  "each container has its own", NULL, NULL);
	return doctor_add(d, "proc", DOCTOR_LESS, "mounting procfs is refused", NULL,
			  "here /proc is partly hidden, as in a container of another tool, so a pid namespace of one's "
			  "own shows nothing",
			  "--pid host; or start the outer container with an unmasked /proc");
}
