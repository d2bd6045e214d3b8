#include "engine/container/leftovers.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "oci/spec.h"
#include "store/containers.h"
#include "sys/processes.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The mount of the root is the first that a namespace has after pivot_root. */
enum { MOUNTINFO_MAX = 65536 };

static bool shares_processes(struct store *s, const char *id)
{
	autospec struct oci_spec spec = { 0 };
	autoclose int dir = container_open(s, id, NULL);
	const struct oci_namespace *ns;

	if (dir < 0 || oci_spec_read(dir, "config.json", &spec, NULL) < 0)
		return false;
	ns = oci_spec_namespace(&spec, "pid");
	return !ns || ns->path;
}

/* ID, parent, device, root, mount point: proc_pid_mountinfo(5). */
static bool is_mount_of_root(const char *line)
{
	for (int field = 0; line && field < 4; field++) {
		line = strchr(line, ' ');
		line = line ? line + 1 : NULL;
	}
	return line && str_starts_with(line, "/ ");
}

/* Its root is mounted from the container's folder: an overlay whose upper folder is there, or a folder of files. */
static bool has_root_of(const char *name, const void *arg)
{
	autofree char *path = str_format("/proc/%s/mountinfo", name), *text = malloc(MOUNTINFO_MAX + 1);
	autoclose int fd = path && text ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t n = fd < 0 ? -1 : read(fd, text, MOUNTINFO_MAX);
	char *rest = text, *line;

	if (n <= 0)
		return false;
	text[n] = '\0';
	while ((line = strsep(&rest, "\n")))
		if (is_mount_of_root(line) && strstr(line, arg))
			return true;
	return false;
}

void container_end_leftovers(struct store *s, const char *id)
{
	autofree char *folder = str_format("/containers/%s/", id);

	if (folder && shares_processes(s, id))
		processes_kill(has_root_of, folder);
}
