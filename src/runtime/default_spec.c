#include "runtime/default_spec.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "runtime/default_caps.h"
#include "runtime/seccomp_default.h"
#include "sys/caps.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>

/* --- docker's tables --- */

static const char *const default_namespaces[] = { "user", "mount", "pid", "network", "ipc", "uts", "cgroup" };

static const struct {
	const char *destination, *type, *source, *options;
} default_mounts[] = {
	{ "/proc", "proc", "proc", "nosuid,noexec,nodev" },
	{ "/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k" },
	{ "/dev/pts", "devpts", "devpts", "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5" },
	{ "/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777,size=67108864" },
	{ "/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev" },
	{ "/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro" },
	{ "/sys/fs/cgroup", "cgroup", "cgroup", "nosuid,noexec,nodev,relatime,ro" },
};

static const char *const default_masked[] = {
	"/proc/asound",	     "/proc/acpi",	    "/proc/interrupts", "/proc/kcore",
	"/proc/keys",	     "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
	"/proc/sched_debug", "/proc/scsi",	    "/sys/firmware",	"/sys/devices/virtual/powercap",
};

static const char *const default_read_only[] = {
	"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

/* --- the spec --- */

static int add_all(struct strv *dst, const char *const *src, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (strv_add(dst, src[i]) < 0)
			return -ENOMEM;
	return 0;
}

static int add_mappings(struct oci_mappings *dst, const struct id_range *ranges, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		struct oci_mapping m = { ranges[i].inside, ranges[i].outside, ranges[i].count };

		if (oci_mappings_push(dst, m) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int fill_linux(const struct idmap *ids, struct oci_spec *spec)
{
	struct oci_linux *l = &spec->linux_;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(default_namespaces) && r == 0; i++)
		r = oci_spec_set_namespace(spec, default_namespaces[i], NULL);
	for (size_t i = 0; i < ARRAY_SIZE(default_mounts) && r == 0; i++)
		r = oci_spec_add_mount(spec, default_mounts[i].destination, default_mounts[i].type,
				       default_mounts[i].source, default_mounts[i].options);
	if (r == 0)
		r = add_mappings(&l->uid_mappings, ids->uids, ids->uids_len);
	if (r == 0)
		r = add_mappings(&l->gid_mappings, ids->gids, ids->gids_len);
	if (r == 0)
		r = add_all(&l->masked_paths, default_masked, ARRAY_SIZE(default_masked));
	if (r == 0)
		r = add_all(&l->readonly_paths, default_read_only, ARRAY_SIZE(default_read_only));
	return r;
}

int default_spec_init(const struct idmap *ids, struct oci_spec *ret, struct err *err)
{
	CLEANUP(oci_spec_done) struct oci_spec spec = { 0 };
	const struct strv none = { 0 };

	spec.version = strdup("1.2.0");
	spec.root_path = strdup("merged");
	spec.process.cwd = strdup("/");
	spec.process.user.has_umask = true;
	spec.process.user.umask = 0022;
	if (!spec.version || !spec.root_path || !spec.process.cwd || fill_linux(ids, &spec) < 0 ||
	    strv_add(&spec.process.env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin") < 0)
		return err_oom(err);
	if (default_spec_set_caps(&spec, &none, &none, err) < 0)
		return -ENOMEM;
	*ret = spec;
	spec = (struct oci_spec){ 0 };
	return 0;
}

int default_spec_host_network(struct oci_spec *spec)
{
	/* The runtime binds the machine's /sys where a new one is refused for want of a network namespace. */
	oci_spec_remove_namespace(spec, "network");
	return 0;
}

/* --- capabilities --- */

static int unknown_capability(const char *name, struct err *err)
{
	err_set(err, EINVAL, "there is no capability '%s'", name);
	return err_hint(err, "as in NET_ADMIN, SYS_PTRACE, or ALL; capabilities(7) has the list");
}

static int cap_words(const struct strv *words, cap_set *ret, bool *ret_all, struct err *err)
{
	*ret = 0;
	*ret_all = false;
	for (size_t i = 0; i < words->len; i++) {
		int number;

		if (strcasecmp(words->items[i], "all") == 0 || strcasecmp(words->items[i], "cap_all") == 0) {
			*ret_all = true;
			continue;
		}
		number = cap_from_name(words->items[i]);
		if (number < 0)
			return unknown_capability(words->items[i], err);
		*ret |= CAP_BIT(number);
	}
	return 0;
}

static int put_set(struct strv *dst, cap_set set)
{
	strv_done(dst);
	for (int i = 0; cap_name(i); i++)
		if (set & CAP_BIT(i) && strv_add(dst, cap_name(i)) < 0)
			return -ENOMEM;
	return 0;
}

int default_spec_set_caps(struct oci_spec *spec, const struct strv *add, const struct strv *drop, struct err *err)
{
	struct oci_capabilities *c = &spec->process.capabilities;
	bool add_everything, drop_everything, is_root = spec->process.user.uid == 0;
	cap_set added, dropped, set;
	int r = cap_words(add, &added, &add_everything, err);

	if (r == 0)
		r = cap_words(drop, &dropped, &drop_everything, err);
	if (r < 0)
		return r;
	set = add_everything ? cap_all_known() : drop_everything ? 0 : DEFAULT_CAPS;
	/* The runtime refuses it there; so it is not taken for granted, only when it is asked for by name. */
	if (!oci_spec_namespace(spec, "user"))
		set &= ~CAP_BIT(CAP_MKNOD);
	set = (set | added) & ~dropped;
	/* A user other than root has none, but setuid programs may give it those of the bounding set. */
	if (put_set(&c->bounding, set) < 0 || put_set(&c->effective, is_root ? set : 0) < 0 ||
	    put_set(&c->permitted, is_root ? set : 0) < 0)
		return err_oom(err);
	strv_done(&c->inheritable);
	strv_done(&c->ambient);
	return 0;
}

/* --- seccomp --- */

static cap_set caps_of_spec(const struct oci_spec *spec)
{
	const struct strv *names = &spec->process.capabilities.bounding;
	cap_set set = 0;

	for (size_t i = 0; i < names->len; i++) {
		int number = cap_from_name(names->items[i]);

		if (number >= 0)
			set |= CAP_BIT(number);
	}
	return set;
}

static int set_default_profile(struct oci_spec *spec, struct err *err)
{
	struct oci_linux *l = &spec->linux_;
	cap_set caps = caps_of_spec(spec);
	int r;

	/* No call depends on CAP_MKNOD. */
	if ((caps | CAP_BIT(CAP_MKNOD)) == DEFAULT_CAPS) {
		seccomp_default_ready(&l->seccomp_ready);
		return 0;
	}
	r = seccomp_default_profile(caps, &l->seccomp, err);
	l->has_seccomp = r == 0;
	return r;
}

int default_spec_set_seccomp(struct oci_spec *spec, const char *profile, struct err *err)
{
	struct oci_linux *l = &spec->linux_;
	int r;

	oci_seccomp_done(&l->seccomp);
	l->has_seccomp = false;
	l->seccomp_ready = (struct oci_seccomp_ready){ 0 };
	if (!profile)
		return set_default_profile(spec, err);
	if (strcmp(profile, "unconfined") == 0)
		return 0;
	r = seccomp_docker_read(AT_FDCWD, profile, caps_of_spec(spec), &l->seccomp, err);
	l->has_seccomp = r == 0;
	return r;
}

/* --- reading --- */

/* Takes the default profile's member out of TEXT; false: it isn't there. No string of JSON can hold it: it has quotes. */
static bool cut_default_profile(struct buf *text, const struct oci_seccomp_ready *ready)
{
	static const char key[] = "\"seccomp\":";
	char *at = text->data ? strstr(text->data, ready->json) : NULL, *end = at ? at + strlen(ready->json) : NULL;

	if (!at || at - text->data < (ptrdiff_t)strlen(key) || *end != ',')
		return false;
	at -= strlen(key);
	if (memcmp(at, key, strlen(key)) != 0)
		return false;
	end++;
	memmove(at, end, text->len - (size_t)(end - text->data) + 1);
	text->len -= (size_t)(end - at);
	return true;
}

int default_spec_read(int dir_fd, const char *path, struct oci_spec *ret, struct err *err)
{
	autobuf struct buf text = BUF_INIT(OCI_SPEC_MAX);
	struct oci_seccomp_ready ready;
	bool is_default;
	int r = fs_read_file(dir_fd, path, text.max, &text, err);

	if (r < 0)
		return r;
	seccomp_default_ready(&ready);
	is_default = cut_default_profile(&text, &ready);
	r = oci_spec_parse(buf_str(&text), text.len, ret, err);
	if (r < 0)
		return err_wrap(err, "'%s'", path);
	if (is_default)
		ret->linux_.seccomp_ready = ready;
	return 0;
}
