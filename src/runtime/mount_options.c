/*
 * The options of a mount that are not for its file system: config.md, "Linux mount options", and what runc and crun have besides.
 *
 * An option is a flag of mount(2) for a new file system, and an attribute of mount_setattr(2) for a bind mount; with "r" in
 * front the attribute is that of all mounts below as well. What is a flag only belongs to the file system, so a bind mount, which
 * shows one that is there already, can't change it: it is accepted there, as mount(8) does, and means nothing.
 */
#include "base/cleanup.h"
#include "runtime/start.h"

#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

static const struct option_flag {
	const char *name;
	bool clear;
	unsigned long flag; /* MS_* */
	uint64_t attr;	    /* MOUNT_ATTR_*; 0: none */
} option_flags[] = {
	{ "ro", false, MS_RDONLY, MOUNT_ATTR_RDONLY },
	{ "rw", true, MS_RDONLY, MOUNT_ATTR_RDONLY },
	{ "nosuid", false, MS_NOSUID, MOUNT_ATTR_NOSUID },
	{ "suid", true, MS_NOSUID, MOUNT_ATTR_NOSUID },
	{ "nodev", false, MS_NODEV, MOUNT_ATTR_NODEV },
	{ "dev", true, MS_NODEV, MOUNT_ATTR_NODEV },
	{ "noexec", false, MS_NOEXEC, MOUNT_ATTR_NOEXEC },
	{ "exec", true, MS_NOEXEC, MOUNT_ATTR_NOEXEC },
	{ "nosymfollow", false, MS_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW },
	{ "symfollow", true, MS_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW },
	{ "nodiratime", false, MS_NODIRATIME, MOUNT_ATTR_NODIRATIME },
	{ "diratime", true, MS_NODIRATIME, MOUNT_ATTR_NODIRATIME },
	{ "sync", false, MS_SYNCHRONOUS, 0 },
	{ "async", true, MS_SYNCHRONOUS, 0 },
	{ "dirsync", false, MS_DIRSYNC, 0 },
	{ "mand", false, MS_MANDLOCK, 0 },
	{ "nomand", true, MS_MANDLOCK, 0 },
	{ "iversion", false, MS_I_VERSION, 0 },
	{ "noiversion", true, MS_I_VERSION, 0 },
	{ "lazytime", false, MS_LAZYTIME, 0 },
	{ "nolazytime", true, MS_LAZYTIME, 0 },
	{ "silent", false, MS_SILENT, 0 },
	{ "loud", true, MS_SILENT, 0 },
	{ "remount", false, MS_REMOUNT, 0 },
	{ "defaults", false, 0, 0 },
	{ "nocopy", false, 0, 0 },
};

/* The access times are one field of the attributes, whose zero is relatime. */
static const struct option_atime {
	const char *name;
	bool clear;
	unsigned long flag;
	uint64_t attr;
} option_atimes[] = {
	{ "noatime", false, MS_NOATIME, MOUNT_ATTR_NOATIME },
	{ "atime", true, MS_NOATIME, MOUNT_ATTR_RELATIME },
	{ "relatime", false, MS_RELATIME, MOUNT_ATTR_RELATIME },
	{ "norelatime", true, MS_RELATIME, MOUNT_ATTR_RELATIME },
	{ "strictatime", false, MS_STRICTATIME, MOUNT_ATTR_STRICTATIME },
	{ "nostrictatime", true, MS_STRICTATIME, MOUNT_ATTR_RELATIME },
};

static const struct option_propagation {
	const char *name;
	uint64_t propagation;
} option_propagations[] = {
	{ "private", MS_PRIVATE },	 { "rprivate", MS_PRIVATE | MS_REC },
	{ "slave", MS_SLAVE },		 { "rslave", MS_SLAVE | MS_REC },
	{ "shared", MS_SHARED },	 { "rshared", MS_SHARED | MS_REC },
	{ "unbindable", MS_UNBINDABLE }, { "runbindable", MS_UNBINDABLE | MS_REC },
};

static void apply_attr(uint64_t *set, uint64_t *clear, uint64_t attr, bool is_clear)
{
	*(is_clear ? clear : set) |= attr;
	*(is_clear ? set : clear) &= ~attr;
}

static void apply_atime_attr(uint64_t *set, uint64_t *clear, uint64_t attr)
{
	*clear |= MOUNT_ATTR__ATIME;
	*set = (*set & ~(uint64_t)MOUNT_ATTR__ATIME) | attr;
}

static bool apply_flag(struct planned_mount *m, const char *option)
{
	for (size_t i = 0; i < ARRAY_SIZE(option_flags); i++) {
		const struct option_flag *f = &option_flags[i];

		if (strcmp(option, f->name) == 0) {
			m->flags = f->clear ? m->flags & ~f->flag : m->flags | f->flag;
			apply_attr(&m->attr_set, &m->attr_clear, f->attr, f->clear);
			return true;
		}
		if (f->attr && option[0] == 'r' && strcmp(option + 1, f->name) == 0) {
			apply_attr(&m->recursive_set, &m->recursive_clear, f->attr, f->clear);
			return true;
		}
	}
	return false;
}

static bool apply_atime(struct planned_mount *m, const char *option)
{
	for (size_t i = 0; i < ARRAY_SIZE(option_atimes); i++) {
		const struct option_atime *a = &option_atimes[i];

		if (strcmp(option, a->name) == 0) {
			m->flags = a->clear ? m->flags & ~a->flag : m->flags | a->flag;
			apply_atime_attr(&m->attr_set, &m->attr_clear, a->attr);
			return true;
		}
		if (option[0] == 'r' && strcmp(option + 1, a->name) == 0) {
			apply_atime_attr(&m->recursive_set, &m->recursive_clear, a->attr);
			return true;
		}
	}
	return false;
}

uint64_t mount_propagation(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(option_propagations); i++)
		if (strcmp(name, option_propagations[i].name) == 0)
			return option_propagations[i].propagation;
	return 0;
}

static bool apply_special(struct planned_mount *m, const char *option)
{
	const struct {
		const char *name;
		bool *flag;
	} specials[] = {
		{ "tmpcopyup", &m->copy_up },
		{ "copy-symlink", &m->copy_symlink },
		{ "src-nofollow", &m->source_nofollow },
		{ "dest-nofollow", &m->place_nofollow },
		{ "idmap", &m->id_mapped },
		{ "ridmap", &m->id_mapped_recursive },
	};

	for (size_t i = 0; i < ARRAY_SIZE(specials); i++) {
		if (strcmp(option, specials[i].name) == 0) {
			*specials[i].flag = true;
			return true;
		}
	}
	return false;
}

bool mount_option_apply(struct planned_mount *m, const char *option)
{
	uint64_t propagation = mount_propagation(option);

	if (propagation)
		m->propagation = propagation;
	/* "r" and a name stands for "recursively"; "relatime", "rw" and "ro" are no such names. */
	return propagation || apply_atime(m, option) || apply_flag(m, option) || apply_special(m, option);
}

void runtime_mount_options(void (*tell)(const char *name, void *arg), void *arg)
{
	static const char *const others[] = { "bind",	"rbind",	"tmpcopyup",	"idmap",
					      "ridmap", "copy-symlink", "src-nofollow", "dest-nofollow" };
	char recursive[32];

	for (size_t i = 0; i < ARRAY_SIZE(option_flags); i++) {
		tell(option_flags[i].name, arg);
		snprintf(recursive, sizeof(recursive), "r%s", option_flags[i].name);
		if (option_flags[i].attr)
			tell(recursive, arg);
	}
	for (size_t i = 0; i < ARRAY_SIZE(option_atimes); i++) {
		tell(option_atimes[i].name, arg);
		snprintf(recursive, sizeof(recursive), "r%s", option_atimes[i].name);
		tell(recursive, arg);
	}
	for (size_t i = 0; i < ARRAY_SIZE(option_propagations); i++)
		tell(option_propagations[i].name, arg);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		tell(others[i], arg);
}
