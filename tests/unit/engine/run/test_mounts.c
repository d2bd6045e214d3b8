#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "engine/run/mounts.h"

#include <errno.h>
#include <string.h>

static void volumes_are_read_as_docker_reads_them(void **state)
{
	static const struct {
		const char *in;
		int result;
		const char *source, *target, *propagation;
		bool read_only, relabel;
	} cases[] = {
		{ "/a:/b", 0, "/a", "/b", "rprivate", false, false },
		{ "/a/../c/:/b//d/", 0, "/c", "/b/d", "rprivate", false, false },
		{ "./x:/b:ro", 0, "/cwd/x", "/b", "rprivate", true, false },
		{ "..:/b:rw,z", 0, "/", "/b", "rprivate", false, true },
		{ "/a:/b:ro,rshared", 0, "/a", "/b", "rshared", true, false },
		{ "/a:/b:cached", 0, "/a", "/b", "rprivate", false, false },
		{ "", -EINVAL },
		{ ":", -EINVAL },
		{ "/a:", -EINVAL },
		{ ":/b", -EINVAL },
		{ "/a:b", -EINVAL },
		{ "/a:/", -EINVAL },
		{ "/a:/..", -EINVAL },
		{ "/a:/b:", -EINVAL },
		{ "/a:/b:xx", -EINVAL },
		{ "/a:/b:ro:rw", -EINVAL },
		{ "/a:/b:ro,rw", -EINVAL },
		{ "/a:/b:nocopy", -EINVAL },
		{ "/a:/b:ro,", -EINVAL },
		{ "a b:/b", -EINVAL },
		{ "x:/b", -EINVAL },
		{ "/a:/b:upperdir=/u,workdir=/w", -EINVAL },
		{ "/a:/b:O,upperdir=/u", -EINVAL },
		{ "/a:/b:O,upperdir=,workdir=/w", -EINVAL },
		{ "name:/b:O", -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct run_mount m = { 0 };
		struct err err = { 0 };

		assert_int_equal(run_parse_volume(cases[i].in, "/cwd", &m, &err), cases[i].result);
		assert_int_equal(err.code, -cases[i].result);
		if (cases[i].result < 0)
			continue;
		assert_int_equal(m.kind, RUN_MOUNT_BIND);
		assert_string_equal(m.source, cases[i].source);
		assert_string_equal(m.target, cases[i].target);
		assert_string_equal(m.propagation, cases[i].propagation);
		assert_int_equal(m.read_only, cases[i].read_only);
		assert_int_equal(m.relabel, cases[i].relabel);
		assert_true(m.create_source);
		run_mount_done(&m);
	}
}

static void volumes_and_overlays_are_read_as_podman_reads_them(void **state)
{
	static const struct {
		const char *in;
		enum run_mount_kind kind;
		const char *name, *source, *upper, *flags;
		bool no_copy, chown;
	} cases[] = {
		{ "/b", RUN_MOUNT_VOLUME },
		{ "data:/b", RUN_MOUNT_VOLUME, "data" },
		{ "da.t-a_1:/b:nocopy,U", RUN_MOUNT_VOLUME, "da.t-a_1", NULL, NULL, NULL, true, true },
		{ "./x:/b:O", RUN_MOUNT_OVERLAY, NULL, "/cwd/x" },
		{ "/x:/b:O,upperdir=u,workdir=/w", RUN_MOUNT_OVERLAY, NULL, "/x", "/cwd/u" },
		{ "/x:/b:noexec,nosuid", RUN_MOUNT_BIND, NULL, "/x", NULL, "noexec,nosuid" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct run_mount m = { 0 };

		assert_int_equal(run_parse_volume(cases[i].in, "/cwd", &m, NULL), 0);
		assert_int_equal(m.kind, cases[i].kind);
		assert_string_equal(m.target, "/b");
		assert_string_equal(m.name ? m.name : "", cases[i].name ? cases[i].name : "");
		assert_string_equal(m.source ? m.source : "", cases[i].source ? cases[i].source : "");
		assert_string_equal(m.upper ? m.upper : "", cases[i].upper ? cases[i].upper : "");
		assert_string_equal(m.flags ? m.flags : "", cases[i].flags ? cases[i].flags : "");
		assert_int_equal(m.no_copy, cases[i].no_copy);
		assert_int_equal(m.chown, cases[i].chown);
		run_mount_done(&m);
	}
}

static void mounts_are_read_as_docker_reads_them(void **state)
{
	static const struct {
		const char *in;
		int result;
		enum run_mount_kind kind;
		const char *source, *target, *tmpfs;
		bool read_only, nonrecursive;
	} cases[] = {
		{ "type=bind,source=/a,target=/b", 0, RUN_MOUNT_BIND, "/a", "/b" },
		{ "type=bind,src=a,dst=/b,ro", 0, RUN_MOUNT_BIND, "/cwd/a", "/b", NULL, true },
		{ "TYPE=bind,src=/a,destination=/b,readonly=false", 0, RUN_MOUNT_BIND, "/a", "/b" },
		{ "type=bind,\"src=/a,b\",dst=/b,bind-recursive=disabled", 0, RUN_MOUNT_BIND, "/a,b", "/b", NULL, false,
		  true },
		{ "\"type=bind\",\"src=/\"\"q\",dst=/b", 0, RUN_MOUNT_BIND, "/\"q", "/b" },
		{ "type=tmpfs,dst=/t", 0, RUN_MOUNT_TMPFS, NULL, "/t", "mode=1777" },
		{ "type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=700", 0, RUN_MOUNT_TMPFS, NULL, "/t",
		  "mode=700,size=1048576" },
		{ "type=volume,dst=/t", 0, RUN_MOUNT_VOLUME, NULL, "/t" },
		{ "dst=/t,ro", 0, RUN_MOUNT_VOLUME, NULL, "/t", NULL, true },
		{ "type=image,src=busybox,dst=/t", 0, RUN_MOUNT_IMAGE, NULL, "/t", NULL, true },
		{ "type=image,src=busybox,dst=/t,rw=true", 0, RUN_MOUNT_IMAGE, NULL, "/t" },
		{ "type=image,dst=/t", -EINVAL },
		{ "type=volume,src=../x,dst=/t", -EINVAL },
		{ "type=volume,dst=/t,volume-subpath=/abs", -EINVAL },
		{ "type=volume,dst=/t,volume-driver=nfs", -EOPNOTSUPP },
		{ "type=volume,dst=/t,volume-opt==x", -EINVAL },
		{ "type=bind,src=/a,dst=/b,image-subpath=x", -EINVAL },
		{ "type=bind,src=/a,dst=/b,subpath=x", -EINVAL },
		{ "type=cluster,dst=/t", -EOPNOTSUPP },
		{ "type=bind,dst=/t", -EINVAL },
		{ "type=bind,src=/t", -EINVAL },
		{ "type=bind,src=/t,dst=t", -EINVAL },
		{ "type=bind,src", -EINVAL },
		{ "type=bind,src=/a,dst=/b,foo=1", -EINVAL },
		{ "type=odd,dst=/t", -EINVAL },
		{ "type=tmpfs,dst=/t,src=/x", -EINVAL },
		{ "type=tmpfs,dst=/t,tmpfs-mode=9", -EINVAL },
		{ "type=tmpfs,dst=/t,bind-propagation=shared", -EINVAL },
		{ "type=bind,src=/a,dst=/b,tmpfs-size=1", -EINVAL },
		{ "type=bind,src=/a,dst=/b,bind-propagation=odd", -EINVAL },
		{ "type=bind,\"src=/a,dst=/b", -EINVAL },
		{ "type=bind,src=/a,dst=/b,readonly=perhaps", -EINVAL },
		{ "", -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct run_mount m = { 0 };
		struct err err = { 0 };

		assert_int_equal(run_parse_mount(cases[i].in, "/cwd", &m, &err), cases[i].result);
		if (cases[i].result < 0)
			continue;
		assert_int_equal(m.kind, cases[i].kind);
		assert_string_equal(m.source ? m.source : "", cases[i].source ? cases[i].source : "");
		assert_string_equal(m.target, cases[i].target);
		assert_string_equal(m.tmpfs_options ? m.tmpfs_options : "", cases[i].tmpfs ? cases[i].tmpfs : "");
		assert_int_equal(m.read_only, cases[i].read_only);
		assert_int_equal(m.nonrecursive, cases[i].nonrecursive);
		assert_false(m.create_source);
		run_mount_done(&m);
	}
}

static void tmpfs_options_are_checked(void **state)
{
	static const struct {
		const char *in;
		int result;
		const char *options;
	} cases[] = {
		{ "/t", 0, "noexec,nosuid,nodev" },
		{ "/t:size=1m,exec", 0, "noexec,nosuid,nodev,size=1m,exec" },
		{ "t", -EINVAL },
		{ "/t:", -EINVAL },
		{ "/t:size=", -EINVAL },
		{ "/t:bind", -EINVAL },
		{ "/", -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct run_mount m = { 0 };

		assert_int_equal(run_parse_tmpfs(cases[i].in, &m, NULL), cases[i].result);
		if (cases[i].result < 0)
			continue;
		assert_string_equal(m.tmpfs_options, cases[i].options);
		run_mount_done(&m);
	}
}

static void devices_have_targets_and_rights(void **state)
{
	static const struct {
		const char *in;
		int result;
		const char *source, *target, *access;
	} cases[] = {
		{ "/dev/x", 0, "/dev/x", "/dev/x", "rwm" },
		{ "/dev/x:r", 0, "/dev/x", "/dev/x", "r" },
		{ "/dev/x:/dev/y", 0, "/dev/x", "/dev/y", "rwm" },
		{ "/dev/x:/dev/y:rw", 0, "/dev/x", "/dev/y", "rw" },
		{ "dev/x", -EINVAL },
		{ "/dev/x:/dev/y:", -EINVAL },
		{ "/dev/x:/dev/y:rr", -EINVAL },
		{ "/dev/x:q", -EINVAL },
		{ "/dev/x:/y:r:w", -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct run_device d = { 0 };

		assert_int_equal(run_parse_device(cases[i].in, &d, NULL), cases[i].result);
		if (cases[i].result < 0)
			continue;
		assert_string_equal(d.source, cases[i].source);
		assert_string_equal(d.target, cases[i].target);
		assert_string_equal(d.access, cases[i].access);
		run_device_done(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(volumes_are_read_as_docker_reads_them),
		cmocka_unit_test(volumes_and_overlays_are_read_as_podman_reads_them),
		cmocka_unit_test(mounts_are_read_as_docker_reads_them),
		cmocka_unit_test(tmpfs_options_are_checked),
		cmocka_unit_test(devices_have_targets_and_rights),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
