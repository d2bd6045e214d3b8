/* The memory file that a container's process executes. */
#include "runtime/start.h"
#include "base/cleanup.h"
#include "sys/fs.h"

#include "init_blob.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

static const char *const temporary_folders[] = { "/dev/shm", "/run", "/tmp", "/var/tmp" };

/* Where vm.memfd_noexec=2 forbids memory files: a nameless file, of this container alone, open for reading only. */
static int open_in_folder(const char *folder)
{
	autoclose int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0500);
	char path[64];

	if (fd < 0 || fs_write_all(fd, init_blob, sizeof(init_blob), NULL) < 0 || fchmod(fd, 0555) < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	/* Also where it may be written but not executed there. */
	return access(path, X_OK) == 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
}

static int open_memory_file(void)
{
	int fd = memfd_create("init", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);

	/* MFD_EXEC came with Linux 6.3. */
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("init", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd;
}

int init_image_open(struct err *err)
{
	autoclose int fd = open_memory_file();
	int code = errno;

	if (fd < 0) {
		for (size_t i = 0; i < ARRAY_SIZE(temporary_folders) && fd < 0; i++)
			fd = open_in_folder(temporary_folders[i]);
		return fd >= 0 ? TAKE_FD(fd) : err_errno(err, code, "make a memory file for init");
	}
	if (fs_write_all(fd, init_blob, sizeof(init_blob), err) < 0)
		return err_wrap(err, "make a memory file for init");
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return err_errno(err, errno, "seal the memory file of init");
	return TAKE_FD(fd);
}
