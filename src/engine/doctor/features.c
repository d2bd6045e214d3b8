/* System call filters, Landlock, memory files, devices and control groups. */
#include "engine/doctor/check.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "intercept/filter.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- seccomp --- */

static int try_filter(void *arg)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = { .len = 1, .filter = &allow };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, *(const unsigned *)arg, &program) < 0 ? -errno : 0;
}

int doctor_check_seccomp(struct doctor *d)
{
	unsigned none = 0, listener = SECCOMP_FILTER_FLAG_NEW_LISTENER, killable = INTERCEPT_FILTER_FLAGS;
	const char *used =
		d->ids.mode == ID_MODE_SINGLE ? "docker's profile; and the interceptor listens" : "docker's profile";

	if (doctor_try(try_filter, &none) < 0)
		return doctor_add(d, "seccomp", DOCTOR_FATAL, "no filters of system calls", NULL,
				  "containers can't be kept from dangerous calls",
				  "a kernel with CONFIG_SECCOMP_FILTER");
	if (doctor_try(try_filter, &listener) < 0)
		return doctor_add(d, "seccomp", DOCTOR_LESS, "filters, no notification", "docker's profile",
				  "owners can't be emulated where one id is mapped",
				  "kernel 5.0, and no outer filter that forbids it");
	if (doctor_try(try_filter, &killable) < 0)
		return doctor_add(d, "seccomp", DOCTOR_LESS, "filters and notification, not killable ones", used,
				  "signals can run an emulated call twice", "kernel 5.19");
	return doctor_add(d, "seccomp", DOCTOR_OK, "filters, notification, killable notification", used, NULL, NULL);
}

/* --- Landlock --- */

int doctor_check_landlock(struct doctor *d)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	char found[48];

	if (abi <= 0)
		return doctor_add(
			d, "landlock", DOCTOR_MISSING, "not there", NULL,
			"the layer helper, which reads archives from outside, is held by its seccomp filter only",
			"boot with lsm=landlock,… (kernel 5.13)");
	snprintf(found, sizeof(found), "ABI %ld", abi);
	return doctor_add(d, "landlock", DOCTOR_OK, found, "the layer helper reaches nothing but what it was given",
			  NULL, NULL);
}

/* --- programs in memory files --- */

static int try_memfd(void *arg)
{
	int fd = memfd_create("cloche-probe", MFD_CLOEXEC | 0x0010U /* MFD_EXEC */),
	    self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	char *const argv[] = { (char[]){ "cloche" }, (char[]){ "version" }, NULL };
	char *const envp[] = { NULL };
	int null;
	struct stat st;

	(void)arg;
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("cloche-probe", MFD_CLOEXEC);
	if (fd < 0 || self < 0 || fstat(self, &st) < 0)
		return -errno;
	if (sendfile(fd, self, NULL, (size_t)st.st_size) != st.st_size)
		return -EIO;
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (null < 0 || dup2(null, STDOUT_FILENO) < 0)
		return -errno;
	fexecve(fd, argv, envp);
	return -errno;
}

int doctor_check_memfd(struct doctor *d)
{
	int r = doctor_try(try_memfd, NULL);

	if (r >= 0)
		return doctor_add(d, "memory files", DOCTOR_OK, "can be executed",
				  "a container never has a handle to our own program", NULL, NULL);
	return doctor_add(d, "memory files", DOCTOR_FATAL, strerror(-r), NULL,
			  "the last step into a container can't be made", "sysctl vm.memfd_noexec=0");
}

/* --- devices --- */

static int check_tun(struct doctor *d)
{
	autoclose int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return doctor_add(d, "tun", DOCTOR_OK, "/dev/net/tun can be opened", NULL, NULL, NULL);
	return doctor_add(d, "tun", DOCTOR_MISSING, strerror(errno), NULL,
			  "nothing yet; private networks of containers, which come with the next version, need it",
			  "modprobe tun; chmod 666 /dev/net/tun");
}

static int check_fuse(struct doctor *d)
{
	autoclose int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return doctor_add(d, "fuse", DOCTOR_OK, "/dev/fuse can be opened", NULL, NULL, NULL);
	return doctor_add(d, "fuse", DOCTOR_MISSING, strerror(errno), NULL,
			  "nothing: the kernel's overlay is used, never FUSE", NULL);
}

static int check_kvm(struct doctor *d)
{
	autoclose int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int version = fd < 0 ? -1 : ioctl(fd, KVM_GET_API_VERSION, 0);
	char found[48];

	if (version < 0)
		return doctor_add(d, "kvm", DOCTOR_MISSING, fd < 0 ? strerror(errno) : "does not answer", NULL,
				  "nothing yet; the sandbox, which comes later, has slower ways", NULL);
	snprintf(found, sizeof(found), "API %d", version);
	return doctor_add(d, "kvm", DOCTOR_OK, found, NULL, NULL, NULL);
}

int doctor_check_devices(struct doctor *d)
{
	int r = check_tun(d);

	if (r >= 0)
		r = check_fuse(d);
	return r < 0 ? r : check_kvm(d);
}
