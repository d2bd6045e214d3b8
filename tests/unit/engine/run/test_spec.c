#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "engine/run/spec.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* What a spec is made from; each test changes what it is about. */
struct fixture {
	struct run_options options;
	struct strv args, env;
	struct image_config image;
	struct layered layers;
	struct idmap ids;
	struct oci_spec spec;
	struct err err;
};

static void set_up(struct fixture *f)
{
	*f = (struct fixture){ 0 };
	assert_int_equal(image_config_init(&f->image, NULL), 0);
	idmap_single(&f->ids, 1000, 1000);
	strv_add(&f->image.cmd, "image-cmd");
	strv_add(&f->image.env, "PATH=/image");
}

static void tear_down(struct fixture *f)
{
	oci_spec_done(&f->spec);
	image_config_done(&f->image);
	strv_done(&f->args);
	strv_done(&f->env);
	strv_done(&f->options.env);
	strv_done(&f->options.volumes);
	strv_done(&f->options.tmpfs);
	strv_done(&f->options.sysctls);
	strv_done(&f->options.ulimits);
	strv_done(&f->options.security);
}

static int make(struct fixture *f)
{
	const struct run_request q = { .options = &f->options,
				       .args = &f->args,
				       .image = &f->image,
				       .layers = &f->layers,
				       .ids = &f->ids,
				       .env = &f->env,
				       .cwd = "/cwd",
				       .id = "0123456789abcdef",
				       .rootfs = "/rootfs",
				       .files_dir = "/files" };

	return run_spec_make(&q, &f->spec, &f->err);
}

static void entry_point_and_command_follow_docker(void **state)
{
	static const struct {
		const char *image_entry, *option, *arg;
		const char *want[3];
		int64_t entry_len;
	} cases[] = {
		{ NULL, NULL, NULL, { "image-cmd" }, 0 },
		{ NULL, NULL, "mine", { "mine" }, 0 },
		{ "entry", NULL, NULL, { "entry", "image-cmd" }, 1 },
		{ "entry", NULL, "mine", { "entry", "mine" }, 1 },
		{ "entry", "other", NULL, { "other" }, 1 },
		{ "entry", "other", "mine", { "other", "mine" }, 1 },
		{ "entry", "", "mine", { "mine" }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f;

		set_up(&f);
		if (cases[i].image_entry)
			strv_add(&f.image.entrypoint, cases[i].image_entry);
		if (cases[i].arg)
			strv_add(&f.args, cases[i].arg);
		f.options.entrypoint = cases[i].option;
		assert_int_equal(make(&f), 0);
		assert_int_equal(run_spec_entrypoint_len(&f.options, &f.image), cases[i].entry_len);
		for (size_t k = 0; k < f.spec.process.args.len; k++)
			assert_string_equal(f.spec.process.args.items[k], cases[i].want[k]);
		assert_null(cases[i].want[f.spec.process.args.len]);
		tear_down(&f);
	}
}

static void nothing_to_run_is_an_error(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	f.options.entrypoint = "";
	assert_int_equal(make(&f), -EINVAL);
	assert_non_null(strstr(f.err.msg, "no command"));
	tear_down(&f);
}

static void the_users_environment_wins(void **state)
{
	struct fixture f;
	const struct strv *env = &f.spec.process.env;

	(void)state;
	set_up(&f);
	f.options.tty = true;
	strv_add(&f.options.env, "A=1");
	strv_add(&f.options.env, "FROM_US");
	strv_add(&f.env, "FROM_US=2");
	strv_add(&f.env, "NOT_ASKED=3");
	assert_int_equal(make(&f), 0);
	assert_string_equal(strv_env_get(env, "PATH"), "/image");
	assert_string_equal(strv_env_get(env, "TERM"), "xterm");
	assert_string_equal(strv_env_get(env, "HOSTNAME"), "0123456789ab");
	assert_string_equal(strv_env_get(env, "HOME"), "/");
	assert_string_equal(strv_env_get(env, "A"), "1");
	assert_string_equal(strv_env_get(env, "FROM_US"), "2");
	assert_null(strv_env_get(env, "NOT_ASKED"));
	tear_down(&f);
}

static const struct oci_mount *find_mount(const struct fixture *f, const char *destination)
{
	for (size_t i = 0; i < f->spec.mounts.len; i++)
		if (strcmp(f->spec.mounts.items[i].destination, destination) == 0)
			return &f->spec.mounts.items[i];
	return NULL;
}

static void namespaces_are_left_out_where_asked(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	f.options.network = "none";
	assert_int_equal(make(&f), 0);
	assert_non_null(oci_spec_namespace(&f.spec, "network"));
	assert_non_null(oci_spec_namespace(&f.spec, "pid"));
	assert_null(oci_spec_namespace(&f.spec, "time"));
	tear_down(&f);

	set_up(&f);
	f.options.network = f.options.pid = f.options.ipc = f.options.uts = f.options.cgroupns = "host";
	f.options.timens = "private";
	assert_int_equal(make(&f), 0);
	assert_null(oci_spec_namespace(&f.spec, "network"));
	assert_null(oci_spec_namespace(&f.spec, "pid"));
	assert_null(oci_spec_namespace(&f.spec, "ipc"));
	assert_null(oci_spec_namespace(&f.spec, "uts"));
	assert_null(oci_spec_namespace(&f.spec, "cgroup"));
	assert_non_null(oci_spec_namespace(&f.spec, "time"));
	assert_string_equal(find_mount(&f, "/proc")->type, "bind");
	assert_null(f.spec.hostname);
	tear_down(&f);
}

static void what_makes_no_sense_is_refused(void **state)
{
	static const struct {
		struct run_options options;
		int result;
	} cases[] = {
		{ { .pid = "ns:/x" }, -EOPNOTSUPP },
		{ { .pid = "odd" }, -EINVAL },
		{ { .network = "private:nonsense" }, -EINVAL },
		{ { .network = "ns:/x" }, -EOPNOTSUPP },
		{ { .network = "mine" }, -EOPNOTSUPP },
		{ { .uts = "host", .hostname = "x" }, -EINVAL },
		{ { .ipc = "host", .shm_size = "1m" }, -EINVAL },
		{ { .shm_size = "much" }, -EINVAL },
		{ { .userns = "odd" }, -EINVAL },
		{ { .workdir = "relative" }, -EINVAL },
		{ { .hostname = "" }, -EINVAL },
		{ { .oom_score_adj = "1001" }, -EINVAL },
		{ { .user = "nobody-knows" }, -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fixture f;

		set_up(&f);
		f.options = cases[i].options;
		assert_int_equal(make(&f), cases[i].result);
		tear_down(&f);
	}
}

static void rights_follow_the_options(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	strv_add(&f.options.security, "no-new-privileges");
	strv_add(&f.options.security, "systempaths=unconfined");
	strv_add(&f.options.security, "seccomp=unconfined");
	assert_int_equal(make(&f), 0);
	assert_true(f.spec.process.no_new_privileges);
	assert_int_equal(f.spec.linux_.masked_paths.len, 0);
	assert_int_equal(f.spec.linux_.readonly_paths.len, 0);
	assert_false(strv_contains(&f.spec.process.capabilities.bounding, "CAP_SYS_ADMIN"));
	tear_down(&f);

	set_up(&f);
	f.options.privileged = true;
	assert_int_equal(make(&f), 0);
	assert_true(strv_contains(&f.spec.process.capabilities.bounding, "CAP_SYS_ADMIN"));
	assert_int_equal(f.spec.linux_.masked_paths.len, 0);
	tear_down(&f);
}

static void the_users_mounts_come_last_and_in_order(void **state)
{
	struct fixture f;
	size_t outer = 0, inner = 0;

	(void)state;
	set_up(&f);
	strv_add(&f.options.volumes, "/proc:/data/inner:ro");
	strv_add(&f.options.volumes, "/usr:/data");
	strv_add(&f.options.volumes, "/etc/passwd:/etc/hosts");
	strv_add(&f.options.tmpfs, "/dev/shm:size=1m");
	assert_int_equal(make(&f), 0);
	for (size_t i = 0; i < f.spec.mounts.len; i++) {
		if (strcmp(f.spec.mounts.items[i].destination, "/data") == 0)
			outer = i;
		if (strcmp(f.spec.mounts.items[i].destination, "/data/inner") == 0)
			inner = i;
	}
	assert_true(outer > 0 && outer < inner);
	assert_true(strv_contains(&find_mount(&f, "/data/inner")->options, "rro"));
	assert_string_equal(find_mount(&f, "/etc/hosts")->source, "/etc/passwd");
	assert_true(strv_contains(&find_mount(&f, "/dev/shm")->options, "size=1m"));
	tear_down(&f);

	set_up(&f);
	strv_add(&f.options.volumes, "/usr:/data");
	strv_add(&f.options.tmpfs, "/data");
	assert_int_equal(make(&f), -EINVAL);
	tear_down(&f);
}

static void limits_land_in_the_spec(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	f.options.network = "none";
	strv_add(&f.options.ulimits, "nofile=10:20");
	strv_add(&f.options.ulimits, "locks=5");
	strv_add(&f.options.sysctls, "net.ipv4.ip_forward=1");
	assert_int_equal(make(&f), 0);
	assert_int_equal(f.spec.process.rlimits.len, 1);
	assert_string_equal(f.spec.process.rlimits.items[0].type, "RLIMIT_NOFILE");
	assert_int_equal(f.spec.linux_.sysctl.len, 2);
	assert_string_equal(f.spec.linux_.sysctl.items[0], "net.ipv4.ip_forward");
	assert_string_equal(f.spec.linux_.sysctl.items[1], "1");
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entry_point_and_command_follow_docker),
		cmocka_unit_test(nothing_to_run_is_an_error),
		cmocka_unit_test(the_users_environment_wins),
		cmocka_unit_test(namespaces_are_left_out_where_asked),
		cmocka_unit_test(what_makes_no_sense_is_refused),
		cmocka_unit_test(rights_follow_the_options),
		cmocka_unit_test(the_users_mounts_come_last_and_in_order),
		cmocka_unit_test(limits_land_in_the_spec),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
