/* /proc/self/mountinfo, /proc/PID/cgroup, our own record, and files of a group: each text is taken for all of them. */
#include "tests/fuzz/fuzz.h"

#include "base/cleanup.h"
#include "cgroup/group.h"
#include "cgroup/trees.h"
#include "cgroup/usage.h"

static void check_trees(const char *s)
{
	autotrees struct cgroup_trees t = { 0 };

	cgroup_trees_parse_mounts(s, &t);
	FUZZ_ASSERT(t.len <= CGROUP_TREES_MAX);
	cgroup_trees_parse_own(&t, s);
	for (size_t i = 0; i < t.len; i++)
		FUZZ_ASSERT(!t.items[i].own ||
			    strncmp(t.items[i].own, t.items[i].mount, strlen(t.items[i].mount)) == 0);
}

static void check_record(const char *s)
{
	autocgroup struct cgroup g = { 0 }, back = { 0 };
	autobuf struct buf text = BUF_INIT(1 << 20);

	if (cgroup_parse_record(s, &g) < 0)
		return;
	for (size_t i = 0; i < g.dirs.len; i++)
		FUZZ_ASSERT(g.dirs.items[i].path[0] == '/' && !strstr(g.dirs.items[i].path, "/../"));
	FUZZ_ASSERT(cgroup_record(&g, &text) == 0);
	FUZZ_ASSERT(cgroup_parse_record(buf_str(&text), &back) == 0 && back.dirs.len == g.dirs.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *s = fuzz_string(data, size);
	autoresources struct oci_resources r = { 0 };
	uint64_t in, out;

	check_trees(s);
	check_record(s);
	cgroup_parse_io_v1(s, &in, &out);
	cgroup_parse_io_v2(s, &in, &out);
	oci_resources_parse(s, &r, NULL);
	return 0;
}
