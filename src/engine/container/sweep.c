/* What killed commands leave behind. */
#include "engine/container/container.h"

#include "base/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

void container_sweep_one(struct store *s, const char *id)
{
	autorecord struct container_record record = { 0 };
	struct container_status status;

	if (container_status_read(s, id, &status, NULL) < 0 || status.phase == CONTAINER_CREATED ||
	    container_is_alive(status.phase))
		return;
	if (container_record_read(s, id, &record, NULL) == 0 && !record.remove)
		return;
	container_remove_all(s, id, NULL);
}

static int compare_lives(const void *a, const void *b)
{
	return strcmp(((const struct live_seen *)a)->id, ((const struct live_seen *)b)->id);
}

/* Live files that nobody holds: their owners were killed. */
void containers_sweep_live(struct store *s, size_t limit, struct lives_seen *ret_held)
{
	int run = store_run_fd(s, NULL);
	int fd = run < 0 ? -1 : openat(run, "containers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclosedir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;
	size_t looked = 0;

	while (dir && (d = readdir(dir)) && (!limit || looked < limit)) {
		struct live_seen seen = { 0 };

		if (d->d_name[0] == '.' || strlen(d->d_name) >= CONTAINER_ID_MAX)
			continue;
		looked++;
		/* Most are held: to see that takes less than to try. */
		if (container_live_read(s, d->d_name, &seen.line, &seen.begun, NULL) == 1) {
			memcpy(seen.id, d->d_name, strlen(d->d_name) + 1);
			if (ret_held)
				lives_seen_push(ret_held, seen);
			continue;
		}
		container_live_sweep(s, d->d_name);
		container_sweep_one(s, d->d_name);
	}
	if (ret_held && ret_held->len)
		qsort(ret_held->items, ret_held->len, sizeof(ret_held->items[0]), compare_lives);
}

/*
 * A name that leads nowhere: its container's command was killed between taking the name and writing it down. It is
 * renamed away first, so that one who takes the name at this moment can't lose it: what then turns out to lead
 * somewhere is put back.
 */
static void sweep_name(int names, const char *name)
{
	char aside[80], target[CONTAINER_ID_MAX + 8];

	if (faccessat(names, name, F_OK, 0) == 0 || errno != ENOENT ||
	    readlinkat(names, name, target, sizeof(target)) < 0)
		return;
	snprintf(aside, sizeof(aside), ".sweep-%d", (int)getpid());
	if (renameat(names, name, names, aside) < 0)
		return;
	if (faccessat(names, aside, F_OK, 0) == 0 && renameat2(names, aside, names, name, RENAME_NOREPLACE) == 0)
		return;
	unlinkat(names, aside, 0);
}

/*
 * A second name of a container: a `rename` was killed half-way. The record says which one counts. Who is just renaming it
 * holds the lock; who is just making it has no record yet.
 */
static void sweep_other_name(struct store *s, int names, const char *name)
{
	autorecord struct container_record record = { 0 };
	char target[CONTAINER_ID_MAX + 8], again[CONTAINER_ID_MAX + 8];
	ssize_t n = readlinkat(names, name, target, sizeof(target) - 1), m;
	autoclose int fd = -1;

	if (n <= 3)
		return;
	target[n] = '\0';
	fd = container_open(s, target + 3, NULL);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || container_record_read_at(fd, target + 3, &record, NULL) < 0)
		return;
	m = readlinkat(names, name, again, sizeof(again) - 1);
	if (record.name && strcmp(record.name, name) != 0 && m == n && memcmp(target, again, (size_t)n) == 0)
		unlinkat(names, name, 0);
}

static size_t count_entries(DIR *dir)
{
	size_t n = 0;

	while (readdir(dir))
		n++;
	rewinddir(dir);
	return n;
}

void containers_sweep_names(struct store *s, size_t known)
{
	int fd = openat(s->root_fd, "containers/by-name", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclosedir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;

	/* With "." and "..". */
	if (!dir || count_entries(dir) <= known + 2)
		return;
	while ((d = readdir(dir))) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		sweep_name(fd, d->d_name);
		sweep_other_name(s, fd, d->d_name);
	}
}

void containers_sweep(struct store *s, size_t limit, bool everything)
{
	autostrv struct strv ids = { 0 };

	containers_sweep_live(s, limit, NULL);
	if (!everything || containers_list(s, &ids, NULL) < 0)
		return;
	for (size_t i = 0; i < ids.len; i++)
		container_sweep_one(s, ids.items[i]);
	containers_sweep_names(s, ids.len);
}
