#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "engine/layered.h"
#include "engine/run/user.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34::/srv/web:/bin/false\nbroken\nlate:x:bad:1::/"
			     ":\nlast:x:50:51::/last";
static const char group[] =
	"root:x:0:\nwww:x:34:\naudio:x:29:web,other\nvideo:x:44:other,web\nnear:x:45:webx\nadm:x:4:root";

static void users_become_ids(void **state)
{
	static const struct {
		const char *in, *add;
		int result;
		uint32_t uid, gid;
		const char *home;
		size_t groups;
		uint32_t first;
	} cases[] = {
		{ NULL, NULL, 0, 0, 0, "/root", 1, 4 },
		{ "", NULL, 0, 0, 0, "/root", 1, 4 },
		{ "web", NULL, 0, 33, 34, "/srv/web", 2, 29 },
		{ "33", NULL, 0, 33, 34, "/srv/web", 2, 29 },
		{ "web:www", NULL, 0, 33, 34, "/srv/web", 0, 0 },
		{ "web:7", NULL, 0, 33, 7, "/srv/web", 0, 0 },
		{ "1234", NULL, 0, 1234, 0, "/", 0, 0 },
		{ "1234:video", NULL, 0, 1234, 44, "/", 0, 0 },
		{ "last", NULL, 0, 50, 51, "/last", 0, 0 },
		{ "web", "adm", 0, 33, 34, "/srv/web", 3, 29 },
		{ "1", "77", 0, 1, 0, "/", 1, 77 },
		{ ":audio", NULL, 0, 0, 29, "/root", 0, 0 },
		{ "nobody", NULL, -EINVAL },
		{ "web:nogroup", NULL, -EINVAL },
		{ "late", NULL, -EINVAL },
		{ "4294967295", NULL, -EINVAL },
		{ "web", "nogroup", -EINVAL },
		{ "-1", NULL, -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autostrv struct strv add = { 0 };
		struct run_user u = { 0 };

		if (cases[i].add)
			strv_add(&add, cases[i].add);
		assert_int_equal(run_user_resolve(cases[i].in, &add, passwd, group, &u, NULL), cases[i].result);
		if (cases[i].result < 0)
			continue;
		assert_int_equal(u.uid, cases[i].uid);
		assert_int_equal(u.gid, cases[i].gid);
		assert_string_equal(u.home, cases[i].home);
		assert_int_equal(u.groups.len, cases[i].groups);
		if (u.groups.len)
			assert_int_equal(u.groups.items[0], cases[i].first);
		run_user_done(&u);
	}
}

static void put(int at, const char *path, const char *text)
{
	int fd = openat(at, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void expect_file(const struct layered *l, const char *path, int result, const char *text)
{
	autobuf struct buf b = BUF_INIT(100);

	assert_int_equal(layered_read_file(l, path, 100, &b, NULL), result);
	if (text)
		assert_string_equal(buf_str(&b), text);
}

/* Two layers: links inside the image, links that try to leave it, a folder hidden by a file. */
static void layers_are_read_without_a_mount(void **state)
{
	char dir[] = "/tmp/cloche-layered-XXXXXX";
	int fds[2];
	struct layered l = { fds, 2 };

	(void)state;
	assert_non_null(mkdtemp(dir));
	for (int i = 0; i < 2; i++) {
		char path[64];

		snprintf(path, sizeof(path), "%s/%d", dir, i);
		mkdir(path, 0700);
		fds[i] = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(fds[i] >= 0);
	}
	mkdirat(fds[0], "etc", 0700);
	mkdirat(fds[1], "etc", 0700);
	mkdirat(fds[1], "data", 0700);
	mkdirat(fds[1], "hidden", 0700);
	put(fds[1], "etc/low", "low");
	put(fds[1], "etc/both", "old");
	put(fds[0], "etc/both", "new");
	put(fds[1], "data/x", "x");
	put(fds[1], "hidden/x", "x");
	put(fds[0], "hidden", "now a file");
	symlinkat("../../../data/x", fds[0], "etc/up");
	symlinkat("/data", fds[0], "to-data");
	symlinkat("loop", fds[0], "loop");
	expect_file(&l, "/etc/low", 0, "low");
	expect_file(&l, "/etc/both", 0, "new");
	expect_file(&l, "/etc/up", 0, "x");
	expect_file(&l, "/to-data/x", 0, "x");
	expect_file(&l, "/hidden/x", -ENOTDIR, NULL);
	expect_file(&l, "/loop", -ELOOP, NULL);
	expect_file(&l, "/none/x", -ENOENT, NULL);
	expect_file(&l, "/etc", -EISDIR, NULL);
	for (int i = 0; i < 2; i++)
		close(fds[i]);
	assert_int_equal(fs_remove_tree(AT_FDCWD, dir, NULL), 0);
}

static void ids_are_counted(void **state)
{
	static const char users[] =
		"root:x:0:0::/:\nnobody:x:65534:65534::/:\nold:x:300:2000::/:\nodd:x:y:9999999999\n";
	struct run_user nobody_else = { .uid = 7, .gid = 7 }, late = { .uid = 4000, .gid = 7 };

	(void)state;
	assert_int_equal(run_user_count_ids(&nobody_else, "", ""), 8);
	assert_int_equal(run_user_count_ids(&nobody_else, users, "nogroup:x:65534:\n"), 2001);
	assert_int_equal(run_user_count_ids(&nobody_else, users, "wheel:x:2500:\n"), 2501);
	assert_int_equal(run_user_count_ids(&late, users, ""), 4001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(users_become_ids),
		cmocka_unit_test(ids_are_counted),
		cmocka_unit_test(layers_are_read_without_a_mount),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
