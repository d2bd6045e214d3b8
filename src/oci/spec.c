#include "oci/spec.h"

#include "base/cleanup.h"
#include "oci/fields.h"
#include "oci/spec_types.h"
#include "sys/fs.h"

#include <errno.h>
#include <string.h>

/* --- the tables: config.md and config-linux.md of the runtime specification --- */

#define END                                                                                                            \
	{                                                                                                              \
		.name = NULL                                                                                           \
	}
#define ALWAYS(n, k, type_, member)                                                                                    \
	{                                                                                                              \
		.name = n, .kind = k, .offset = offsetof(type_, member), .flags = FIELD_ALWAYS                         \
	}
#define REQUIRED(n, k, type_, member)                                                                                  \
	{                                                                                                              \
		.name = n, .kind = k, .offset = offsetof(type_, member), .flags = FIELD_ALWAYS | FIELD_REQUIRED        \
	}
#define SUB_WITH_HAS(n, type_, member, has, sub)                                                                       \
	{                                                                                                              \
		.name = n, .kind = FIELD_OBJECT, .offset = offsetof(type_, member),                                    \
		.has_offset = offsetof(type_, has) + 1, .type = sub                                                    \
	}
#define WITH_HAS(n, k, type_, member, has)                                                                             \
	{                                                                                                              \
		.name = n, .kind = k, .offset = offsetof(type_, member), .has_offset = offsetof(type_, has) + 1        \
	}

static const struct field rlimit_fields[] = {
	REQUIRED("type", FIELD_STRING, struct oci_rlimit, type),
	ALWAYS("hard", FIELD_U64, struct oci_rlimit, hard),
	ALWAYS("soft", FIELD_U64, struct oci_rlimit, soft),
	END,
};
static const struct field_type rlimit_type = { sizeof(struct oci_rlimit), rlimit_fields };

static const struct field user_fields[] = {
	ALWAYS("uid", FIELD_U32, struct oci_user, uid),
	ALWAYS("gid", FIELD_U32, struct oci_user, gid),
	WITH_HAS("umask", FIELD_U32, struct oci_user, umask, has_umask),
	FIELD("additionalGids", FIELD_U32S, struct oci_user, additional_gids),
	END,
};
static const struct field_type user_type = { sizeof(struct oci_user), user_fields };

static const struct field capabilities_fields[] = {
	FIELD("bounding", FIELD_STRV, struct oci_capabilities, bounding),
	FIELD("effective", FIELD_STRV, struct oci_capabilities, effective),
	FIELD("inheritable", FIELD_STRV, struct oci_capabilities, inheritable),
	FIELD("permitted", FIELD_STRV, struct oci_capabilities, permitted),
	FIELD("ambient", FIELD_STRV, struct oci_capabilities, ambient),
	END,
};
static const struct field_type capabilities_type = { sizeof(struct oci_capabilities), capabilities_fields };

struct console_size {
	uint32_t height, width;
};
static const struct field console_fields[] = {
	ALWAYS("height", FIELD_U32, struct console_size, height),
	ALWAYS("width", FIELD_U32, struct console_size, width),
	END,
};
/* The two stand side by side in struct oci_process. */
static const struct field_type console_type = { sizeof(struct console_size), console_fields };
_Static_assert(offsetof(struct oci_process, console_width) == offsetof(struct oci_process, console_height) + 4,
	       "console size");

static const struct field scheduler_fields[] = {
	REQUIRED("policy", FIELD_STRING, struct oci_scheduler, policy),
	FIELD("nice", FIELD_I32, struct oci_scheduler, nice),
	FIELD("priority", FIELD_I32, struct oci_scheduler, priority),
	FIELD("flags", FIELD_STRV, struct oci_scheduler, flags),
	FIELD("runtime", FIELD_U64, struct oci_scheduler, runtime),
	FIELD("deadline", FIELD_U64, struct oci_scheduler, deadline),
	FIELD("period", FIELD_U64, struct oci_scheduler, period),
	END,
};
static const struct field_type scheduler_type = { sizeof(struct oci_scheduler), scheduler_fields };

static const struct field io_priority_fields[] = {
	REQUIRED("class", FIELD_STRING, struct oci_io_priority, class_),
	ALWAYS("priority", FIELD_I32, struct oci_io_priority, priority),
	END,
};
static const struct field_type io_priority_type = { sizeof(struct oci_io_priority), io_priority_fields };

static const struct field cpu_affinity_fields[] = {
	FIELD("initial", FIELD_STRING, struct oci_cpu_affinity, initial),
	FIELD("final", FIELD_STRING, struct oci_cpu_affinity, final),
	END,
};
static const struct field_type cpu_affinity_type = { sizeof(struct oci_cpu_affinity), cpu_affinity_fields };

static const struct field process_fields[] = {
	FIELD("terminal", FIELD_BOOL, struct oci_process, terminal),
	FIELD_SUB("consoleSize", FIELD_OBJECT, struct oci_process, console_height, &console_type),
	FIELD_SUB("user", FIELD_OBJECT, struct oci_process, user, &user_type),
	ALWAYS("args", FIELD_STRV, struct oci_process, args),
	ALWAYS("env", FIELD_STRV, struct oci_process, env),
	FIELD("cwd", FIELD_STRING, struct oci_process, cwd),
	FIELD_SUB("capabilities", FIELD_OBJECT, struct oci_process, capabilities, &capabilities_type),
	FIELD_SUB("rlimits", FIELD_ARRAY, struct oci_process, rlimits, &rlimit_type),
	ALWAYS("noNewPrivileges", FIELD_BOOL, struct oci_process, no_new_privileges),
	FIELD("apparmorProfile", FIELD_STRING, struct oci_process, apparmor_profile),
	FIELD("selinuxLabel", FIELD_STRING, struct oci_process, selinux_label),
	WITH_HAS("oomScoreAdj", FIELD_I64, struct oci_process, oom_score_adj, has_oom_score_adj),
	SUB_WITH_HAS("scheduler", struct oci_process, scheduler, has_scheduler, &scheduler_type),
	SUB_WITH_HAS("ioPriority", struct oci_process, io_priority, has_io_priority, &io_priority_type),
	FIELD_SUB("execCPUAffinity", FIELD_OBJECT, struct oci_process, exec_cpu_affinity, &cpu_affinity_type),
	END,
};
static const struct field_type process_type = { sizeof(struct oci_process), process_fields };

static const struct field mapping_fields[] = {
	ALWAYS("containerID", FIELD_U32, struct oci_mapping, inside),
	ALWAYS("hostID", FIELD_U32, struct oci_mapping, outside),
	ALWAYS("size", FIELD_U32, struct oci_mapping, count),
	END,
};
static const struct field_type mapping_type = { sizeof(struct oci_mapping), mapping_fields };

static const struct field mount_fields[] = {
	REQUIRED("destination", FIELD_STRING, struct oci_mount, destination),
	FIELD("type", FIELD_STRING, struct oci_mount, type),
	FIELD("source", FIELD_STRING, struct oci_mount, source),
	FIELD("options", FIELD_STRV, struct oci_mount, options),
	FIELD_SUB("uidMappings", FIELD_ARRAY, struct oci_mount, uid_mappings, &mapping_type),
	FIELD_SUB("gidMappings", FIELD_ARRAY, struct oci_mount, gid_mappings, &mapping_type),
	END,
};
const struct field_type oci_mount_type = { sizeof(struct oci_mount), mount_fields };

static const struct field hook_fields[] = {
	REQUIRED("path", FIELD_STRING, struct oci_hook, path),
	FIELD("args", FIELD_STRV, struct oci_hook, args),
	FIELD("env", FIELD_STRV, struct oci_hook, env),
	FIELD("timeout", FIELD_I64, struct oci_hook, timeout),
	END,
};
static const struct field_type hook_type = { sizeof(struct oci_hook), hook_fields };

static const struct field hooks_fields[] = {
	FIELD_SUB("prestart", FIELD_ARRAY, struct oci_hooks, prestart, &hook_type),
	FIELD_SUB("createRuntime", FIELD_ARRAY, struct oci_hooks, create_runtime, &hook_type),
	FIELD_SUB("createContainer", FIELD_ARRAY, struct oci_hooks, create_container, &hook_type),
	FIELD_SUB("startContainer", FIELD_ARRAY, struct oci_hooks, start_container, &hook_type),
	FIELD_SUB("poststart", FIELD_ARRAY, struct oci_hooks, poststart, &hook_type),
	FIELD_SUB("poststop", FIELD_ARRAY, struct oci_hooks, poststop, &hook_type),
	END,
};
static const struct field_type hooks_type = { sizeof(struct oci_hooks), hooks_fields };

static const struct field namespace_fields[] = {
	REQUIRED("type", FIELD_STRING, struct oci_namespace, type),
	FIELD("path", FIELD_STRING, struct oci_namespace, path),
	END,
};
const struct field_type oci_namespace_type = { sizeof(struct oci_namespace), namespace_fields };

static const struct field device_fields[] = {
	REQUIRED("path", FIELD_STRING, struct oci_device, path),
	REQUIRED("type", FIELD_STRING, struct oci_device, type),
	ALWAYS("major", FIELD_I64, struct oci_device, major),
	ALWAYS("minor", FIELD_I64, struct oci_device, minor),
	WITH_HAS("fileMode", FIELD_U32, struct oci_device, mode, has_mode),
	FIELD("uid", FIELD_U32, struct oci_device, uid),
	FIELD("gid", FIELD_U32, struct oci_device, gid),
	END,
};
static const struct field_type device_type = { sizeof(struct oci_device), device_fields };

static const struct field seccomp_arg_fields[] = {
	ALWAYS("index", FIELD_U32, struct oci_seccomp_arg, index),
	ALWAYS("value", FIELD_U64, struct oci_seccomp_arg, value),
	FIELD("valueTwo", FIELD_U64, struct oci_seccomp_arg, value_two),
	REQUIRED("op", FIELD_STRING, struct oci_seccomp_arg, op),
	END,
};
static const struct field_type seccomp_arg_type = { sizeof(struct oci_seccomp_arg), seccomp_arg_fields };

static const struct field syscall_fields[] = {
	ALWAYS("names", FIELD_STRV, struct oci_syscall, names),
	REQUIRED("action", FIELD_STRING, struct oci_syscall, action),
	WITH_HAS("errnoRet", FIELD_U32, struct oci_syscall, errno_ret, has_errno_ret),
	FIELD_SUB("args", FIELD_ARRAY, struct oci_syscall, args, &seccomp_arg_type),
	END,
};
static const struct field_type syscall_type = { sizeof(struct oci_syscall), syscall_fields };

static const struct field seccomp_fields[] = {
	REQUIRED("defaultAction", FIELD_STRING, struct oci_seccomp, default_action),
	WITH_HAS("defaultErrnoRet", FIELD_U32, struct oci_seccomp, default_errno_ret, has_default_errno_ret),
	FIELD("architectures", FIELD_STRV, struct oci_seccomp, architectures),
	FIELD("flags", FIELD_STRV, struct oci_seccomp, flags),
	FIELD("listenerPath", FIELD_STRING, struct oci_seccomp, listener_path),
	FIELD("listenerMetadata", FIELD_STRING, struct oci_seccomp, listener_metadata),
	FIELD_SUB("syscalls", FIELD_ARRAY, struct oci_seccomp, syscalls, &syscall_type),
	END,
};
static const struct field_type seccomp_type = { sizeof(struct oci_seccomp), seccomp_fields };

/* The offsets of one clock stand apart in struct oci_linux: secs of both, then nsecs of both. */
struct time_offsets {
	int64_t monotonic_secs, boottime_secs;
	uint32_t monotonic_nsecs, boottime_nsecs;
};
_Static_assert(offsetof(struct oci_linux, boottime_nsecs) - offsetof(struct oci_linux, monotonic_secs) ==
		       offsetof(struct time_offsets, boottime_nsecs),
	       "time offsets");
static const struct field monotonic_fields[] = {
	FIELD("secs", FIELD_I64, struct time_offsets, monotonic_secs),
	FIELD("nanosecs", FIELD_U32, struct time_offsets, monotonic_nsecs),
	END,
};
static const struct field_type monotonic_type = { sizeof(struct time_offsets), monotonic_fields };
static const struct field boottime_fields[] = {
	FIELD("secs", FIELD_I64, struct time_offsets, boottime_secs),
	FIELD("nanosecs", FIELD_U32, struct time_offsets, boottime_nsecs),
	END,
};
static const struct field_type boottime_type = { sizeof(struct time_offsets), boottime_fields };
static const struct field time_fields[] = {
	{ .name = "monotonic", .kind = FIELD_OBJECT, .offset = 0, .type = &monotonic_type },
	{ .name = "boottime", .kind = FIELD_OBJECT, .offset = 0, .type = &boottime_type },
	END,
};
static const struct field_type time_type = { sizeof(struct time_offsets), time_fields };

struct personality {
	char *domain;
	struct strv flags;
};
_Static_assert(offsetof(struct oci_linux, personality_flags) - offsetof(struct oci_linux, personality_domain) ==
		       offsetof(struct personality, flags),
	       "personality");
static const struct field personality_fields[] = {
	FIELD("domain", FIELD_STRING, struct personality, domain),
	FIELD("flags", FIELD_STRV, struct personality, flags),
	END,
};
static const struct field_type personality_type = { sizeof(struct personality), personality_fields };

static const struct field intel_rdt_fields[] = {
	FIELD("closID", FIELD_STRING, struct oci_intel_rdt, clos_id),
	FIELD("l3CacheSchema", FIELD_STRING, struct oci_intel_rdt, l3_cache_schema),
	FIELD("memBwSchema", FIELD_STRING, struct oci_intel_rdt, mem_bw_schema),
	FIELD("schemata", FIELD_STRV, struct oci_intel_rdt, schemata),
	FIELD("enableMonitoring", FIELD_BOOL, struct oci_intel_rdt, enable_monitoring),
	FIELD("enableCMT", FIELD_BOOL, struct oci_intel_rdt, enable_cmt),
	FIELD("enableMBM", FIELD_BOOL, struct oci_intel_rdt, enable_mbm),
	END,
};
static const struct field_type intel_rdt_type = { sizeof(struct oci_intel_rdt), intel_rdt_fields };

static const struct field memory_policy_fields[] = {
	REQUIRED("mode", FIELD_STRING, struct oci_memory_policy, mode),
	FIELD("nodes", FIELD_STRING, struct oci_memory_policy, nodes),
	FIELD("flags", FIELD_STRV, struct oci_memory_policy, flags),
	END,
};
static const struct field_type memory_policy_type = { sizeof(struct oci_memory_policy), memory_policy_fields };

static const struct field net_device_fields[] = {
	FIELD("name", FIELD_STRING, struct oci_net_device, inside),
	END,
};
static const struct field_type net_device_type = { sizeof(struct oci_net_device), net_device_fields };

static const struct field linux_fields[] = {
	FIELD_SUB("uidMappings", FIELD_ARRAY, struct oci_linux, uid_mappings, &mapping_type),
	FIELD_SUB("gidMappings", FIELD_ARRAY, struct oci_linux, gid_mappings, &mapping_type),
	FIELD("sysctl", FIELD_MAP, struct oci_linux, sysctl),
	FIELD("cgroupsPath", FIELD_STRING, struct oci_linux, cgroups_path),
	FIELD_SUB("namespaces", FIELD_ARRAY, struct oci_linux, namespaces, &oci_namespace_type),
	FIELD_SUB("devices", FIELD_ARRAY, struct oci_linux, devices, &device_type),
	{ .name = "seccomp",
	  .kind = FIELD_OBJECT,
	  .offset = offsetof(struct oci_linux, seccomp),
	  .type = &seccomp_type,
	  .has_offset = offsetof(struct oci_linux, has_seccomp) + 1 },
	{ .name = "seccomp",
	  .kind = FIELD_RAW,
	  .offset = offsetof(struct oci_linux, seccomp_ready.json),
	  .flags = FIELD_WRITE_ONLY },
	FIELD("rootfsPropagation", FIELD_STRING, struct oci_linux, rootfs_propagation),
	FIELD("maskedPaths", FIELD_STRV, struct oci_linux, masked_paths),
	FIELD("readonlyPaths", FIELD_STRV, struct oci_linux, readonly_paths),
	FIELD("mountLabel", FIELD_STRING, struct oci_linux, mount_label),
	FIELD_SUB("personality", FIELD_OBJECT, struct oci_linux, personality_domain, &personality_type),
	FIELD_SUB("timeOffsets", FIELD_OBJECT, struct oci_linux, monotonic_secs, &time_type),
	SUB_WITH_HAS("intelRdt", struct oci_linux, intel_rdt, has_intel_rdt, &intel_rdt_type),
	SUB_WITH_HAS("memoryPolicy", struct oci_linux, memory_policy, has_memory_policy, &memory_policy_type),
	FIELD_SUB("netDevices", FIELD_KEYED, struct oci_linux, net_devices, &net_device_type),
	FIELD("resources", FIELD_RAW, struct oci_linux, resources),
	END,
};
static const struct field_type linux_type = { sizeof(struct oci_linux), linux_fields };

struct root {
	char *path;
	bool readonly;
};
_Static_assert(offsetof(struct oci_spec, root_readonly) - offsetof(struct oci_spec, root_path) ==
		       offsetof(struct root, readonly),
	       "root");
static const struct field root_fields[] = {
	REQUIRED("path", FIELD_STRING, struct root, path),
	FIELD("readonly", FIELD_BOOL, struct root, readonly),
	END,
};
static const struct field_type root_type = { sizeof(struct root), root_fields };

static const struct field spec_fields[] = {
	REQUIRED("ociVersion", FIELD_STRING, struct oci_spec, version),
	FIELD_SUB("process", FIELD_OBJECT, struct oci_spec, process, &process_type),
	FIELD_SUB("root", FIELD_OBJECT, struct oci_spec, root_path, &root_type),
	FIELD("hostname", FIELD_STRING, struct oci_spec, hostname),
	FIELD("domainname", FIELD_STRING, struct oci_spec, domainname),
	FIELD_SUB("mounts", FIELD_ARRAY, struct oci_spec, mounts, &oci_mount_type),
	FIELD_SUB("hooks", FIELD_OBJECT, struct oci_spec, hooks, &hooks_type),
	FIELD("annotations", FIELD_MAP, struct oci_spec, annotations),
	FIELD_SUB("linux", FIELD_OBJECT, struct oci_spec, linux_, &linux_type),
	END,
};
static const struct field_type spec_type = { sizeof(struct oci_spec), spec_fields };

/* --- reading and writing --- */

static int check_version(const struct oci_spec *spec, struct err *err)
{
	if (strncmp(spec->version, "1.", 2) != 0)
		return err_set(err, EBADMSG, "ociVersion: '%s' is not 1.x", spec->version);
	if (!spec->root_path || !spec->root_path[0])
		return err_set(err, EBADMSG, "root.path: is not there");
	return 0;
}

int oci_spec_parse(const char *text, size_t len, struct oci_spec *ret, struct err *err)
{
	CLEANUP(oci_spec_done) struct oci_spec spec = { 0 };
	json_t *root = NULL;
	int r;

	if (len > OCI_SPEC_MAX)
		return err_set(err, E2BIG, "longer than %d bytes", OCI_SPEC_MAX);
	r = json_parse_text(text, len, &root, err);
	if (r >= 0)
		r = fields_parse(&spec_type, root, &spec, err);
	json_decref(root);
	if (r >= 0)
		r = check_version(&spec, err);
	if (r < 0)
		return r;
	*ret = spec;
	spec = (struct oci_spec){ 0 };
	return 0;
}

int oci_spec_read(int dir_fd, const char *path, struct oci_spec *ret, struct err *err)
{
	autobuf struct buf text = BUF_INIT(OCI_SPEC_MAX);
	int r = fs_read_file(dir_fd, path, text.max, &text, err);

	if (r < 0)
		return r;
	r = oci_spec_parse(buf_str(&text), text.len, ret, err);
	return r < 0 ? err_wrap(err, "'%s'", path) : 0;
}

int oci_spec_write(const struct oci_spec *spec, struct buf *buf, struct err *err)
{
	fields_write(&spec_type, spec, buf);
	buf_add_char(buf, '\n');
	return buf->error ? err_errno(err, -buf->error, "write the container's configuration") : 0;
}

void oci_spec_done(struct oci_spec *spec)
{
	fields_done(&spec_type, spec);
}

int oci_process_replace(struct oci_spec *spec, const char *text, size_t len, struct err *err)
{
	struct oci_process p = { 0 };
	json_t *root = NULL;
	int r;

	if (len > OCI_SPEC_MAX)
		return err_set(err, E2BIG, "longer than %d bytes", OCI_SPEC_MAX);
	r = json_parse_text(text, len, &root, err);
	if (r >= 0)
		r = fields_parse(&process_type, root, &p, err);
	json_decref(root);
	if (r < 0) {
		fields_done(&process_type, &p);
		return r;
	}
	fields_done(&process_type, &spec->process);
	spec->process = p;
	return 0;
}

int oci_seccomp_parse(const char *text, size_t len, struct oci_seccomp *ret, struct err *err)
{
	struct oci_seccomp seccomp = { 0 };
	json_t *root = NULL;
	int r;

	if (len > OCI_SPEC_MAX)
		return err_set(err, E2BIG, "longer than %d bytes", OCI_SPEC_MAX);
	r = json_parse_text(text, len, &root, err);
	if (r >= 0)
		r = fields_parse(&seccomp_type, root, &seccomp, err);
	json_decref(root);
	if (r < 0) {
		oci_seccomp_done(&seccomp);
		return r;
	}
	*ret = seccomp;
	return 0;
}

int oci_seccomp_write(const struct oci_seccomp *seccomp, struct buf *buf, struct err *err)
{
	fields_write(&seccomp_type, seccomp, buf);
	return buf->error ? err_errno(err, -buf->error, "write the seccomp profile") : 0;
}

void oci_seccomp_done(struct oci_seccomp *seccomp)
{
	fields_done(&seccomp_type, seccomp);
}
