#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "engine/run/env.h"
#include "engine/run/hosts.h"
#include "engine/run/limits.h"
#include "sys/signals.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

static void environment_follows_docker(void **state)
{
	static const char text[] = "# comment\n\n  A=1\nB\nC= x y \r\nD=\nGONE\n";
	autostrv struct strv env = { 0 }, outer = { 0 };

	(void)state;
	strv_add(&outer, "B=from outside");
	strv_add(&env, "GONE=image");
	assert_int_equal(run_env_apply_text(&env, "f", text, sizeof(text) - 1, &outer, NULL), 0);
	assert_string_equal(strv_env_get(&env, "A"), "1");
	assert_string_equal(strv_env_get(&env, "B"), "from outside");
	assert_string_equal(strv_env_get(&env, "C"), " x y ");
	assert_string_equal(strv_env_get(&env, "D"), "");
	assert_null(strv_env_get(&env, "GONE"));
	assert_int_equal(run_env_apply(&env, "=x", &outer, NULL), -EINVAL);
	assert_int_equal(run_env_apply(&env, "", &outer, NULL), -EINVAL);
	assert_int_equal(run_env_apply_text(&env, "f", "A B=1", 5, &outer, NULL), -EINVAL);
	assert_int_equal(run_env_apply_text(&env, "f", "A\0B", 3, &outer, NULL), -EINVAL);
}

static void labels_keep_the_later(void **state)
{
	autostrv struct strv pairs = { 0 };

	(void)state;
	assert_int_equal(run_label_apply(&pairs, "a=1", NULL), 0);
	assert_int_equal(run_label_apply(&pairs, "b", NULL), 0);
	assert_int_equal(run_label_apply(&pairs, "a=2=3", NULL), 0);
	assert_int_equal(run_label_apply(&pairs, "=x", NULL), -EINVAL);
	assert_int_equal(pairs.len, 4);
	assert_string_equal(pairs.items[1], "2=3");
	assert_string_equal(pairs.items[3], "");
}

static void ulimits_have_two_values(void **state)
{
	static const struct {
		const char *in;
		int result;
		const char *type;
		uint64_t soft, hard;
	} cases[] = {
		{ "nofile=10:20", 0, "RLIMIT_NOFILE", 10, 20 },
		{ "core=-1", 0, "RLIMIT_CORE", UINT64_MAX, UINT64_MAX },
		{ "nproc=5", 0, "RLIMIT_NPROC", 5, 5 },
		{ "stack=1:unlimited", 0, "RLIMIT_STACK", 1, UINT64_MAX },
		{ "nofile", -EINVAL },
		{ "nofile=", -EINVAL },
		{ "odd=1", -EINVAL },
		{ "nofile=20:10", -EINVAL },
		{ "nofile=1:2:3", -EINVAL },
		{ "nofile=x", -EINVAL },
		{ "=1", -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct run_ulimit u = { 0 };

		assert_int_equal(run_parse_ulimit(cases[i].in, &u, NULL), cases[i].result);
		if (cases[i].result < 0)
			continue;
		assert_string_equal(u.type, cases[i].type);
		assert_true(u.soft == cases[i].soft && u.hard == cases[i].hard);
	}
}

static void sysctls_need_their_namespace(void **state)
{
	static const struct run_sysctl_rights all = { true, true, true }, none = { false, false, false };
	static const struct {
		const char *in;
		int with_all, with_none;
	} cases[] = {
		{ "net.ipv4.ip_forward=1", 0, -EINVAL }, { "kernel.shmmax=1", 0, -EINVAL },
		{ "fs.mqueue.msg_max=9", 0, -EINVAL },	 { "kernel.domainname=x", 0, -EINVAL },
		{ "vm.swappiness=1", -EINVAL, -EINVAL }, { "net.a", -EINVAL, -EINVAL },
		{ "net.../../x=1", -EINVAL, -EINVAL },	 { "=1", -EINVAL, -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *value = NULL;

		assert_int_equal(run_check_sysctl(cases[i].in, &all, &value, NULL), cases[i].with_all);
		assert_int_equal(run_check_sysctl(cases[i].in, &none, &value, NULL), cases[i].with_none);
	}
}

static void signals_have_names_and_numbers(void **state)
{
	static const struct {
		const char *in;
		int result;
	} cases[] = {
		{ "TERM", SIGTERM },
		{ "SIGTERM", SIGTERM },
		{ "sigusr1", SIGUSR1 },
		{ "9", 9 },
		{ "RTMIN", 34 },
		{ "SIGRTMIN+3", 37 },
		{ "RTMAX-1", 63 },
		{ "0", -1 },
		{ "65", -1 },
		{ "SIGNONE", -1 },
		{ "", -1 },
		{ "SIG", -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int sig = -1;

		assert_int_equal(signal_parse(cases[i].in, &sig, NULL), cases[i].result < 0 ? -EINVAL : 0);
		assert_int_equal(sig, cases[i].result);
	}
}

static void added_hosts_are_checked(void **state)
{
	static const struct {
		const char *in, *gateway, *line;
	} cases[] = {
		{ "a:1.2.3.4", NULL, "1.2.3.4\ta\n" },
		{ "a=1.2.3.4", NULL, "1.2.3.4\ta\n" },
		{ "a:::1", NULL, "::1\ta\n" },
		{ "a:[fe80::1]", NULL, "fe80::1\ta\n" },
		{ "a:host-gateway", "127.0.0.1", "127.0.0.1\ta\n" },
		{ "a:host-gateway", NULL, NULL },
		{ "a", NULL, NULL },
		{ "a:", NULL, NULL },
		{ ":1.2.3.4", NULL, NULL },
		{ "a b:1.2.3.4", NULL, NULL },
		{ "a:1.2.3", NULL, NULL },
		{ "a\nb:1.2.3.4", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autobuf struct buf out = BUF_INIT(1024);
		int r = run_hosts_add(cases[i].in, cases[i].gateway, &out, NULL);

		assert_int_equal(r, cases[i].line ? 0 : -EINVAL);
		if (cases[i].line)
			assert_string_equal(buf_str(&out), cases[i].line);
	}
}

static void name_servers_are_replaced_where_asked(void **state)
{
	static const char host[] = "# made by hand\nnameserver 10.0.0.1\nsearch corp\noptions edns0";
	autostrv struct strv none = { 0 }, servers = { 0 }, dot = { 0 };
	autobuf struct buf same = BUF_INIT(4096), changed = BUF_INIT(4096);

	(void)state;
	strv_add(&servers, "9.9.9.9");
	strv_add(&dot, ".");
	assert_int_equal(run_resolv_text(host, &none, &none, &none, &same, NULL), 0);
	assert_string_equal(buf_str(&same), "# made by hand\nnameserver 10.0.0.1\nsearch corp\noptions edns0\n");
	assert_int_equal(run_resolv_text(host, &servers, &dot, &none, &changed, NULL), 0);
	assert_string_equal(buf_str(&changed), "# made by hand\noptions edns0\nnameserver 9.9.9.9\n");
	assert_int_equal(run_resolv_text(host, &dot, &none, &none, &changed, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(environment_follows_docker),
		cmocka_unit_test(labels_keep_the_later),
		cmocka_unit_test(ulimits_have_two_values),
		cmocka_unit_test(sysctls_need_their_namespace),
		cmocka_unit_test(signals_have_names_and_numbers),
		cmocka_unit_test(added_hosts_are_checked),
		cmocka_unit_test(name_servers_are_replaced_where_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
