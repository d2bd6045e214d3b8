#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "cgroup/group.h"
#include "cgroup/trees.h"
#include "cgroup/usage.h"

#include <errno.h>

static const char hybrid[] =
	"30 22 0:27 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
	"31 30 0:28 / /sys/fs/cgroup/cpu rw,relatime shared:3 master:1 - cgroup cgroup rw,cpu,cpuacct\n"
	"34 30 0:31 /docker/x /sys/fs/cgroup/a\\040b rw,relatime - cgroup cgroup rw,memory\n"
	"39 30 0:36 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,release_agent=/x,name=systemd\n"
	"40 30 0:37 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
	"41 30 0:37 / /elsewhere rw,relatime - cgroup2 cgroup2 rw\n"
	"a line that is none - cgroup cgroup rw,cpu\n";

static void trees_are_read(void **state)
{
	autotrees struct cgroup_trees t = { 0 };

	(void)state;
	assert_int_equal(cgroup_trees_parse_mounts(hybrid, &t), 0);
	assert_int_equal(
		cgroup_trees_parse_own(&t, "9:name=systemd:/s\n4:memory:/docker/x/y\n3:cpu,cpuacct:/a\n0::/u\n"), 0);
	assert_int_equal(t.len, 4);
	assert_string_equal(t.items[0].controllers, "cpu,cpuacct");
	assert_string_equal(t.items[0].own, "/sys/fs/cgroup/cpu/a");
	assert_string_equal(t.items[1].mount, "/sys/fs/cgroup/a b");
	assert_string_equal(t.items[1].own, "/sys/fs/cgroup/a b/y");
	assert_string_equal(t.items[2].controllers, "name=systemd");
	assert_string_equal(t.items[3].own, "/sys/fs/cgroup/unified/u");
	assert_ptr_equal(cgroup_trees_with(&t, "cpuacct"), &t.items[0]);
	assert_ptr_equal(cgroup_trees_unified(&t), &t.items[3]);
	assert_null(cgroup_trees_with(&t, "pids"));
	assert_null(cgroup_trees_with(&t, "cp"));
}

/* A group outside of what is mounted has no folder. */
static void groups_outside_have_no_folder(void **state)
{
	static const char *const lines[] = {
		"4:memory:/docker\n", "4:memory:/docker/xy\n", "4:memory:/../x\n", "4:memory\n", "", ":::\n"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		autotrees struct cgroup_trees t = { 0 };

		assert_int_equal(cgroup_trees_parse_mounts(hybrid, &t), 0);
		assert_int_equal(cgroup_trees_parse_own(&t, lines[i]), 0);
		assert_null(t.items[1].own);
	}
}

static void records_read_back(void **state)
{
	static const char text[] = "1 memory /a/b c\n1 cpu,cpuacct /d\n2 memory,pids /e/f\nscope cloche-x.scope\n";
	autocgroup struct cgroup g = { 0 };
	autobuf struct buf again = BUF_INIT(CGROUP_RECORD_MAX);

	(void)state;
	assert_int_equal(cgroup_parse_record(text, &g), 0);
	assert_string_equal(cgroup_unified(&g)->path, "/e/f");
	assert_string_equal(cgroup_with(&g, "cpuacct")->path, "/d");
	assert_true(g.scope_made);
	assert_int_equal(cgroup_record(&g, &again), 0);
	assert_string_equal(buf_str(&again), text);
}

/* Whatever it names is removed later: nothing but clean paths. */
static void bad_records_are_refused(void **state)
{
	static const char *const texts[] = {
		"1 memory relative\n", "1 memory /a/../b\n", "1 memory /\n", "3 memory /a\n",
		"2 a /b\n2 a /c\n",    "1 memory\n",	     "word\n",	     "scope a\nscope b\n"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		autocgroup struct cgroup g = { 0 };

		assert_int_equal(cgroup_parse_record(texts[i], &g), -EBADMSG);
	}
}

static void io_is_summed_up(void **state)
{
	uint64_t in, out;

	(void)state;
	cgroup_parse_io_v2("8:0 rbytes=4096 wbytes=1 rios=2\n8:16 rbytes=1 wbytes=2 dbytes=9\n", &in, &out);
	assert_int_equal(in, 4097);
	assert_int_equal(out, 3);
	cgroup_parse_io_v1("8:0 Read 100\n8:0 Write 7\n8:0 Sync 107\n8:0 Total 107\n8:16 Read 1\nTotal 108\n", &in,
			   &out);
	assert_int_equal(in, 101);
	assert_int_equal(out, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trees_are_read),    cmocka_unit_test(groups_outside_have_no_folder),
		cmocka_unit_test(records_read_back), cmocka_unit_test(bad_records_are_refused),
		cmocka_unit_test(io_is_summed_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
