#include "intercept/keep.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEVICES_MAX = 64 };

static struct {
	dev_t devices[DEVICES_MAX];
	size_t len;
	uint32_t uid, gid;
} kept;

/* File systems of the kernel's or of the container's own, whose files are not the user's. */
static bool is_virtual(const char *type, const char *root)
{
	static const char *const types[] = { "overlay", "proc",	   "sysfs",    "devpts",     "mqueue",
					     "cgroup",	"cgroup2", "devtmpfs", "securityfs", "bpf" };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(types[i], type) == 0)
			return true;
	/* A folder of a tmpfs is the machine's, a whole one the container's. */
	return strcmp(type, "tmpfs") == 0 && strcmp(root, "/") == 0;
}

/* "\040" is a blank: proc_pid_mountinfo(5). In place. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' && s[3] >= '0' &&
		    s[3] <= '7') {
			*to++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

static void add_device(dev_t dev)
{
	for (size_t i = 0; i < kept.len; i++)
		if (kept.devices[i] == dev)
			return;
	if (kept.len < DEVICES_MAX)
		kept.devices[kept.len++] = dev;
}

/* "36 35 98:0 /root /place options … - type source options" */
static void read_line(char *line, dev_t root_dev)
{
	char *fields[5], *rest = line, *type = strstr(line, " - ");
	struct stat st;

	if (!type)
		return;
	for (size_t i = 0; i < 5; i++) {
		fields[i] = strsep(&rest, " ");
		if (!fields[i] || !rest)
			return;
	}
	type += 3;
	type[strcspn(type, " \n")] = '\0';
	if (is_virtual(type, fields[3]))
		return;
	unescape(fields[4]);
	if (fstatat(AT_FDCWD, fields[4], &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_dev != root_dev)
		add_device(st.st_dev);
}

void keep_init(uint32_t uid, uint32_t gid, const char *mountinfo)
{
	FILE *f = fopen(mountinfo, "re");
	struct stat root;
	char *line = NULL;
	size_t size = 0;

	kept.uid = uid;
	kept.gid = gid;
	while (f && stat("/", &root) == 0 && getline(&line, &size, f) > 0)
		read_line(line, root.st_dev);
	free(line);
	if (f)
		fclose(f);
}

bool keep_in_use(void)
{
	return kept.len > 0;
}

void keep_default_owner(const struct stat *st, struct owner *ret)
{
	*ret = (struct owner){ 0 };
	/* What is not ours on disk (the machine's /etc, bound) shows as the overflow id, and counts as root's, as ever. */
	if (kept.len == 0 || st->st_uid != 0)
		return;
	for (size_t i = 0; i < kept.len; i++) {
		if (kept.devices[i] != st->st_dev)
			continue;
		ret->uid = kept.uid;
		ret->gid = kept.gid;
		return;
	}
}
