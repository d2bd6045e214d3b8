/* `features`: what this runtime can do, for engines that ask first. Source: runtime-spec 1.2, features.md. */
#include "cli/oci/global.h"

#include "sys/caps.h"

#include <stdio.h>
#include <unistd.h>

static const char head[] =
	"{\"ociVersionMin\":\"1.0.0\",\"ociVersionMax\":\"1.2.0\","
	"\"hooks\":[\"prestart\",\"createRuntime\",\"createContainer\",\"startContainer\",\"poststart\",\"poststop\"],"
	"\"mountOptions\":[";

static const char *const mount_options[] = {
	"async",    "atime",	   "bind",	    "defaults", "dev",	       "diratime",   "dirsync",	 "exec",
	"lazytime", "loud",	   "mand",	    "noatime",	"nodev",       "nodiratime", "noexec",	 "nolazytime",
	"nomand",   "norelatime",  "nostrictatime", "nosuid",	"private",     "rbind",	     "relatime", "remount",
	"ro",	    "rprivate",	   "rshared",	    "rslave",	"runbindable", "rw",	     "shared",	 "silent",
	"slave",    "strictatime", "suid",	    "sync",	"unbindable",  NULL,
};

static const char tail[] =
	"\"cgroup\":{\"v1\":true,\"v2\":true,\"systemd\":true,\"systemdUser\":true,\"rdma\":true},"
	"\"seccomp\":{\"enabled\":true,\"actions\":[\"SCMP_ACT_ALLOW\",\"SCMP_ACT_ERRNO\",\"SCMP_ACT_KILL\","
	"\"SCMP_ACT_KILL_PROCESS\",\"SCMP_ACT_KILL_THREAD\",\"SCMP_ACT_LOG\",\"SCMP_ACT_TRACE\",\"SCMP_ACT_TRAP\"],"
	"\"operators\":[\"SCMP_CMP_EQ\",\"SCMP_CMP_GE\",\"SCMP_CMP_GT\",\"SCMP_CMP_LE\",\"SCMP_CMP_LT\","
	"\"SCMP_CMP_MASKED_EQ\",\"SCMP_CMP_NE\"],\"knownFlags\":[\"SECCOMP_FILTER_FLAG_LOG\","
	"\"SECCOMP_FILTER_FLAG_SPEC_ALLOW\",\"SECCOMP_FILTER_FLAG_TSYNC\"],\"supportedFlags\":"
	"[\"SECCOMP_FILTER_FLAG_LOG\",\"SECCOMP_FILTER_FLAG_SPEC_ALLOW\",\"SECCOMP_FILTER_FLAG_TSYNC\"]},"
	"\"apparmor\":{\"enabled\":false},\"selinux\":{\"enabled\":false},\"intelRdt\":{\"enabled\":false}},"
	"\"annotations\":{}}";

static const struct {
	const char *type, *file;
} namespaces[] = {
	{ "cgroup", "cgroup" }, { "ipc", "ipc" },   { "mount", "mnt" }, { "network", "net" },
	{ "pid", "pid" },	{ "time", "time" }, { "user", "user" }, { "uts", "uts" },
};

static void print_namespaces(void)
{
	const char *comma = "";

	fputs("\"namespaces\":[", stdout);
	for (size_t i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]); i++) {
		char path[32];

		snprintf(path, sizeof(path), "/proc/self/ns/%s", namespaces[i].file);
		if (access(path, F_OK) < 0)
			continue;
		printf("%s\"%s\"", comma, namespaces[i].type);
		comma = ",";
	}
	fputs("],\"capabilities\":[", stdout);
}

static int run_features(const void *options, const struct strv *args, struct err *err)
{
	(void)options;
	(void)args;
	(void)err;
	fputs(head, stdout);
	for (size_t i = 0; mount_options[i]; i++)
		printf("%s\"%s\"", i ? "," : "", mount_options[i]);
	fputs("],\"linux\":{", stdout);
	print_namespaces();
	for (int i = 0; i <= cap_last() && cap_name(i); i++)
		printf("%s\"%s\"", i ? "," : "", cap_name(i));
	fputs("],", stdout);
	puts(tail);
	return 0;
}

const struct command oci_cmd_features = {
	.name = "features",
	.summary = "say as JSON what this runtime and this kernel can do",
	.see_also = "spec",
	.run = run_features,
};
