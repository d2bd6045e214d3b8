#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "engine/build/changes.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static char folder[] = "/var/tmp/test_changes.XXXXXX";

static void write_file(int dir, const char *path, const char *text)
{
	assert_int_equal(fs_write_file(dir, path, text, strlen(text), 0644, 0, NULL), 0);
}

static bool is_whiteout(int dir, const char *path)
{
	struct stat st;

	return fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == 0;
}

static bool exists(int dir, const char *path)
{
	return faccessat(dir, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void what_differs_becomes_an_upper_folder(void **state)
{
	CLEANUP(build_tree_done) struct build_tree tree = BUILD_TREE_INIT;
	struct idmap ids = { .mode = ID_MODE_ROOT };
	autostrv struct strv lowers = { 0 };
	autoclose int dir = -1, t = -1, up = -1, next = -1;
	char path[128], value;
	struct stat st;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_non_null(mkdtemp(folder));
	dir = open(folder, O_RDONLY | O_DIRECTORY);
	assert_int_equal(fs_make_dirs(dir, "low/keep/deep", 0755, NULL), 0);
	assert_int_equal(fs_make_dirs(dir, "low/gone", 0755, NULL), 0);
	assert_int_equal(fs_make_dirs(dir, "low/again", 0755, NULL), 0);
	write_file(dir, "low/keep/same", "same");
	write_file(dir, "low/keep/deep/changed", "before");
	write_file(dir, "low/keep/deleted", "x");
	write_file(dir, "low/gone/a", "x");
	write_file(dir, "low/again/old", "x");
	assert_int_equal(mkdirat(dir, "upper", 0755), 0);
	snprintf(path, sizeof(path), "%s/low", folder);
	assert_int_equal(strv_add(&lowers, path), 0);
	snprintf(path, sizeof(path), "%s/tree", folder);
	assert_int_equal(build_tree_make(&ids, &lowers, path, &tree, NULL), 0);

	t = open(path, O_RDONLY | O_DIRECTORY);
	write_file(t, "keep/deep/changed", "after");
	assert_int_equal(unlinkat(t, "keep/deleted", 0), 0);
	assert_int_equal(fs_remove_tree(t, "gone", NULL), 0);
	/* Made before the other goes, so that it can't get its inode. */
	assert_int_equal(mkdirat(t, "again.new", 0700), 0);
	assert_int_equal(fs_remove_tree(t, "again", NULL), 0);
	assert_int_equal(renameat(t, "again.new", t, "again"), 0);
	write_file(t, "again/new", "x");
	write_file(t, "top", "x");

	snprintf(path, sizeof(path), "%s/upper", folder);
	assert_int_equal(build_tree_collect(&ids, &tree, path, NULL), 0);
	up = open(path, O_RDONLY | O_DIRECTORY);
	assert_false(exists(up, "keep/same"));
	assert_int_equal(fstatat(up, "keep/deep/changed", &st, 0), 0);
	assert_int_equal(st.st_size, 5);
	assert_true(is_whiteout(up, "keep/deleted"));
	assert_true(is_whiteout(up, "gone"));
	assert_true(exists(up, "again/new"));
	assert_false(exists(up, "again/old"));
	snprintf(path, sizeof(path), "%s/upper/again", folder);
	assert_int_equal(getxattr(path, "user.overlay.opaque", &value, 1), 1);
	assert_int_equal(fstatat(up, "again", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_true(exists(up, "top"));

	/* The tree goes on from there: the next step's changes are its own alone. */
	write_file(t, "second", "x");
	snprintf(path, sizeof(path), "%s/next", folder);
	assert_int_equal(mkdirat(dir, "next", 0755), 0);
	assert_int_equal(build_tree_collect(&ids, &tree, path, NULL), 0);
	next = open(path, O_RDONLY | O_DIRECTORY);
	assert_true(exists(next, "second"));
	assert_false(exists(next, "top"));
	assert_false(exists(next, "keep"));
	/* And what the layer has is its own: the tree can be written to. */
	write_file(t, "top", "changed");
	assert_int_equal(fstatat(up, "top", &st, 0), 0);
	assert_int_equal(st.st_size, 1);
	assert_int_equal(fs_remove_tree(AT_FDCWD, folder, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_differs_becomes_an_upper_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
