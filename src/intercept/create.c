#include "intercept/create.h"

#include "intercept/access.h"
#include "intercept/client.h"
#include "intercept/file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void create_done(struct new_place *n)
{
	if (n->dir >= 0)
		close(n->dir);
	n->dir = -1;
}

void create_use_umask(struct request *r)
{
	int mask = request_cred(r)->umask;

	if (r->worker->umask == mask)
		return;
	umask((mode_t)mask);
	r->worker->umask = mask;
}

/* The folder of P's path as a path: cut at the last slash. False if there is none. */
static bool folder_path(const struct place *p, char dst[static PATH_MAX])
{
	const char *slash = strrchr(p->path, '/');
	size_t len = slash ? (size_t)(slash - p->path) : 0;

	if (!slash || p->is_descriptor)
		return false;
	if (len == 0)
		len = 1;
	memcpy(dst, p->path, len);
	dst[len] = '\0';
	return true;
}

/* Root in a folder that isn't set-gid: by far the most common case, and it is decided with one stat. */
static bool is_plain(struct request *r, const struct place *p)
{
	__attribute__((uninitialized)) char folder[PATH_MAX];
	struct stat st;

	if (!cred_makes_root_files(request_cred(r)) || !folder_path(p, folder))
		return false;
	return stat(folder, &st) < 0 || !(st.st_mode & S_ISGID);
}

int create_prepare(struct request *r, const struct place *p, struct new_place *ret)
{
	const struct cred *c = request_cred(r);
	struct file folder;
	int fd;

	ret->dir = -1;
	fd = access_check_name(r, p, false);
	if (fd < 0)
		return fd;
	if (is_plain(r, p))
		return ANSWER_CONTINUE;
	fd = place_open_parent(p, &ret->name);
	if (fd < 0)
		return fd == -ESRCH ? fd : ANSWER_CONTINUE;
	ret->dir = fd;
	if (file_look_fd(fd, &folder) < 0)
		return ANSWER_CONTINUE;
	ret->uid = c->uid[ID_FS];
	ret->gid = folder.st.st_mode & S_ISGID ? folder.owner.gid : c->gid[ID_FS];
	return ret->uid == 0 && ret->gid == 0 ? ANSWER_CONTINUE : 0;
}
