#include "oci/spec.h"

#include "tests/unit/test.h"

#include <errno.h>
#include <string.h>

/* Every field that the struct knows, in the order in which it is written. */
static const char full[] =
	"{\"ociVersion\":\"1.2.0\",\"process\":{\"terminal\":true,\"consoleSize\":{\"height\":24,\"width\":80},"
	"\"user\":{\"uid\":33,\"gid\":34,\"umask\":18,\"additionalGids\":[5,6]},\"args\":[\"sh\",\"-c\",\"echo "
	"\\\"\\\\\\u0001é\\\"\"],"
	"\"env\":[\"A=b\",\"C=\"],\"cwd\":\"/"
	"tmp\",\"capabilities\":{\"bounding\":[\"CAP_CHOWN\"],\"effective\":[\"CAP_CHOWN\"],"
	"\"inheritable\":[\"CAP_KILL\"],\"permitted\":[\"CAP_CHOWN\"],\"ambient\":[\"CAP_KILL\"]},"
	"\"rlimits\":[{\"type\":\"RLIMIT_NOFILE\",\"hard\":18446744073709551615,\"soft\":9223372036854775808}],"
	"\"noNewPrivileges\":true,\"apparmorProfile\":\"p\",\"selinuxLabel\":\"l\",\"oomScoreAdj\":-5,"
	"\"scheduler\":{\"policy\":\"SCHED_RR\",\"nice\":-3,\"priority\":7,\"flags\":[\"SCHED_FLAG_RESET_ON_FORK\"],"
	"\"runtime\":1,"
	"\"deadline\":18446744073709551615,\"period\":3},\"ioPriority\":{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":0},"
	"\"execCPUAffinity\":{\"initial\":\"0\",\"final\":\"0-1\"}},"
	"\"root\":{\"path\":\"merged\",\"readonly\":true},\"hostname\":\"h\",\"domainname\":\"d\","
	"\"mounts\":[{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\",\"options\":[\"nosuid\",\"ro\"]},"
	"{\"destination\":\"/v\",\"source\":\"/src\",\"uidMappings\":[{\"containerID\":0,\"hostID\":1,\"size\":2}]}],"
	"\"hooks\":{\"prestart\":[{\"path\":\"/h\",\"args\":[\"h\"],\"env\":[\"E=1\"],\"timeout\":3}]},"
	"\"annotations\":{\"k\":\"v\",\"k2\":\"\"},"
	"\"linux\":{\"uidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":1}],"
	"\"gidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":1}],\"sysctl\":{\"net.x\":\"1\"},\"cgroupsPath\":"
	"\"/c\","
	"\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"network\",\"path\":\"/run/n\"}],"
	"\"devices\":[{\"path\":\"/dev/"
	"fuse\",\"type\":\"c\",\"major\":10,\"minor\":229,\"fileMode\":438,\"uid\":1,\"gid\":2}],"
	"\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":0,\"architectures\":[\"SCMP_ARCH_X86_"
	"64\"],"
	"\"flags\":[\"SECCOMP_FILTER_FLAG_LOG\"],\"listenerPath\":\"/l\",\"listenerMetadata\":\"m\","
	"\"syscalls\":[{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\",\"errnoRet\":1,"
	"\"args\":[{\"index\":1,\"value\":18446744073709551615,\"valueTwo\":7,\"op\":\"SCMP_CMP_EQ\"}]}]},"
	"\"rootfsPropagation\":\"private\",\"maskedPaths\":[\"/a\"],\"readonlyPaths\":[\"/b\"],\"mountLabel\":\"ml\","
	"\"personality\":{\"domain\":\"LINUX32\",\"flags\":[\"f\"]},"
	"\"timeOffsets\":{\"monotonic\":{\"secs\":-3,\"nanosecs\":4},\"boottime\":{\"secs\":5}},"
	"\"intelRdt\":{\"closID\":\"c\",\"l3CacheSchema\":\"L3:0=f\",\"memBwSchema\":\"MB:0=20\",\"schemata\":[\"L2:0="
	"f\"],"
	"\"enableMonitoring\":true,\"enableCMT\":true,\"enableMBM\":true},"
	"\"memoryPolicy\":{\"mode\":\"MPOL_BIND\",\"nodes\":\"0\",\"flags\":[\"MPOL_F_STATIC_NODES\"]},"
	"\"netDevices\":{\"eth0\":{\"name\":\"e\"},\"eth1\":{}},\"resources\":{"
	"\"pids\":{\"limit\":7}}}}\n";

static void what_is_read_is_written(void **state)
{
	CLEANUP(oci_spec_done) struct oci_spec spec = { 0 };
	autobuf struct buf text = BUF_INIT(65536);
	struct err err = { 0 };

	(void)state;
	if (oci_spec_parse(full, strlen(full), &spec, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(spec.process.rlimits.items[0].hard, UINT64_MAX);
	assert_int_equal(spec.process.rlimits.items[0].soft, UINT64_C(1) << 63);
	assert_int_equal(spec.linux_.seccomp.syscalls.items[0].args.items[0].value, UINT64_MAX);
	assert_int_equal(spec.linux_.monotonic_secs, -3);
	assert_int_equal(spec.process.user.additional_gids.items[1], 6);
	assert_string_equal(spec.linux_.resources, "{\"pids\":{\"limit\":7}}");
	assert_int_equal(oci_spec_write(&spec, &text, &err), 0);
	assert_string_equal(buf_str(&text), full);
}

static void what_is_left_out_stays_out(void **state)
{
	static const char text[] =
		"{\"ociVersion\":\"1.0.2\",\"process\":null,\"root\":{\"path\":\"r\"},\"linux\":{\"seccomp\":null},"
		"\"vm\":{\"unknown\":1},\"mounts\":[]}";
	CLEANUP(oci_spec_done) struct oci_spec spec = { 0 };

	(void)state;
	assert_int_equal(oci_spec_parse(text, strlen(text), &spec, NULL), 0);
	assert_false(spec.linux_.has_seccomp);
	assert_false(spec.process.user.has_umask);
	assert_null(spec.process.cwd);
}

static void mistakes_are_named(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "", "line 1" },
		{ "[]", "is not an object" },
		{ "{\"ociVersion\":\"1.0\",\"root\":{\"path\":\"r\"},\"root\":{}}", "duplicate" },
		{ "{}", "ociVersion: is not there" },
		{ "{\"ociVersion\":\"2.0\",\"root\":{\"path\":\"r\"}}", "is not 1.x" },
		{ "{\"ociVersion\":\"1.0\"}", "root.path" },
		{ "{\"ociVersion\":\"1.0\",\"root\":{\"path\":7}}", "root: path: is not a string" },
		{ "{\"ociVersion\":\"1.0\",\"root\":{\"path\":\"a\\u0000b\"}}", "u0000" },
		{ "{\"ociVersion\":\"1.0\",\"process\":{\"user\":{\"uid\":-1}}}", "process: user: uid: -1" },
		{ "{\"ociVersion\":\"1.0\",\"process\":{\"user\":{\"uid\":4294967296}}}",
		  "process: user: uid: 4294967296" },
		{ "{\"ociVersion\":\"1.0\",\"process\":{\"args\":[\"a\",1]}}", "process: args: [1]: is not a string" },
		{ "{\"ociVersion\":\"1.0\",\"mounts\":[{}]}", "mounts: [0]: destination: is not there" },
		{ "{\"ociVersion\":\"1.0\",\"linux\":{\"namespaces\":[{\"path\":\"x\"}]}}", "type: is not there" },
		{ "{\"ociVersion\":\"1.0\",\"linux\":{\"sysctl\":{\"a\":1}}}", "sysctl: 'a': is not a string" },
		{ "{\"ociVersion\":\"1.0\",\"process\":{\"scheduler\":{}}}", "scheduler: policy: is not there" },
		{ "{\"ociVersion\":\"1.0\",\"process\":{\"ioPriority\":{\"class\":\"x\",\"priority\":2147483648}}}",
		  "ioPriority: priority: 2147483648 is not within" },
		{ "{\"ociVersion\":\"1.0\",\"linux\":{\"netDevices\":{\"e\":7}}}",
		  "netDevices: 'e': is not an object" },
		{ "{\"ociVersion\":\"1.0\",\"process\":{\"terminal\":1}}", "terminal: is not true or false" },
		{ "{\"ociVersion\":\"1.0\",\"process\":{\"oomScoreAdj\":1.5}}", "oomScoreAdj: is not a whole number" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct oci_spec spec = { 0 };
		struct err err = { 0 };

		assert_int_equal(oci_spec_parse(cases[i].text, strlen(cases[i].text), &spec, &err), -EBADMSG);
		if (!strstr(err.msg, cases[i].message))
			fail_msg("'%s' does not have '%s'", err.msg, cases[i].message);
	}
}

static void specs_can_be_changed(void **state)
{
	CLEANUP(oci_spec_done) struct oci_spec spec = { 0 };

	(void)state;
	assert_int_equal(oci_spec_add_mount(&spec, "/a", "tmpfs", "tmpfs", "ro,,nosuid"), 0);
	assert_int_equal(oci_spec_add_mount(&spec, "/b", NULL, "/src", NULL), 0);
	assert_int_equal(spec.mounts.items[0].options.len, 2);
	assert_true(oci_spec_remove_mount(&spec, "/a"));
	assert_false(oci_spec_remove_mount(&spec, "/a"));
	assert_string_equal(spec.mounts.items[0].destination, "/b");

	assert_int_equal(oci_spec_set_namespace(&spec, "network", NULL), 0);
	assert_int_equal(oci_spec_set_namespace(&spec, "network", "/run/n"), 0);
	assert_int_equal(spec.linux_.namespaces.len, 1);
	assert_string_equal(oci_spec_namespace(&spec, "network")->path, "/run/n");
	oci_spec_remove_namespace(&spec, "network");
	assert_null(oci_spec_namespace(&spec, "network"));

	assert_int_equal(oci_spec_set_rlimit(&spec, "RLIMIT_CORE", 1, 2), 0);
	assert_int_equal(oci_spec_set_rlimit(&spec, "RLIMIT_CORE", 3, 4), 0);
	assert_int_equal(spec.process.rlimits.len, 1);
	assert_int_equal(spec.process.rlimits.items[0].hard, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_read_is_written),
		cmocka_unit_test(what_is_left_out_stays_out),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(specs_can_be_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
