#include "cli/command.h"
#include "cli/container/explain_table.h"
#include "engine/run/run.h"

#include <string.h>
#include <unistd.h>

#define FLAG(n, l, field, h) OPTION_FLAG(n, l, struct run_options, field, h)
#define STRING(n, l, field, a, h, c) OPTION_STRING(n, l, struct run_options, field, a, h, c)
#define LIST(n, l, field, a, h, c) OPTION_LIST(n, l, struct run_options, field, a, h, c)
#define LATER_MONITOR(n, l) OPTION_LATER(n, l, "containers in the background come with a later version")
#define LATER_NETWORK(n, l) OPTION_LATER(n, l, "private networks come with the next version")
#define LATER_CGROUP(n, l) OPTION_LATER(n, l, "limits by control groups come with a later version; --ulimit is there")
#define LATER_VOLUME(n, l) OPTION_LATER(n, l, "volumes come with a later version; -v with a folder is there")

static const struct option run_table[] = {
	/* the program */
	FLAG("interactive", 'i', interactive, "pass our input on"),
	FLAG("tty", 't', tty, "give it a terminal"),
	FLAG("rm", 0, remove, "remove the container when it has ended"),
	STRING("name", 0, name, "NAME", "name of the container", NULL),
	LIST("env", 'e', env, "NAME[=VALUE]", "set a variable; without a value, pass ours on", NULL),
	LIST("env-file", 0, env_files, "FILE", "set the variables that a file names, one a line", "file"),
	STRING("workdir", 'w', workdir, "DIR", "working folder in the container", NULL),
	STRING("user", 'u', user, "USER[:GROUP]", "run as this user, by name or number", NULL),
	LIST("group-add", 0, group_add, "GROUP", "a further group", NULL),
	STRING("entrypoint", 0, entrypoint, "PROGRAM", "instead of the image's entry point; empty: none", NULL),
	FLAG("init", 0, init, "an init of ours as pid 1, which reaps and passes signals on"),
	STRING("stop-signal", 0, stop_signal, "SIGNAL", "what asks it to end", NULL),
	STRING("sig-proxy", 0, sig_proxy, "true|false", "pass signals on to it (default true)", "true false"),
	FLAG("no-healthcheck", 0, no_healthcheck, "run no health check of the image's (none is run yet anyway)"),

	/* files */
	LIST("volume", 'v', volumes, "SOURCE:TARGET[:MODES]", "show a folder or file of the host", "file"),
	LIST("mount", 0, mounts, "type=…,…", "the same, with all that can be said about a mount", NULL),
	LIST("tmpfs", 0, tmpfs, "TARGET[:OPTIONS]", "an empty file system in memory", NULL),
	FLAG("read-only", 0, read_only, "the image can't be written over"),
	LIST("device", 0, devices, "DEVICE[:TARGET]", "show a device of the host", "file"),
	STRING("shm-size", 0, shm_size, "SIZE", "size of /dev/shm (default 64m)", NULL),

	/* names and namespaces */
	STRING("hostname", 'h', hostname, "NAME", "its own host name", NULL),
	STRING("domainname", 0, domainname, "NAME", "its own NIS domain name", NULL),
	STRING("network", 0, network, "none|host", "its network (default host, until private ones are there)",
	       "none host"),
	STRING("net", 0, network, "none|host", "the same", "none host"),
	LIST("add-host", 0, add_hosts, "NAME:ADDRESS", "a line in /etc/hosts", NULL),
	LIST("dns", 0, dns, "ADDRESS", "name server, instead of the host's", NULL),
	LIST("dns-search", 0, dns_search, "DOMAIN", "search domain; .: none", NULL),
	LIST("dns-option", 0, dns_options, "OPTION", "option of resolv.conf", NULL),
	STRING("pid", 0, pid, "private|host", "whose processes it sees", "private host"),
	STRING("ipc", 0, ipc, "private|host|none", "whose shared memory it has", "private host none"),
	STRING("uts", 0, uts, "private|host", "whose host name it has", "private host"),
	STRING("userns", 0, userns, "private|host", "host: without a user namespace (root only)", "private host"),
	STRING("cgroupns", 0, cgroupns, "private|host", "whose control groups it sees", "private host"),
	STRING("time", 0, timens, "private|host", "private: a time namespace of its own", "private host"),

	/* rights and limits */
	LIST("cap-add", 0, cap_add, "CAPABILITY", "a capability more, or ALL", NULL),
	LIST("cap-drop", 0, cap_drop, "CAPABILITY", "a capability less, or ALL", NULL),
	LIST("security-opt", 0, security, "NAME[=VALUE]",
	     "seccomp=unconfined|FILE, no-new-privileges, systempaths=unconfined, apparmor=unconfined, label=disable",
	     NULL),
	FLAG("privileged", 0, privileged,
	     "all capabilities over its namespaces, no filter of system calls, the devices we may open"),
	LIST("ulimit", 0, ulimits, "NAME=SOFT[:HARD]", "a limit of getrlimit(2)", NULL),
	LIST("sysctl", 0, sysctls, "NAME=VALUE", "a kernel setting that its namespaces hold", NULL),
	STRING("oom-score-adj", 0, oom_score_adj, "NUMBER", "-1000 to 1000: who goes first when memory is short", NULL),
	STRING("ids-level", 0, ids_level, "0|1|2|3",
	       "where one id is mapped: 0 nothing is emulated, 1 owners can be set, 2 and are seen (default), 3 and "
	       "are obeyed",
	       "0 1 2 3"),

	/* about the container */
	LIST("label", 'l', labels, "KEY[=VALUE]", "a label", NULL),
	LIST("label-file", 0, label_files, "FILE", "labels that a file has, one a line", "file"),
	LIST("annotation", 0, annotations, "KEY=VALUE", "an annotation of the OCI bundle", NULL),
	STRING("cidfile", 0, cidfile, "FILE", "write the container's ID there", "file"),
	STRING("pull", 0, pull, "missing|never", "there is no registry yet: both use what is here", "missing never"),
	STRING("platform", 0, platform, "OS/ARCH", "check that the image is for it", NULL),
	FLAG("quiet", 'q', quiet, "say nothing beside errors"),
	FLAG("explain", 0, explain, "show each step of the start as it happens"),

	/* docker's, for later */
	LATER_MONITOR("detach", 'd'),
	LATER_MONITOR("detach-keys", 0),
	LATER_MONITOR("attach", 'a'),
	LATER_MONITOR("restart", 0),
	LATER_MONITOR("log-driver", 0),
	LATER_MONITOR("log-opt", 0),
	LATER_MONITOR("stop-timeout", 0),
	LATER_MONITOR("health-cmd", 0),
	LATER_MONITOR("health-interval", 0),
	LATER_MONITOR("health-retries", 0),
	LATER_MONITOR("health-start-interval", 0),
	LATER_MONITOR("health-start-period", 0),
	LATER_MONITOR("health-timeout", 0),
	LATER_NETWORK("publish", 'p'),
	LATER_NETWORK("publish-all", 'P'),
	LATER_NETWORK("expose", 0),
	LATER_NETWORK("ip", 0),
	LATER_NETWORK("ip6", 0),
	LATER_NETWORK("link", 0),
	LATER_NETWORK("link-local-ip", 0),
	LATER_NETWORK("mac-address", 0),
	LATER_NETWORK("network-alias", 0),
	LATER_NETWORK("net-alias", 0),
	LATER_CGROUP("memory", 'm'),
	LATER_CGROUP("memory-reservation", 0),
	LATER_CGROUP("memory-swap", 0),
	LATER_CGROUP("memory-swappiness", 0),
	LATER_CGROUP("kernel-memory", 0),
	LATER_CGROUP("cpus", 0),
	LATER_CGROUP("cpu-shares", 'c'),
	LATER_CGROUP("cpu-period", 0),
	LATER_CGROUP("cpu-quota", 0),
	LATER_CGROUP("cpu-rt-period", 0),
	LATER_CGROUP("cpu-rt-runtime", 0),
	LATER_CGROUP("cpuset-cpus", 0),
	LATER_CGROUP("cpuset-mems", 0),
	LATER_CGROUP("pids-limit", 0),
	LATER_CGROUP("blkio-weight", 0),
	LATER_CGROUP("blkio-weight-device", 0),
	LATER_CGROUP("device-cgroup-rule", 0),
	LATER_CGROUP("device-read-bps", 0),
	LATER_CGROUP("device-read-iops", 0),
	LATER_CGROUP("device-write-bps", 0),
	LATER_CGROUP("device-write-iops", 0),
	LATER_CGROUP("cgroup-parent", 0),
	LATER_CGROUP("oom-kill-disable", 0),
	LATER_VOLUME("volumes-from", 0),
	LATER_VOLUME("volume-driver", 0),
	LATER_VOLUME("storage-opt", 0),
	OPTION_LATER("gpus", 0, "a short form for GPUs comes with a later version; --device is there"),
	OPTION_LATER("runtime", 0, "there is one runtime; others come with a later version"),
	OPTION_LATER("isolation", 0, "it is for Windows"),
	OPTION_LATER("disable-content-trust", 0, "signatures come with registries, in a later version"),
	OPTION_LATER("use-api-socket", 0, "there is no daemon"),
	OPTION_END,
};

static void on_notice(const char *text, void *arg)
{
	(void)arg;
	fprintf(stderr, "cloche: run: %s\n", text);
}

static int run_run(const void *options, const struct strv *args, struct err *err)
{
	const struct run_options *o = options;
	struct store_options store = { .root = global_options.root, .runroot = global_options.runroot };
	struct explain_table table = explain_table_init(stderr);
	struct run_callbacks callbacks = { .on_notice = on_notice, .arg = &table };
	struct strv command = { .items = args->items + 1, .len = args->len - 1 };
	int exit_code, r;

	/* As docker has it: a terminal on one side only would leave the other unreadable. */
	if (o->interactive && o->tty && !isatty(STDIN_FILENO)) {
		fputs("cloche: run: the input device is not a TTY\n", stderr);
		return 1;
	}
	if (o->explain)
		callbacks.on_step = explain_table_step;
	r = run_container(&store, o, args->items[0], &command, &callbacks, &exit_code, err);
	if (r >= 0 || exit_code == EXIT_OURS)
		return r;
	err_wrap(err, "run");
	err_print(stderr, err);
	return exit_code;
}

const struct command cmd_run = {
	.name = "run",
	.group = "Containers",
	.summary = "run a program in a new container of an image",
	.usage = "IMAGE [COMMAND [ARG...]]",
	.description = "The exit code is that of the program; 128 and the signal's number if a signal ended it; 127 if "
		       "the program was "
		       "not found, 126 if it could not be executed, and 125 if cloche itself failed.",
	.examples =
		"# a shell that leaves nothing behind\n$ cloche run --rm -it debian:bookworm bash\n"
		"# a folder of ours, without network\n$ cloche run --rm --network none -v ./src:/src busybox ls /src\n"
		"# what a container is made of\n$ cloche run --rm --explain busybox true",
	.complete = "image",
	.options = run_table,
	.options_size = sizeof(struct run_options),
	.min_args = 1,
	.max_args = -1,
	.stop_at_args = true,
	.run = run_run,
};
