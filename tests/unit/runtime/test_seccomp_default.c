/* The default profile and docker's form: what they answer to which call. */
#include "runtime/seccomp_default.h"

#include "base/cleanup.h"
#include "runtime/default_caps.h"
#include "runtime/profile.h"
#include "tests/unit/bpf.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <linux/audit.h>
#include <sched.h>
#include <stdlib.h>

#if defined(__x86_64__)

enum {
	ALLOW = SECCOMP_RET_ALLOW,
	EPERM_ = SECCOMP_RET_ERRNO | EPERM,
	ENOSYS_ = SECCOMP_RET_ERRNO | ENOSYS,
	EIO_ = SECCOMP_RET_ERRNO | EIO,
	EAFNOSUPPORT_ = SECCOMP_RET_ERRNO | EAFNOSUPPORT,
};
#define KILL SECCOMP_RET_KILL_PROCESS
#define GARBAGE UINT64_C(0xabcd00000000)

static uint32_t ask(const struct sock_filter *code, size_t len, uint32_t arch, int nr, uint64_t arg0, uint64_t arg1)
{
	struct seccomp_data data = { .nr = nr, .arch = arch, .args = { arg0, arg1 } };
	struct bpf_machine m = { .code = code, .len = len };
	uint32_t answer = bpf_run(&m, &data);

	assert_false(m.bad);
	return answer;
}

/* Numbers of x86-64 (and i386 where marked). PLAIN: with the default capabilities; ADMIN: CAP_SYS_ADMIN and CAP_SYS_NICE besides. */
static const struct {
	const char *name;
	int nr;
	bool i386;
	uint64_t arg0, arg1;
	uint32_t plain, admin;
} calls[] = {
	{ "read", 0, false, 0, 0, ALLOW, ALLOW },
	{ "ioctl TCGETS", 16, false, 0, 0x5401, ALLOW, ALLOW },
	{ "ioctl TIOCSTI", 16, false, 0, 0x5412, EIO_, EIO_ },
	{ "ioctl TIOCSTI, upper half set", 16, false, 0, GARBAGE | 0x5412, EIO_, EIO_ },
	{ "ioctl TIOCLINUX", 16, false, 0, 0x541c, EIO_, EIO_ },
	{ "socket inet", 41, false, 2, 0, ALLOW, ALLOW },
	{ "socket vsock", 41, false, 40, 0, EAFNOSUPPORT_, EAFNOSUPPORT_ },
	{ "socket vsock, upper half set", 41, false, GARBAGE | 40, 0, EAFNOSUPPORT_, EAFNOSUPPORT_ },
	{ "clone thread", 56, false, CLONE_VM | CLONE_THREAD | CLONE_SIGHAND, 0, ALLOW, ALLOW },
	{ "clone user", 56, false, CLONE_NEWUSER, 0, EPERM_, ALLOW },
	{ "clone mount", 56, false, CLONE_NEWNS, 0, EPERM_, ALLOW },
	{ "clone cgroup", 56, false, CLONE_NEWCGROUP, 0, EPERM_, ALLOW },
	{ "clone net", 56, false, CLONE_NEWNET, 0, EPERM_, ALLOW },
	{ "clone3", 435, false, 0, 0, ENOSYS_, ALLOW },
	{ "unshare", 272, false, CLONE_NEWUSER, 0, EPERM_, ALLOW },
	{ "setns", 308, false, 0, 0, EPERM_, ALLOW },
	{ "mount", 165, false, 0, 0, EPERM_, ALLOW },
	{ "fsopen", 430, false, 0, 0, EPERM_, ALLOW },
	{ "pivot_root", 155, false, 0, 0, EPERM_, EPERM_ },
	{ "chroot", 161, false, 0, 0, ALLOW, ALLOW },
	{ "keyctl", 250, false, 0, 0, EPERM_, EPERM_ },
	{ "add_key", 248, false, 0, 0, EPERM_, EPERM_ },
	{ "bpf", 321, false, 0, 0, EPERM_, ALLOW },
	{ "perf_event_open", 298, false, 0, 0, EPERM_, ALLOW },
	{ "userfaultfd", 323, false, 0, 0, EPERM_, EPERM_ },
	{ "io_uring_setup", 425, false, 0, 0, EPERM_, EPERM_ },
	{ "io_uring_enter", 426, false, 0, 0, EPERM_, EPERM_ },
	{ "io_uring_register", 427, false, 0, 0, EPERM_, EPERM_ },
	{ "kexec_load", 246, false, 0, 0, EPERM_, EPERM_ },
	{ "init_module", 175, false, 0, 0, EPERM_, EPERM_ },
	{ "open_by_handle_at", 304, false, 0, 0, EPERM_, EPERM_ },
	{ "mbind", 237, false, 0, 0, EPERM_, ALLOW },
	{ "pidfd_getfd", 438, false, 0, 0, EPERM_, EPERM_ },
	{ "personality LINUX", 135, false, 0, 0, ALLOW, ALLOW },
	{ "personality LINUX32", 135, false, 8, 0, ALLOW, ALLOW },
	{ "personality ADDR_NO_RANDOMIZE", 135, false, 0x40000, 0, EPERM_, EPERM_ },
	{ "personality question", 135, false, 0xffffffff, 0, ALLOW, ALLOW },
	{ "fchmodat2", 452, false, 0, 0, ALLOW, ALLOW },
	{ "statmount", 457, false, 0, 0, ALLOW, ALLOW },
	{ "a call of the future", 999, false, 0, 0, ENOSYS_, ENOSYS_ },
	{ "no call", -1, false, 0, 0, KILL, KILL },
	{ "x32 read", 0x40000000, false, 0, 0, KILL, KILL },
	{ "i386 read", 3, true, 0, 0, ALLOW, ALLOW },
	{ "i386 socketcall", 102, true, 0, 0, ALLOW, ALLOW },
	{ "i386 socket", 359, true, 2, 0, ALLOW, ALLOW },
	{ "i386 socket vsock", 359, true, 40, 0, EAFNOSUPPORT_, EAFNOSUPPORT_ },
	{ "i386 mount", 21, true, 0, 0, EPERM_, ALLOW },
	{ "i386 clone user", 120, true, CLONE_NEWUSER, 0, EPERM_, ALLOW },
	{ "i386 vm86", 166, true, 0, 0, EPERM_, EPERM_ },
	{ "i386 ioctl TIOCSTI", 54, true, 0, 0x5412, EIO_, EIO_ },
};

static void check_calls(const struct sock_filter *code, size_t len, bool admin)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		uint32_t arch = calls[i].i386 ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64;
		uint32_t got = ask(code, len, arch, calls[i].nr, calls[i].arg0, calls[i].arg1);

		if (got != (admin ? calls[i].admin : calls[i].plain))
			fail_msg("%s: %#x", calls[i].name, got);
	}
}

static void the_ready_filter_answers(void **state)
{
	struct oci_seccomp_ready ready;

	(void)state;
	seccomp_default_ready(&ready);
	check_calls(ready.filter, ready.filter_len, false);
}

/* What config.json gets is the same profile: another runtime that reads it comes to the same filter. */
static void the_ready_text_is_the_ready_filter(void **state)
{
	CLEANUP(oci_seccomp_done) struct oci_seccomp profile = { 0 };
	autofree struct sock_filter *code = NULL;
	struct oci_seccomp_ready ready;
	size_t len;

	(void)state;
	seccomp_default_ready(&ready);
	assert_int_equal(oci_seccomp_parse(ready.json, strlen(ready.json), &profile, NULL), 0);
	assert_int_equal(profile_compile(&profile, &code, &len, NULL), 0);
	assert_int_equal(len, ready.filter_len);
	assert_memory_equal(code, ready.filter, len * sizeof(*code));
}

static void capabilities_open_calls(void **state)
{
	CLEANUP(oci_seccomp_done) struct oci_seccomp profile = { 0 };
	autofree struct sock_filter *code = NULL;
	size_t len;

	(void)state;
	assert_int_equal(
		seccomp_default_profile(DEFAULT_CAPS | CAP_BIT(CAP_SYS_ADMIN) | CAP_BIT(CAP_SYS_NICE), &profile, NULL),
		0);
	assert_int_equal(profile_compile(&profile, &code, &len, NULL), 0);
	check_calls(code, len, true);
}

static const char docker_text[] =
	"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":1,"
	"\"archMap\":[{\"architecture\":\"SCMP_ARCH_X86_64\",\"subArchitectures\":[\"SCMP_ARCH_X86\",\"SCMP_ARCH_X32\"]"
	"},"
	"{\"architecture\":\"SCMP_ARCH_AARCH64\",\"subArchitectures\":null}],"
	"\"syscalls\":[{\"names\":[\"read\",\"write\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":null,\"comment\":\"\","
	"\"includes\":{},\"excludes\":{}},"
	"{\"name\":\"close\",\"action\":\"SCMP_ACT_ALLOW\"},"
	"{\"names\":[\"ptrace\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"minKernel\":\"4.8\"}},"
	"{\"names\":[\"kcmp\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"minKernel\":\"99.0\"}},"
	"{\"names\":[\"arch_prctl\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"arches\":[\"amd64\",\"x32\"]}},"
	"{\"names\":[\"mount\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":{\"caps\":[\"CAP_SYS_ADMIN\"]}},"
	"{\"names\":[\"clone\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,\"value\":2114060288,\"valueTwo\":"
	"0,"
	"\"op\":\"SCMP_CMP_MASKED_EQ\"}],\"excludes\":{\"caps\":[\"CAP_SYS_ADMIN\"],\"arches\":[\"s390\"]}},"
	"{\"names\":[\"clone3\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":38}]}";

static void dockers_conditions_are_met(void **state)
{
	static const struct {
		int nr;
		uint64_t arg0;
		uint32_t plain, admin;
	} cases[] = {
		{ 0, 0, ALLOW, ALLOW },	      { 3, 0, ALLOW, ALLOW },
		{ 101, 0, ALLOW, ALLOW },     { 312, 0, EPERM_, EPERM_ },
		{ 158, 0, ALLOW, ALLOW },     { 165, 0, EPERM_, ALLOW },
		{ 56, 0x11, ALLOW, EPERM_ },  { 56, 0x10000000, EPERM_, EPERM_ },
		{ 435, 0, ENOSYS_, ENOSYS_ }, { 0x40000000, 0, ALLOW, ALLOW },
	};

	(void)state;
	for (int admin = 0; admin < 2; admin++) {
		CLEANUP(oci_seccomp_done) struct oci_seccomp profile = { 0 };
		autofree struct sock_filter *code = NULL;
		struct err err = { 0 };
		size_t len;

		if (seccomp_docker_parse(docker_text, strlen(docker_text), admin ? CAP_BIT(CAP_SYS_ADMIN) : 0, &profile,
					 &err) < 0 ||
		    profile_compile(&profile, &code, &len, &err) < 0)
			fail_msg("%s", err.msg);
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
			assert_int_equal(ask(code, len, AUDIT_ARCH_X86_64, cases[i].nr, cases[i].arg0, 0),
					 admin ? cases[i].admin : cases[i].plain);
	}
}

static void bad_profiles_are_refused(void **state)
{
	static const struct {
		const char *text;
		int code;
	} cases[] = {
		{ "{}", EBADMSG },
		{ "{\"defaultAction\":\"SCMP_ACT_PANIC\"}", EINVAL },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"]}]}", EBADMSG },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"sendmsg\"],\"action\":\"SCMP_"
		  "ACT_"
		  "NOTIFY\"}]}",
		  EINVAL },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],\"action\":\"SCMP_ACT_"
		  "ERRNO\","
		  "\"args\":[{\"index\":6,\"value\":0,\"op\":\"SCMP_CMP_EQ\"}]}]}",
		  EINVAL },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"read\"],\"action\":\"SCMP_ACT_"
		  "ERRNO\","
		  "\"args\":[{\"index\":1,\"value\":0,\"op\":\"SCMP_CMP_XX\"}]}]}",
		  EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(oci_seccomp_done) struct oci_seccomp profile = { 0 };
		autofree struct sock_filter *code = NULL;
		size_t len;
		int r = seccomp_docker_parse(cases[i].text, strlen(cases[i].text), 0, &profile, NULL);

		if (r == 0)
			r = profile_compile(&profile, &code, &len, NULL);
		assert_int_equal(r, -cases[i].code);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_ready_filter_answers), cmocka_unit_test(the_ready_text_is_the_ready_filter),
		cmocka_unit_test(capabilities_open_calls),  cmocka_unit_test(dockers_conditions_are_met),
		cmocka_unit_test(bad_profiles_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int main(void)
{
	return 77; /* the numbers above are those of x86-64 */
}
#endif
