/*
 * The OCI runtime specification's config.json (version 1.2), read into and written from typed structs.
 *
 * All strings and arrays are owned by the spec and released by oci_spec_done. An array is {items, len,
 * cap}; a string that is NULL, an empty array, a false flag and a zero number stand for "not there" and
 * are not written, unless a `has_` field says that it is there. The struct has all that the specification gives a
 * meaning on Linux; what else stands there is skipped, as it demands. Which of it can be done is for the runtime to say.
 *
 * Source: https://github.com/opencontainers/runtime-spec, config.md and config-linux.md.
 */
#pragma once

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

enum { OCI_SPEC_MAX = 4 << 20 }; /* bytes of a config.json */

struct oci_rlimit {
	char *type; /* "RLIMIT_NOFILE" */
	uint64_t hard, soft;
};
DEFINE_VEC(oci_rlimits, struct oci_rlimit)

DEFINE_VEC(oci_ids, uint32_t)

struct oci_user {
	uint32_t uid, gid;
	bool has_umask;
	uint32_t umask;
	struct oci_ids additional_gids;
};

/* Names as "CAP_CHOWN". */
struct oci_capabilities {
	struct strv bounding, effective, inheritable, permitted, ambient;
};

/* sched_setattr(2) */
struct oci_scheduler {
	char *policy; /* "SCHED_OTHER" */
	int32_t nice, priority;
	struct strv flags; /* "SCHED_FLAG_RESET_ON_FORK" */
	uint64_t runtime, deadline, period;
};

/* ioprio_set(2) */
struct oci_io_priority {
	char *class_; /* "IOPRIO_CLASS_BE" */
	int32_t priority;
};

/* Of a process that enters a container: lists of processors ("0-3,7"), before and after it is in its control group. */
struct oci_cpu_affinity {
	char *initial, *final;
};

struct oci_process {
	bool terminal;
	uint32_t console_height, console_width; /* in characters; 0: not given */
	struct oci_user user;
	struct strv args, env;
	char *cwd;
	struct oci_capabilities capabilities;
	struct oci_rlimits rlimits;
	bool no_new_privileges;
	char *apparmor_profile, *selinux_label;
	bool has_oom_score_adj;
	int64_t oom_score_adj;
	bool has_scheduler, has_io_priority;
	struct oci_scheduler scheduler;
	struct oci_io_priority io_priority;
	struct oci_cpu_affinity exec_cpu_affinity;
};

struct oci_mapping {
	uint32_t inside, outside, count; /* containerID, hostID, size */
};
DEFINE_VEC(oci_mappings, struct oci_mapping)

struct oci_mount {
	char *destination, *type, *source;
	struct strv options;
	struct oci_mappings uid_mappings, gid_mappings;
};
DEFINE_VEC(oci_mounts, struct oci_mount)

struct oci_hook {
	char *path;
	struct strv args, env;
	int64_t timeout; /* seconds; 0: none */
};
DEFINE_VEC(oci_hook_list, struct oci_hook)

struct oci_hooks {
	struct oci_hook_list prestart, create_runtime, create_container, start_container, poststart, poststop;
};

struct oci_namespace {
	char *type; /* pid network mount ipc uts user cgroup time */
	char *path; /* NULL: a new one */
};
DEFINE_VEC(oci_namespaces, struct oci_namespace)

struct oci_device {
	char *path, *type; /* type: c b u p */
	int64_t major, minor;
	bool has_mode;
	uint32_t mode, uid, gid;
};
DEFINE_VEC(oci_devices, struct oci_device)

struct oci_seccomp_arg {
	uint32_t index;
	uint64_t value, value_two;
	char *op; /* "SCMP_CMP_EQ" */
};
DEFINE_VEC(oci_seccomp_args, struct oci_seccomp_arg)

struct oci_syscall {
	struct strv names;
	char *action; /* "SCMP_ACT_ALLOW" */
	bool has_errno_ret;
	uint32_t errno_ret;
	struct oci_seccomp_args args;
};
DEFINE_VEC(oci_syscalls, struct oci_syscall)

struct oci_seccomp {
	char *default_action;
	bool has_default_errno_ret;
	uint32_t default_errno_ret;
	struct strv architectures, flags; /* "SCMP_ARCH_X86_64"; "SECCOMP_FILTER_FLAG_LOG" */
	char *listener_path, *listener_metadata;
	struct oci_syscalls syscalls;
};

struct sock_filter;

/* A profile that is ready, for the common case: the runtime loads `filter` and config.json gets `json`. All borrowed. */
struct oci_seccomp_ready {
	const char *json; /* the value of linux.seccomp; NULL: none is ready */
	const struct sock_filter *filter;
	size_t filter_len;
};

/* Groups of resctrl, a file system of the kernel. */
struct oci_intel_rdt {
	char *clos_id; /* NULL: named like the container; "/": the default */
	char *l3_cache_schema, *mem_bw_schema;
	struct strv schemata;
	bool enable_monitoring, enable_cmt, enable_mbm; /* the latter two until 1.2 */
};

/* set_mempolicy(2); specification 1.3. */
struct oci_memory_policy {
	char *mode;	   /* "MPOL_BIND" */
	char *nodes;	   /* "0-1" */
	struct strv flags; /* "MPOL_F_STATIC_NODES" */
};

/* An interface of the machine that is moved into the container; specification 1.3. */
struct oci_net_device {
	char *outside, *inside; /* inside: NULL: the same */
};
DEFINE_VEC(oci_net_devices, struct oci_net_device)

struct oci_linux {
	struct oci_mappings uid_mappings, gid_mappings;
	struct strv sysctl; /* name, value, name, value … */
	char *cgroups_path;
	struct oci_namespaces namespaces;
	struct oci_devices devices;
	bool has_seccomp;
	struct oci_seccomp seccomp;
	struct oci_seccomp_ready seccomp_ready; /* used in place of `seccomp` when its json is set */
	char *rootfs_propagation;
	struct strv masked_paths, readonly_paths;
	char *mount_label;
	char *personality_domain; /* "LINUX32" */
	struct strv personality_flags;
	bool has_intel_rdt, has_memory_policy;
	struct oci_intel_rdt intel_rdt;
	struct oci_memory_policy memory_policy;
	struct oci_net_devices net_devices;
	int64_t monotonic_secs, boottime_secs; /* offsets of the time namespace */
	uint32_t monotonic_nsecs, boottime_nsecs;
	char *resources; /* JSON text, as it stood there; NULL: none */
};

struct oci_spec {
	char *version; /* "1.2.0" */
	struct oci_process process;
	char *root_path; /* absolute, or relative to the bundle */
	bool root_readonly;
	char *hostname, *domainname;
	struct oci_mounts mounts;
	struct oci_hooks hooks;
	struct strv annotations; /* key, value, key, value … */
	struct oci_linux linux_;
};

/* Parses TEXT. -EBADMSG (with the path of the field: "process.user.uid") or -E2BIG. RET starts empty. */
int oci_spec_parse(const char *text, size_t len, struct oci_spec *ret, struct err *err);
/* The file PATH, relative to DIR_FD. */
int oci_spec_read(int dir_fd, const char *path, struct oci_spec *ret, struct err *err);
/* Appends the JSON text to BUF, one line. */
int oci_spec_write(const struct oci_spec *spec, struct buf *buf, struct err *err);
void oci_spec_done(struct oci_spec *spec);
#define autospec CLEANUP(oci_spec_done)

/* TEXT, a process.json, becomes SPEC's process in place of what it has. Errors as oci_spec_parse's. */
int oci_process_replace(struct oci_spec *spec, const char *text, size_t len, struct err *err);

/* Parses a linux.seccomp object alone. */
int oci_seccomp_parse(const char *text, size_t len, struct oci_seccomp *ret, struct err *err);
/* Appends it as JSON. */
int oci_seccomp_write(const struct oci_seccomp *seccomp, struct buf *buf, struct err *err);
void oci_seccomp_done(struct oci_seccomp *seccomp);

/* Appends a mount; OPTIONS are separated by commas; TYPE and SOURCE may be NULL. 0 or -ENOMEM. */
int oci_spec_add_mount(struct oci_spec *spec, const char *destination, const char *type, const char *source,
		       const char *options);
/* Removes the mounts on DESTINATION; true if there were any. */
bool oci_spec_remove_mount(struct oci_spec *spec, const char *destination);
/* Sets the namespace TYPE ("network") to a new one (PATH NULL) or that of PATH. 0 or -ENOMEM. */
int oci_spec_set_namespace(struct oci_spec *spec, const char *type, const char *path);
/* Without that namespace, the container has the caller's. */
void oci_spec_remove_namespace(struct oci_spec *spec, const char *type);
/* Borrowed; NULL if the spec has none of that type. */
const struct oci_namespace *oci_spec_namespace(const struct oci_spec *spec, const char *type);
/* Appends or replaces "RLIMIT_<NAME>". 0 or -ENOMEM. */
int oci_spec_set_rlimit(struct oci_spec *spec, const char *type, uint64_t soft, uint64_t hard);
