#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Each test works in a folder of its own, which is the current one. */
static int enter_folder(void **state)
{
	char *path = strdup("/tmp/cloche-test-fs-XXXXXX");

	if (!path || !mkdtemp(path) || chdir(path) < 0)
		return -1;
	*state = path;
	return 0;
}

static int leave_folder(void **state)
{
	int r;

	if (chdir("/") < 0)
		return -1;
	r = fs_remove_tree(AT_FDCWD, *state, NULL);
	free(*state);
	return r;
}

static void put(const char *path, const char *text)
{
	assert_int_equal(fs_write_file(AT_FDCWD, path, text, strlen(text), 0644, 0, NULL), 0);
}

static void links_cannot_leave_the_root(void **state)
{
	struct err err = { 0 };
	int root, fd;
	char text[8] = { 0 };

	(void)state;
	assert_int_equal(fs_make_dirs(AT_FDCWD, "root/etc", 0755, NULL), 0);
	put("secret", "outside");
	put("root/etc/x", "inside");
	assert_int_equal(symlink("../../../../../../../etc/x", "root/link"), 0);
	assert_int_equal(symlink("/proc/self/root", "root/magic"), 0);
	root = open("root", O_PATH | O_DIRECTORY);

	fd = fs_open_in_root(root, "/link", O_RDONLY, 0, NULL);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, text, 6), 6);
	assert_string_equal(text, "inside");
	close(fd);
	assert_int_equal(fs_open_in_root(root, "../secret", O_RDONLY, 0, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "'../secret'"));
	assert_true(fs_open_in_root(root, "magic/etc/passwd", O_RDONLY, 0, NULL) < 0);
	assert_int_equal(fs_open_beneath(root, "link", O_RDONLY, 0, NULL), -ELOOP);
	assert_int_equal(fs_open_beneath(root, "../secret", O_RDONLY, 0, NULL), -EXDEV);
	close(root);
}

static void writing_replaces_or_refuses_but_leaves_nothing_aside(void **state)
{
	autobuf struct buf b = BUF_INIT(100);

	(void)state;
	put("f", "one");
	assert_int_equal(fs_write_file(AT_FDCWD, "f", "two", 3, 0600, FS_SYNC, NULL), 0);
	assert_int_equal(fs_write_file(AT_FDCWD, "f", "three", 5, 0600, FS_EXCLUSIVE, NULL), -EEXIST);
	assert_int_equal(fs_read_file(AT_FDCWD, "f", 100, &b, NULL), 0);
	assert_string_equal(b.data, "two");
	assert_int_equal(fs_read_file(AT_FDCWD, "f", 2, &b, NULL), -E2BIG);
	assert_int_equal(fs_write_file(AT_FDCWD, "missing/f", "x", 1, 0600, 0, NULL), -ENOENT);
	assert_int_equal(unlink("f"), 0);
	/* Only what was asked for was ever there: the folder is empty now. */
	assert_int_equal(rmdir("."), -1);
	assert_int_equal(rmdir(*state), 0);
	assert_int_equal(mkdir(*state, 0700), 0);
}

static void removal_takes_closed_folders_but_not_what_links_name(void **state)
{
	(void)state;
	assert_int_equal(fs_make_dirs(AT_FDCWD, "a/b/c", 0755, NULL), 0);
	assert_int_equal(mkdir("keep", 0755), 0);
	put("keep/x", "x");
	put("a/b/c/f", "f");
	assert_int_equal(symlink("../keep", "a/link"), 0);
	assert_int_equal(chmod("a/b/c", 0000), 0);
	assert_int_equal(chmod("a/b", 0555), 0);
	assert_int_equal(fs_remove_tree(AT_FDCWD, "a", NULL), 0);
	assert_int_equal(access("a", F_OK), -1);
	assert_int_equal(access("keep/x", F_OK), 0);
	assert_int_equal(fs_remove_tree(AT_FDCWD, "a", NULL), 0);
	assert_int_equal(fs_remove_tree(AT_FDCWD, "/", NULL), -EINVAL);
	assert_int_equal(fs_remove_tree(AT_FDCWD, "keep/..", NULL), -EINVAL);
}

static void copying_keeps_holes_and_bytes(void **state)
{
	int in = open("in", O_RDWR | O_CREAT, 0600), out = open("out", O_RDWR | O_CREAT, 0600);
	char text[4] = { 0 };
	struct stat st;

	(void)state;
	assert_int_equal(pwrite(in, "abc", 3, 8 << 20), 3);
	assert_int_equal(ftruncate(in, 16 << 20), 0);
	assert_int_equal(fs_copy_data(in, out, 16 << 20, NULL), 0);
	assert_int_equal(fstat(out, &st), 0);
	assert_int_equal(st.st_size, 16 << 20);
	assert_true(st.st_blocks * 512 < 1 << 20);
	assert_int_equal(pread(out, text, 3, 8 << 20), 3);
	assert_string_equal(text, "abc");
	close(in);
	close(out);
}

static void a_lock_is_held_until_it_is_closed(void **state)
{
	int first = fs_lock(AT_FDCWD, "lock", true, false, NULL), second;

	(void)state;
	assert_true(first >= 0);
	assert_int_equal(fs_lock(AT_FDCWD, "lock", false, true, NULL), -EWOULDBLOCK);
	close(first);
	second = fs_lock(AT_FDCWD, "lock", false, true, NULL);
	assert_true(second >= 0);
	close(second);
}

int main(void)
{
#define IN_FOLDER(t) cmocka_unit_test_setup_teardown(t, enter_folder, leave_folder)
	const struct CMUnitTest tests[] = {
		IN_FOLDER(links_cannot_leave_the_root),
		IN_FOLDER(writing_replaces_or_refuses_but_leaves_nothing_aside),
		IN_FOLDER(removal_takes_closed_folders_but_not_what_links_name),
		IN_FOLDER(copying_keeps_holes_and_bytes),
		IN_FOLDER(a_lock_is_held_until_it_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
