/*
 * Whatever an archive says, unpacking it touches nothing outside of its folder, and what it made can be
 * removed again. The tree lies in memory, in a folder of its own for each process.
 */
#include "base/cleanup.h"
#include "codec/tar.h"
#include "fuzz.h"
#include "layer/apply.h"
#include "sys/fs.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { INPUT_MAX = 32768 };

static char top[] = "/dev/shm/cloche-fuzz-XXXXXX";
static int top_fd = -1, start_fd = -1;

static void remove_top(void)
{
	fs_remove_tree(top_fd, "out", NULL);
	unlinkat(top_fd, "witness", 0);
	rmdir(top);
}

static void set_up(void)
{
	int fd;

	start_fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	FUZZ_ASSERT(start_fd >= 0 && mkdtemp(top));
	top_fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = openat(top_fd, "witness", O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
	FUZZ_ASSERT(fd >= 0 && write(fd, "here", 4) == 4);
	close(fd);
	umask(0);
	atexit(remove_top);
}

/* The witness is as it was, with one name, and beside it is only the tree. */
static void check_outside(void)
{
	DIR *dir = fdopendir(openat(top_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	struct dirent *d;
	struct stat st;

	FUZZ_ASSERT(fstatat(top_fd, "witness", &st, AT_SYMLINK_NOFOLLOW) == 0);
	FUZZ_ASSERT(st.st_size == 4 && st.st_nlink == 1 && st.st_mode == (S_IFREG | 0640));
	while ((d = readdir(dir)))
		FUZZ_ASSERT(d->d_name[0] == '.' || strcmp(d->d_name, "out") == 0 || strcmp(d->d_name, "witness") == 0);
	closedir(dir);
}

/* As in fuzz_tar.c: a fuzzer doesn't find checksums. */
static void repair(uint8_t *data, size_t size)
{
	for (size_t at = 0; at + TAR_BLOCK_SIZE <= size; at += TAR_BLOCK_SIZE) {
		uint8_t *block = data + at;
		char text[16];
		uint32_t sum = 8 * ' ';

		if (memcmp(block + 257, "ustar", 5) != 0)
			continue;
		for (size_t i = 0; i < TAR_BLOCK_SIZE; i++)
			sum += i < 148 || i >= 156 ? block[i] : 0;
		snprintf(text, sizeof(text), "%06o", sum);
		memcpy(block + 148, text, 7);
		block[155] = ' ';
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct layer_limits limits = { .entries = 200, .bytes = 1 << 20 };
	struct layer_result result = { 0 };
	uint8_t copy[INPUT_MAX];
	struct apply *a = NULL;
	int fd;

	if (size == 0 || size > INPUT_MAX)
		return 0;
	if (top_fd < 0)
		set_up();
	memcpy(copy, data, size);
	repair(copy, size);
	FUZZ_ASSERT(mkdirat(top_fd, "out", 0755) == 0);
	fd = openat(top_fd, "out", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* Owner attributes need rights that a fuzzer hasn't: they fail, and that too must be clean. */
	FUZZ_ASSERT(apply_new(fd, "", data[size - 1] & (LAYER_PLAIN | LAYER_NO_OWNERS), data[size - 1] & 64, &limits,
			      &a, NULL) == 0);
	if (apply_feed(a, copy, size, NULL) == 0)
		apply_finish(a, false, &result, NULL);
	apply_free(a);
	close(fd);
	FUZZ_ASSERT(fchdir(start_fd) == 0);
	FUZZ_ASSERT(fs_remove_tree(top_fd, "out", NULL) == 0);
	check_outside();
	return 0;
}
