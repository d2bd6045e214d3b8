/*
 * `features`: what this runtime can do, for engines that ask first. runtime-spec 1.2, features.md and features-linux.md: the words
 * that are known, whatever this kernel can do of it; only supportedFlags is about the kernel.
 */
#include "base/cleanup.h"
#include "cli/oci/global.h"
#include "runtime/runtime.h"
#include "sys/caps.h"

#include "config.h"

#include <stdio.h>

static const char *const hooks[] = { "prestart",       "createRuntime", "createContainer",
				     "startContainer", "poststart",	"poststop" };
static const char *const namespaces[] = { "cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts" };

/* No annotation changes what is done, so none is unsafe; engines ask the second one whether `checkpoint` works. */
static const char tail[] =
	"\"cgroup\":{\"v1\":true,\"v2\":true,\"systemd\":true,\"systemdUser\":true,\"rdma\":true},"
	"\"apparmor\":{\"enabled\":true},\"selinux\":{\"enabled\":true},\"intelRdt\":{\"enabled\":false},"
	"\"mountExtensions\":{\"idmap\":{\"enabled\":true}}},"
	"\"annotations\":{\"run.cloche.version\":\"" CLOCHE_VERSION "\","
	"\"org.opencontainers.runc.checkpoint.enabled\":\"false\"},"
	"\"potentiallyUnsafeConfigAnnotations\":[]}";

/* ARG: what stands before it. */
static void print_name(const char *name, void *arg)
{
	const char **comma = arg;

	printf("%s\"%s\"", *comma, name);
	*comma = ",";
}

static void print_names(const char *member, const char *const *names, size_t len)
{
	const char *comma = "";

	printf("\"%s\":[", member);
	for (size_t i = 0; i < len; i++)
		print_name(names[i], &comma);
	fputs("],", stdout);
}

static void print_capabilities(void)
{
	const char *comma = "";

	fputs("\"capabilities\":[", stdout);
	for (int i = 0; cap_name(i); i++)
		print_name(cap_name(i), &comma);
	fputs("],", stdout);
}

static void print_mount_options(void)
{
	const char *comma = "";

	fputs("\"mountOptions\":[", stdout);
	runtime_mount_options(print_name, &comma);
	fputs("],", stdout);
}

static void print_seccomp(void)
{
	static const struct {
		enum runtime_seccomp_kind kind;
		const char *member;
	} lists[] = {
		{ RUNTIME_SECCOMP_ACTIONS, "actions" },
		{ RUNTIME_SECCOMP_OPERATORS, "operators" },
		{ RUNTIME_SECCOMP_ARCHS, "archs" },
		{ RUNTIME_SECCOMP_FLAGS, "knownFlags" },
		{ RUNTIME_SECCOMP_KERNEL_FLAGS, "supportedFlags" },
	};

	fputs("\"seccomp\":{\"enabled\":true", stdout);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const char *comma = "";

		printf(",\"%s\":[", lists[i].member);
		runtime_seccomp_names(lists[i].kind, print_name, &comma);
		fputc(']', stdout);
	}
	fputs("},", stdout);
}

static int run_features(const void *options, const struct strv *args, struct err *err)
{
	(void)options;
	(void)args;
	(void)err;
	fputs("{\"ociVersionMin\":\"1.0.0\",\"ociVersionMax\":\"1.2.0\",", stdout);
	print_names("hooks", hooks, ARRAY_SIZE(hooks));
	print_mount_options();
	fputs("\"linux\":{", stdout);
	print_names("namespaces", namespaces, ARRAY_SIZE(namespaces));
	print_capabilities();
	print_seccomp();
	puts(tail);
	return 0;
}

const struct command oci_cmd_features = {
	.name = "features",
	.summary = "say as JSON what this runtime can do",
	.see_also = "spec",
	.run = run_features,
};
