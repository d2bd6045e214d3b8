#include "intercept/status.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

ssize_t status_read(pid_t tid, char text[static STATUS_TEXT_MAX])
{
	char path[32];
	autoclose int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "%d/status", (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, STATUS_TEXT_MAX - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	return n;
}

/* What is behind "\nNAME:\t". The file's first field is Name, which is as the process likes, but without a line break. */
static const char *find(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = strchr(text, '\n'); line; line = strchr(line + 1, '\n'))
		if (strncmp(line + 1, name, len) == 0 && line[1 + len] == ':')
			return line + len + 2;
	return NULL;
}

uint64_t status_number(const char *text, const char *name, int base)
{
	const char *at = find(text, name);

	return at ? strtoull(at, NULL, base) : 0;
}

pid_t status_tgid(pid_t tid)
{
	char text[STATUS_TEXT_MAX];
	pid_t tgid = status_read(tid, text) > 0 ? (pid_t)status_number(text, "Tgid", 10) : 0;

	return tgid > 0 ? tgid : -ESRCH;
}

pid_t status_inner_pid(pid_t tid)
{
	char text[STATUS_TEXT_MAX];
	const char *at = status_read(tid, text) > 0 ? find(text, "NStgid") : NULL;
	long pid = 0;
	char *end;

	/* One number for each namespace, from the outermost in; the line's end ends them, which strtol would skip. */
	while (at && *at == '\t') {
		pid = strtol(at, &end, 10);
		at = end;
	}
	return pid > 0 ? (pid_t)pid : -ESRCH;
}
