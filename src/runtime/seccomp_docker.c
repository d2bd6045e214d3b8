/* docker's form of a profile: rules that apply by capability, architecture and kernel version. */
#include "base/cleanup.h"
#include "base/str.h"
#include "oci/fields.h"
#include "runtime/seccomp_default.h"
#include "sys/fs.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

enum { PROFILE_MAX = 1 << 20 };

struct docker_filter {
	struct strv caps, arches;
	char *min_kernel;
};

struct docker_syscall {
	struct oci_syscall rule;
	char *name; /* the older form: one name */
	struct docker_filter includes, excludes;
};

struct docker_arch {
	char *architecture;
	struct strv sub;
};

DEFINE_VEC(docker_syscalls, struct docker_syscall)
DEFINE_VEC(docker_archs, struct docker_arch)

struct docker_profile {
	char *default_action;
	bool has_default_errno_ret;
	uint32_t default_errno_ret;
	struct strv architectures, flags;
	struct docker_archs arch_map;
	struct docker_syscalls syscalls;
};

static const struct field filter_fields[] = {
	FIELD("caps", FIELD_STRV, struct docker_filter, caps),
	FIELD("arches", FIELD_STRV, struct docker_filter, arches),
	FIELD("minKernel", FIELD_STRING, struct docker_filter, min_kernel),
	{ .name = NULL },
};
static const struct field_type filter_type = { sizeof(struct docker_filter), filter_fields };

static const struct field arg_fields[] = {
	FIELD("index", FIELD_U32, struct oci_seccomp_arg, index),
	FIELD("value", FIELD_U64, struct oci_seccomp_arg, value),
	FIELD("valueTwo", FIELD_U64, struct oci_seccomp_arg, value_two),
	{ .name = "op", .kind = FIELD_STRING, .offset = offsetof(struct oci_seccomp_arg, op), .flags = FIELD_REQUIRED },
	{ .name = NULL },
};
static const struct field_type arg_type = { sizeof(struct oci_seccomp_arg), arg_fields };

static const struct field syscall_fields[] = {
	FIELD("names", FIELD_STRV, struct docker_syscall, rule.names),
	FIELD("name", FIELD_STRING, struct docker_syscall, name),
	{ .name = "action",
	  .kind = FIELD_STRING,
	  .offset = offsetof(struct docker_syscall, rule.action),
	  .flags = FIELD_REQUIRED },
	{ .name = "errnoRet",
	  .kind = FIELD_U32,
	  .offset = offsetof(struct docker_syscall, rule.errno_ret),
	  .has_offset = offsetof(struct docker_syscall, rule.has_errno_ret) + 1 },
	FIELD_SUB("args", FIELD_ARRAY, struct docker_syscall, rule.args, &arg_type),
	FIELD_SUB("includes", FIELD_OBJECT, struct docker_syscall, includes, &filter_type),
	FIELD_SUB("excludes", FIELD_OBJECT, struct docker_syscall, excludes, &filter_type),
	{ .name = NULL },
};
static const struct field_type syscall_type = { sizeof(struct docker_syscall), syscall_fields };

static const struct field arch_fields[] = {
	FIELD("architecture", FIELD_STRING, struct docker_arch, architecture),
	FIELD("subArchitectures", FIELD_STRV, struct docker_arch, sub),
	{ .name = NULL },
};
static const struct field_type arch_type = { sizeof(struct docker_arch), arch_fields };

static const struct field profile_fields[] = {
	{ .name = "defaultAction",
	  .kind = FIELD_STRING,
	  .offset = offsetof(struct docker_profile, default_action),
	  .flags = FIELD_REQUIRED },
	{ .name = "defaultErrnoRet",
	  .kind = FIELD_U32,
	  .offset = offsetof(struct docker_profile, default_errno_ret),
	  .has_offset = offsetof(struct docker_profile, has_default_errno_ret) + 1 },
	FIELD("architectures", FIELD_STRV, struct docker_profile, architectures),
	FIELD("flags", FIELD_STRV, struct docker_profile, flags),
	FIELD_SUB("archMap", FIELD_ARRAY, struct docker_profile, arch_map, &arch_type),
	FIELD_SUB("syscalls", FIELD_ARRAY, struct docker_profile, syscalls, &syscall_type),
	{ .name = NULL },
};
static const struct field_type profile_type = { sizeof(struct docker_profile), profile_fields };

static void profile_done(struct docker_profile *p)
{
	fields_done(&profile_type, p);
}

/* --- what applies --- */

#if defined(__x86_64__)
static const char go_arch[] = "amd64", oci_arch[] = "SCMP_ARCH_X86_64";
#elif defined(__aarch64__)
static const char go_arch[] = "arm64", oci_arch[] = "SCMP_ARCH_AARCH64";
#else
static const char go_arch[] = "", oci_arch[] = "";
#endif

/* The first two numbers of "6.18.44-…"; what isn't a version is 0.0. */
static void version_numbers(const char *version, unsigned ret[2])
{
	ret[0] = ret[1] = 0;
	for (int i = 0; i < 2; i++) {
		for (; *version >= '0' && *version <= '9' && ret[i] < 100000; version++)
			ret[i] = ret[i] * 10 + (unsigned)(*version - '0');
		if (*version == '.')
			version++;
	}
}

static bool kernel_is_at_least(const char *version)
{
	unsigned want[2], have[2];
	struct utsname u;

	if (uname(&u) < 0)
		return true;
	version_numbers(version, want);
	version_numbers(u.release, have);
	return have[0] != want[0] ? have[0] > want[0] : have[1] >= want[1];
}

static bool has_cap(cap_set caps, const char *name)
{
	int number = cap_from_name(name);

	return number >= 0 && caps & CAP_BIT(number);
}

static bool applies(const struct docker_syscall *s, cap_set caps)
{
	const struct docker_filter *in = &s->includes, *ex = &s->excludes;

	for (size_t i = 0; i < in->caps.len; i++)
		if (!has_cap(caps, in->caps.items[i]))
			return false;
	for (size_t i = 0; i < ex->caps.len; i++)
		if (has_cap(caps, ex->caps.items[i]))
			return false;
	if (in->arches.len > 0 && !strv_contains(&in->arches, go_arch))
		return false;
	if (strv_contains(&ex->arches, go_arch))
		return false;
	if (in->min_kernel && !kernel_is_at_least(in->min_kernel))
		return false;
	return !(ex->min_kernel && kernel_is_at_least(ex->min_kernel));
}

/* Moves the rule out of S. */
static int take_rule(struct docker_syscall *s, struct oci_syscalls *dst)
{
	if (s->name && strv_add(&s->rule.names, s->name) < 0)
		return -ENOMEM;
	if (oci_syscalls_push(dst, s->rule) < 0)
		return -ENOMEM;
	s->rule = (struct oci_syscall){ 0 };
	return 0;
}

static int take_archs(const struct docker_profile *p, struct strv *dst)
{
	if (strv_add_all(dst, &p->architectures) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < p->arch_map.len; i++) {
		const struct docker_arch *a = &p->arch_map.items[i];

		if (!a->architecture || strcmp(a->architecture, oci_arch) != 0)
			continue;
		if (strv_add(dst, a->architecture) < 0 || strv_add_all(dst, &a->sub) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int reduce(struct docker_profile *p, cap_set caps, struct oci_seccomp *ret)
{
	ret->default_action = TAKE_PTR(p->default_action);
	ret->has_default_errno_ret = p->has_default_errno_ret;
	ret->default_errno_ret = p->default_errno_ret;
	if (take_archs(p, &ret->architectures) < 0 || strv_add_all(&ret->flags, &p->flags) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < p->syscalls.len; i++)
		if (applies(&p->syscalls.items[i], caps) && take_rule(&p->syscalls.items[i], &ret->syscalls) < 0)
			return -ENOMEM;
	return 0;
}

int seccomp_docker_parse(const char *text, size_t len, cap_set caps, struct oci_seccomp *ret, struct err *err)
{
	CLEANUP(profile_done) struct docker_profile p = { 0 };
	CLEANUP(oci_seccomp_done) struct oci_seccomp s = { 0 };
	json_t *root = NULL;
	int r;

	if (len > PROFILE_MAX)
		return err_set(err, E2BIG, "longer than %d bytes", PROFILE_MAX);
	r = json_parse_text(text, len, &root, err);
	if (r == 0)
		r = fields_parse(&profile_type, root, &p, err);
	json_decref(root);
	if (r < 0)
		return r;
	if (reduce(&p, caps, &s) < 0)
		return err_oom(err);
	*ret = s;
	s = (struct oci_seccomp){ 0 };
	return 0;
}

int seccomp_docker_read(int dir_fd, const char *path, cap_set caps, struct oci_seccomp *ret, struct err *err)
{
	autobuf struct buf text = BUF_INIT(PROFILE_MAX);
	int r = fs_read_file(dir_fd, path, PROFILE_MAX, &text, err);

	if (r == 0)
		r = seccomp_docker_parse(buf_str(&text), text.len, caps, ret, err);
	return r < 0 ? err_wrap(err, "seccomp profile '%s'", path) : 0;
}
