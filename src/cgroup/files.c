#include "cgroup/files.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"
#include "cgroup/trees.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int cgroup_put(const char *dir, const char *file, const char *text)
{
	autofree char *path = path_join(dir, file);
	autoclose int fd = path ? open(path, O_WRONLY | O_CLOEXEC) : -1;

	if (!path)
		return -ENOMEM;
	/* One write each: the kernel takes each for a command. */
	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

int cgroup_get(const char *dir, const char *file, struct buf *text)
{
	autofree char *path = path_join(dir, file);

	buf_reset(text);
	return path ? fs_read_file(AT_FDCWD, path, text->max, text, NULL) : -ENOMEM;
}

static int parse_number(const char *text, uint64_t *ret)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%.*s", (int)strcspn(text, " \n"), text);
	if (strcmp(digits, "max") == 0 || strcmp(digits, "-1") == 0) {
		*ret = UINT64_MAX;
		return 0;
	}
	return num_parse_u64(digits, 10, ret);
}

int cgroup_get_u64(const char *dir, const char *file, uint64_t *ret)
{
	autobuf struct buf text = BUF_INIT(4096);
	int r = cgroup_get(dir, file, &text);

	return r < 0 ? r : parse_number(buf_str(&text), ret);
}

bool cgroup_key_u64(const char *text, const char *key, uint64_t *ret)
{
	size_t len = strlen(key);

	while (text) {
		if (strncmp(text, key, len) == 0 && text[len] == ' ')
			return parse_number(text + len + 1, ret) == 0;
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return false;
}

int cgroup_hand_on(const char *dir, const char *wanted)
{
	autobuf struct buf have = BUF_INIT(4096), given = BUF_INIT(4096), more = BUF_INIT(4096);
	int r = cgroup_get(dir, "cgroup.controllers", &have);
	const char *next = wanted;

	if (r >= 0)
		r = cgroup_get(dir, "cgroup.subtree_control", &given);
	if (r < 0)
		return r;
	while (*next) {
		size_t len = strcspn(next, " ");
		autofree char *word = strndup(next, len);

		if (!word)
			return -ENOMEM;
		if (!cgroup_list_has(buf_str(&have), word))
			return -ENOENT;
		if (!cgroup_list_has(buf_str(&given), word))
			buf_addf(&more, "+%s ", word);
		next += len;
		next += strspn(next, " ");
	}
	if (more.error)
		return more.error;
	return more.len ? cgroup_put(dir, "cgroup.subtree_control", buf_str(&more)) : 0;
}
