#include "engine/run/limits.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *find_limit(const char *name, size_t len)
{
	static const struct {
		const char *name, *type;
	} limits[] = {
		{ "core", "RLIMIT_CORE" },	   { "cpu", "RLIMIT_CPU" },
		{ "data", "RLIMIT_DATA" },	   { "fsize", "RLIMIT_FSIZE" },
		{ "locks", "RLIMIT_LOCKS" },	   { "memlock", "RLIMIT_MEMLOCK" },
		{ "msgqueue", "RLIMIT_MSGQUEUE" }, { "nice", "RLIMIT_NICE" },
		{ "nofile", "RLIMIT_NOFILE" },	   { "nproc", "RLIMIT_NPROC" },
		{ "rss", "RLIMIT_RSS" },	   { "rtprio", "RLIMIT_RTPRIO" },
		{ "rttime", "RLIMIT_RTTIME" },	   { "sigpending", "RLIMIT_SIGPENDING" },
		{ "stack", "RLIMIT_STACK" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		if (strlen(limits[i].name) == len && memcmp(limits[i].name, name, len) == 0)
			return limits[i].type;
	return NULL;
}

static int parse_limit_value(const char *text, uint64_t *ret)
{
	if (strcmp(text, "-1") == 0 || strcmp(text, "unlimited") == 0) {
		*ret = UINT64_MAX;
		return 0;
	}
	return num_parse_u64(text, 10, ret);
}

int run_parse_ulimit(const char *word, struct run_ulimit *ret, struct err *err)
{
	size_t len = strcspn(word, "=");
	struct run_ulimit u = { .type = find_limit(word, len) };
	autofree char *soft = NULL;
	char *hard;

	if (!word[len])
		return err_set(err, EINVAL, "--ulimit '%s': the form is NAME=SOFT[:HARD]", word);
	if (!u.type)
		return err_set(err, EINVAL, "--ulimit '%s': there is no limit '%.*s'", word, (int)len, word);
	soft = strdup(word + len + 1);
	if (!soft)
		return err_oom(err);
	hard = strchr(soft, ':');
	if (hard)
		*hard++ = '\0';
	if (parse_limit_value(soft, &u.soft) < 0)
		return err_set(err, EINVAL, "--ulimit '%s': '%s' is not a number", word, soft);
	u.hard = u.soft;
	if (hard && parse_limit_value(hard, &u.hard) < 0)
		return err_set(err, EINVAL, "--ulimit '%s': '%s' is not a number", word, hard);
	if (u.soft > u.hard)
		return err_set(err, EINVAL, "--ulimit '%s': the soft limit is above the hard limit", word);
	*ret = u;
	return 0;
}

/* Which namespace holds a sysctl; the kernel's ipc and uts ones by name, as docker lists them. */
static const char *sysctl_namespace(const char *name, size_t len)
{
	static const char *const ipc[] = {
		"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
		"kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced"
	};

	if (len > 4 && memcmp(name, "net.", 4) == 0)
		return "net";
	if (len > 10 && memcmp(name, "fs.mqueue.", 10) == 0)
		return "ipc";
	for (size_t i = 0; i < ARRAY_SIZE(ipc); i++)
		if (strlen(ipc[i]) == len && memcmp(ipc[i], name, len) == 0)
			return "ipc";
	return len == 17 && memcmp(name, "kernel.domainname", len) == 0 ? "uts" : NULL;
}

static bool is_sysctl_name(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./", name[i]))
			return false;
	return len > 0 && !memmem(name, len, "..", 2) && name[0] != '/' && name[0] != '.';
}

int run_check_sysctl(const char *word, const struct run_sysctl_rights *rights, const char **ret_value, struct err *err)
{
	size_t len = strcspn(word, "=");
	const char *ns;

	if (!word[len] || !is_sysctl_name(word, len))
		return err_set(err, EINVAL, "--sysctl '%s': the form is NAME=VALUE", word);
	ns = sysctl_namespace(word, len);
	if (!ns) {
		err_set(err, EINVAL, "--sysctl '%s': it is the whole machine's, no namespace holds it", word);
		return err_hint(
			err,
			"net.*, fs.mqueue.*, kernel.msg*, kernel.sem, kernel.shm* and kernel.domainname can be set");
	}
	if (strcmp(ns, "net") == 0 && !rights->own_network)
		return err_set(err, EINVAL, "--sysctl '%s': not with the host's network", word);
	if ((strcmp(ns, "ipc") == 0 && !rights->own_ipc) || (strcmp(ns, "uts") == 0 && !rights->own_uts))
		return err_set(err, EINVAL, "--sysctl '%s': not with the host's %s namespace", word, ns);
	*ret_value = word + len + 1;
	return 0;
}
