#include "store/usage.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "store/layers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 1024 };

uint64_t store_thing_size(struct store *s, const char *path)
{
	struct layer_info info;
	struct stat st;

	if (fstatat(s->root_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (S_ISREG(st.st_mode))
		return (uint64_t)st.st_size;
	return layer_info_read_at(s, path, &info, NULL) < 0 ? 0 : info.tree_size;
}

/* --- who keeps what --- */

struct sharing {
	struct store *store;
	struct marks marks[MARK_ROOTS];
	struct store_usage *usage;
};

static struct store_share *share_of(const struct sharing *sharing, const char *name)
{
	for (size_t i = 0; i < MARK_ROOTS; i++)
		if (marks_have(&sharing->marks[i], name))
			return &sharing->usage->roots[i];
	return &sharing->usage->garbage;
}

static int share_folder(const struct sharing *sharing, const char *folder, bool is_layers, struct err *err)
{
	autoclosedir DIR *dir = marks_open_folder(sharing->store, folder, err);
	struct dirent *d;

	if (!dir)
		return -EIO;
	while ((d = readdir(dir))) {
		autofree char *path = path_join(folder, d->d_name);
		struct store_share *share;

		if (!path)
			return err_oom(err);
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		share = share_of(sharing, d->d_name);
		share->blobs += !is_layers;
		share->layers += is_layers;
		share->bytes += store_thing_size(sharing->store, path);
	}
	return 0;
}

/* --- folders --- */

/* Blocks, not lengths: these folders belong to nobody else. What can't be read counts as nothing. */
static uint64_t tree_bytes(int dir_fd, const char *name, int depth)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	autoclosedir DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	uint64_t sum = 0;
	struct dirent *d;

	if (!dir || depth > DEPTH_MAX) {
		if (!dir && fd >= 0)
			close(fd);
		return 0;
	}
	while ((d = readdir(dir))) {
		struct stat st;

		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0 ||
		    fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		sum += (uint64_t)st.st_blocks * 512;
		if (S_ISDIR(st.st_mode))
			sum += tree_bytes(dirfd(dir), d->d_name, depth + 1);
	}
	return sum;
}

uint64_t store_folder_bytes(struct store *s, const char *path)
{
	return tree_bytes(s->root_fd, path, 0);
}

/* --- the builder's cache --- */

static uint64_t count_entries(struct store *s, const char *folder)
{
	autoclosedir DIR *dir = marks_open_folder(s, folder, NULL);
	uint64_t count = 0;
	struct dirent *d;

	while (dir && (d = readdir(dir)))
		count += d->d_name[0] != '.';
	return count;
}

int store_usage(struct store *s, struct store_usage *ret, struct err *err)
{
	struct store_usage usage = { 0 };
	struct sharing sharing = { .store = s, .usage = &usage };
	int r = 0;

	for (int i = 0; r >= 0 && i < MARK_ROOTS; i++) {
		r = marks_add(s, (enum mark_root)i, &sharing.marks[i], err);
		marks_sort(&sharing.marks[i]);
	}
	if (r >= 0)
		r = share_folder(&sharing, "blobs/sha256", false, err);
	if (r >= 0)
		r = share_folder(&sharing, "layers", true, err);
	for (int i = 0; i < MARK_ROOTS; i++)
		free(sharing.marks[i].items);
	if (r < 0)
		return err_wrap(err, "look at what the store holds");
	usage.cache_mounts_bytes = store_folder_bytes(s, "cache/mounts");
	usage.cache_entries = count_entries(s, "cache/steps");
	*ret = usage;
	return 0;
}
