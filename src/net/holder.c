#include "net/holder.h"

#include "base/cleanup.h"
#include "base/num.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Columns of /proc/net/tcp, counted from 0: "sl local_address rem_address st … inode": proc(5). */
enum { COLUMN_LOCAL = 1, COLUMN_STATE = 3, COLUMN_INODE = 9, LINES_MAX = 200 * 1000 };

static const char *column(char *line, int number)
{
	char *word = NULL;

	for (int i = 0; i <= number; i++)
		do
			word = strsep(&line, " ");
		while (word && !*word);
	return word;
}

/* The inode of a socket that is bound to PORT in the table PATH; 0: none. */
static uint64_t find_inode(const char *path, uint16_t port, bool listening)
{
	autofclose FILE *f = fopen(path, "re");
	char line[512], text[8];

	snprintf(text, sizeof(text), ":%04X", port);
	for (int i = 0; f && i < LINES_MAX && fgets(line, sizeof(line), f); i++) {
		char a[512], b[512], c[512];
		const char *local, *state, *inode;
		uint64_t value;

		memcpy(a, line, sizeof(a));
		memcpy(b, line, sizeof(b));
		memcpy(c, line, sizeof(c));
		local = column(a, COLUMN_LOCAL);
		state = column(b, COLUMN_STATE);
		inode = column(c, COLUMN_INODE);
		if (!local || !state || !inode || !strstr(local, text) || (listening && strcmp(state, "0A") != 0))
			continue;
		if (num_parse_u64(inode, 10, &value) == 0 && value)
			return value;
	}
	return 0;
}

static bool has_socket(const char *pid, const char *link)
{
	char path[64], target[64];
	autoclosedir DIR *dir = NULL;
	struct dirent *d;

	snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);
	dir = opendir(path);
	while (dir && (d = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), d->d_name, target, sizeof(target) - 1);

		if (n <= 0)
			continue;
		target[n] = '\0';
		if (strcmp(target, link) == 0)
			return true;
	}
	return false;
}

static void name_process(const char *pid, char dst[static 128])
{
	char path[64], name[32] = "a process";
	autofclose FILE *f = NULL;

	snprintf(path, sizeof(path), "/proc/%.16s/comm", pid);
	f = fopen(path, "re");
	if (f && fgets(name, sizeof(name), f))
		name[strcspn(name, "\n")] = '\0';
	snprintf(dst, 128, "%s (process %.16s)", name, pid);
}

bool port_find_holder(const struct port *p, char dst[static 128])
{
	static const char *const tables[2][2] = { { "/proc/net/tcp", "/proc/net/tcp6" },
						  { "/proc/net/udp", "/proc/net/udp6" } };
	autoclosedir DIR *dir = opendir("/proc");
	struct dirent *d;
	char link[48];
	uint64_t inode = 0;

	for (int i = 0; i < 2 && !inode; i++)
		inode = find_inode(tables[p->is_udp][i], p->host_port, !p->is_udp);
	if (!inode)
		return false;
	snprintf(link, sizeof(link), "socket:[%llu]", (unsigned long long)inode);
	while (dir && (d = readdir(dir))) {
		if (!isdigit((unsigned char)d->d_name[0]) || !has_socket(d->d_name, link))
			continue;
		name_process(d->d_name, dst);
		return true;
	}
	return false;
}
