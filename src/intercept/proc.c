#include "intercept/proc.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "intercept/client.h"
#include "intercept/intern.h"
#include "intercept/status.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum { STATUS_MAX = 512 * 1024 }; /* 65,536 groups of 11 characters would be more; the list is then cut */

static const char LOCKS_LINE[] = "Max file locks";

static dev_t proc_dev;

void proc_init(void)
{
	struct stat st;

	if (stat("/proc/version", &st) == 0)
		proc_dev = st.st_dev;
}

bool proc_holds(const struct stat *st)
{
	return proc_dev != 0 && st->st_dev == proc_dev;
}

const struct cred *proc_cred_of(struct request *r, uint32_t pid)
{
	if (status_inner_pid(r->tid) == (int)pid)
		return request_cred(r);
	return client_cred_inside(pid);
}

void proc_cred_unref(struct request *r, const struct cred *c)
{
	if (c != r->cred)
		intern_unref(c);
}

/* Where P leads, as a path in the container: "/proc/12/status". 0 or negative errno. */
static int path_in_container(const struct place *p, bool follow, char dst[static PATH_MAX])
{
	autoclose int fd = place_open(p, follow);
	char path[FD_PATH_MAX];
	ssize_t n;

	if (fd < 0)
		return fd;
	place_fd_path(fd, path);
	n = readlink(path, dst, PATH_MAX - 1);
	if (n < 0)
		return -errno;
	dst[n] = '\0';
	return 0;
}

/* The number in "/proc/12…", with *RET_REST behind it; 0 if it is no such path. */
static uint32_t pid_in_path(const char *path, const char **ret_rest)
{
	const char *number = str_skip_prefix(path, "/proc/");
	char *end;
	unsigned long pid;

	if (!number || *number < '1' || *number > '9')
		return 0;
	pid = strtoul(number, &end, 10);
	*ret_rest = end;
	return (*end == '\0' || *end == '/') && pid <= INT32_MAX ? (uint32_t)pid : 0;
}

void proc_show_owner(const struct place *p, bool follow, struct stat *st)
{
	char path[PATH_MAX];
	const char *rest;
	const struct cred *c;
	uint32_t pid;

	if (!client_any_user() || path_in_container(p, follow, path) < 0)
		return;
	pid = pid_in_path(path, &rest);
	c = pid ? client_cred_inside(pid) : NULL;
	if (!c)
		return;
	st->st_uid = c->uid[ID_EFFECTIVE];
	st->st_gid = c->gid[ID_EFFECTIVE];
	intern_unref(c);
}

static void add_ids(struct buf *out, const char *name, const uint32_t ids[IDS])
{
	buf_addf(out, "%s\t%u\t%u\t%u\t%u\n", name, ids[ID_REAL], ids[ID_EFFECTIVE], ids[ID_SAVED], ids[ID_FS]);
}

static void add_groups(struct buf *out, const struct cred *c)
{
	buf_add_str(out, "Groups:\t");
	for (uint32_t i = 0; i < c->groups_len && out->len < STATUS_MAX - 64 * 1024; i++)
		buf_addf(out, "%u ", c->groups[i]);
	buf_add_char(out, '\n');
}

/* A line of "limits": fs/proc/base.c. */
static void add_limit(struct buf *out, const struct cred *c)
{
	const uint64_t values[] = { c->locks_soft, c->locks_hard };

	buf_addf(out, "%-25s ", LOCKS_LINE);
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		if (values[i] == RLIM_INFINITY)
			buf_addf(out, "%-20s ", "unlimited");
		else
			buf_addf(out, "%-20llu ", (unsigned long long)values[i]);
	}
	buf_addf(out, "%-10s\n", "locks");
}

/* One line of the file, in the form of fs/proc/array.c. */
static void add_line(struct buf *out, const char *line, size_t len, const struct cred *c)
{
	const struct {
		const char *name;
		uint64_t caps;
	} sets[] = { { "CapInh:", c->inheritable },
		     { "CapPrm:", c->permitted },
		     { "CapEff:", c->effective },
		     { "CapBnd:", c->bounding },
		     { "CapAmb:", c->ambient } };

	if (strncmp(line, "Uid:", 4) == 0) {
		add_ids(out, "Uid:", c->uid);
		return;
	}
	if (strncmp(line, "Gid:", 4) == 0) {
		add_ids(out, "Gid:", c->gid);
		return;
	}
	if (strncmp(line, "Groups:", 7) == 0) {
		add_groups(out, c);
		return;
	}
	if (strncmp(line, LOCKS_LINE, strlen(LOCKS_LINE)) == 0) {
		add_limit(out, c);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		if (strncmp(line, sets[i].name, 7) != 0)
			continue;
		buf_addf(out, "%s\t%016llx\n", sets[i].name, (unsigned long long)sets[i].caps);
		return;
	}
	buf_add(out, line, len);
}

/* The file at PATH with what C has, as a memory file that can only be read. The descriptor or negative errno. */
static int make_file(const char *path, const struct cred *c)
{
	autobuf struct buf out = BUF_INIT(STATUS_MAX);
	autoclose int in = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), memory = -1;
	char text[8192], fd_path[FD_PATH_MAX], *line = text;
	ssize_t n = in < 0 ? -1 : read(in, text, sizeof(text) - 1);
	int fd;

	if (n <= 0)
		return -ESRCH;
	text[n] = '\0';
	while (*line) {
		size_t len = strcspn(line, "\n");

		len += line[len] == '\n';
		add_line(&out, line, len, c);
		line += len;
	}
	memory = memfd_create("proc", MFD_CLOEXEC);
	if (memory < 0 || out.error || write(memory, out.data, out.len) != (ssize_t)out.len)
		return -ENOMEM;
	place_fd_path(memory, fd_path);
	fd = open(fd_path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* What is below /proc/self can't be resolved by us, so it is put together from the caller's number. */
static int resolve(struct request *r, const struct place *p, char dst[static PATH_MAX])
{
	const char *rest = str_skip_prefix(p->asked, "/proc/self/");

	if (!rest)
		rest = str_skip_prefix(p->asked, "/proc/thread-self/");
	if (rest && !strchr(rest, '/')) {
		snprintf(dst, PATH_MAX, "/proc/%d/%s", status_inner_pid(r->tid), rest);
		return 0;
	}
	return path_in_container(p, true, dst);
}

/* What is behind the number in "/proc/12/status", or in "/proc/12/task/13/status". */
static bool is_shown(const char *rest)
{
	if (str_starts_with(rest, "/task/"))
		rest = strchr(rest + 6, '/');
	return rest && (strcmp(rest, "/status") == 0 || strcmp(rest, "/limits") == 0);
}

int proc_open_shown(struct request *r, const struct place *p, bool cloexec)
{
	autoclose int fd = -1;
	char path[PATH_MAX];
	const struct cred *c;
	const char *rest;
	uint32_t pid;

	if (!str_ends_with(p->asked, "status") && !str_ends_with(p->asked, "limits"))
		return ANSWER_CONTINUE;
	if (resolve(r, p, path) < 0)
		return ANSWER_CONTINUE;
	pid = pid_in_path(path, &rest);
	if (pid == 0 || !is_shown(rest))
		return ANSWER_CONTINUE;
	c = client_cred_inside(pid);
	if (!c)
		return ANSWER_CONTINUE;
	fd = make_file(path, c);
	intern_unref(c);
	return fd < 0 ? ANSWER_CONTINUE : request_answer_fd(r, fd, cloexec);
}
