/* The builder's cache, made smaller. */
#include "base/cleanup.h"
#include "base/str.h"
#include "engine/build/cache.h"
#include "sys/fs.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { DAY_S = 24 * 60 * 60 };

struct prune {
	struct store *store;
	time_t before; /* entries touched earlier go */
	uint64_t removed;
};

/* Calls EACH for all entries of cache/FOLDER that were not touched lately. */
static void walk(struct prune *p, const char *folder, void (*each)(struct prune *p, const char *name))
{
	autofree char *path = str_format("cache/%s", folder);
	autoclosedir DIR *dir = NULL;
	struct dirent *e;
	int fd;

	fd = path ? openat(p->store->root_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	dir = fd < 0 ? NULL : fdopendir(fd);
	while (dir && (e = readdir(dir))) {
		struct stat st;

		if (e->d_name[0] != '.' && fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    st.st_mtime <= p->before)
			each(p, e->d_name);
	}
}

static void remove_file(struct prune *p, const char *folder, const char *name)
{
	autofree char *path = str_format("cache/%s/%s", folder, name);

	if (path)
		unlinkat(p->store->root_fd, path, 0);
}

/* First the entry, then what keeps its layer: never an entry that leads nowhere. */
static void remove_step(struct prune *p, const char *name)
{
	remove_file(p, "steps", name);
	remove_file(p, "roots", name);
	p->removed++;
}

static void remove_sources(struct prune *p, const char *name)
{
	remove_file(p, "sources", name);
}

static void remove_mount(struct prune *p, const char *name)
{
	autofree char *path = str_format("cache/mounts/%s", name),
		      *lock_path = str_format("cache/mounts/%s/lock", name);
	autoclose int lock = path && lock_path ? fs_lock(p->store->root_fd, lock_path, true, true, NULL) : -1;

	if (lock >= 0 && store_trash(p->store, path, NULL) >= 0)
		p->removed++;
}

uint64_t build_cache_prune(struct store *s, unsigned days)
{
	struct prune p = { .store = s, .before = time(NULL) - (time_t)days * DAY_S };

	walk(&p, "steps", remove_step);
	walk(&p, "sources", remove_sources);
	walk(&p, "mounts", remove_mount);
	return p.removed;
}

int build_cache_prune_daily(struct store *s)
{
	static const char mark[] = "cache/pruned";
	struct stat st;

	if (fstatat(s->root_fd, mark, &st, 0) == 0 && time(NULL) - st.st_mtime < DAY_S)
		return 0;
	if (fs_write_file(s->root_fd, mark, "", 0, 0644, 0, NULL) < 0)
		return 0;
	return build_cache_prune(s, BUILD_CACHE_DAYS) > 0;
}
