#include "engine/image/archive.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void member_done(struct archive_member *m)
{
	free(m->name);
	free(m->link);
}

void archive_done(struct archive *a)
{
	for (size_t i = 0; i < a->len; i++)
		member_done(&a->members[i]);
	free(a->members);
	*a = (struct archive){ .fd = -1, .dir_fd = -1 };
}

/* --- reading the list of members --- */

static int grow(struct archive *a)
{
	size_t cap = a->cap ? a->cap * 2 : 64;
	struct archive_member *members;

	if (a->len < a->cap)
		return 0;
	members = reallocarray(a->members, cap, sizeof(*members));
	if (!members)
		return -ENOMEM;
	a->members = members;
	a->cap = cap;
	return 0;
}

static int add_member(void *arg, const struct layer_member *from, struct err *err)
{
	struct archive *a = arg;
	struct archive_member m = { .offset = from->offset, .size = from->size, .order = a->len };

	if (a->len >= ARCHIVE_MEMBERS_MAX)
		return err_set(err, E2BIG, "the archive has more than %d members: this is no image",
			       ARCHIVE_MEMBERS_MAX);
	m.name = strdup(from->name);
	m.link = from->link && *from->link ? strdup(from->link) : NULL;
	if (!m.name || (from->link && *from->link && !m.link) || grow(a) < 0) {
		member_done(&m);
		return err_oom(err);
	}
	if (a->fd < 0 && !m.link) {
		snprintf(m.staged, sizeof(m.staged), "%s", from->staged);
		m.has_digest = true;
		m.digest = from->digest;
	}
	a->members[a->len++] = m;
	return 0;
}

static int by_name(const void *x, const void *y)
{
	return strcmp(((const struct archive_member *)x)->name, ((const struct archive_member *)y)->name);
}

static int by_name_and_order(const void *x, const void *y)
{
	const struct archive_member *a = x, *b = y;
	int c = strcmp(a->name, b->name);

	return c ? c : (a->order > b->order) - (a->order < b->order);
}

/* Sorts, and of several members of one name keeps the last, as unpacking them would. */
static void sort_members(struct archive *a)
{
	size_t kept = 0;

	if (a->len > 1)
		qsort(a->members, a->len, sizeof(*a->members), by_name_and_order);
	for (size_t i = 0; i < a->len; i++) {
		if (kept > 0 && strcmp(a->members[kept - 1].name, a->members[i].name) == 0) {
			member_done(&a->members[kept - 1]);
			kept--;
		}
		a->members[kept++] = a->members[i];
	}
	a->len = kept;
}

int archive_open(struct store_tmp *tmp, int fd, struct archive *ret, struct err *err)
{
	struct archive a = { .tmp = tmp, .fd = -1, .dir_fd = -1 };
	struct layer_request q = { .verb = LAYER_SPLIT, .on_member = add_member, .arg = &a };
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return err_errno(err, errno, "look at the archive");
	if (S_ISDIR(st.st_mode)) {
		a.dir_fd = fd;
		*ret = a;
		return 0;
	}
	q.split = (struct layer_split){ .in = { .fd = fd }, .staging_fd = tmp->dir_fd };
	if (layer_can_index(fd) > 0) {
		q.split.index_only = true;
		a.fd = fd;
	}
	r = layer_run(&q, NULL, err);
	if (r < 0) {
		archive_done(&a);
		return r;
	}
	sort_members(&a);
	*ret = a;
	return 0;
}

/* --- finding --- */

static const struct archive_member *lookup(const struct archive *a, const char *name)
{
	struct archive_member key = { .name = (char *)name };

	return a->len ? bsearch(&key, a->members, a->len, sizeof(*a->members), by_name) : NULL;
}

/* The member NAME, links followed: docker's older archives have layer.tar as a link to that of another image. */
static const struct archive_member *find(const struct archive *a, const char *name)
{
	autofree char *at = path_clean(name);

	for (int i = 0; at && i < ARCHIVE_LINKS_MAX; i++) {
		const struct archive_member *m = lookup(a, at);
		autofree char *folder = NULL, *joined = NULL;

		if (!m || !m->link)
			return m;
		/* A symbolic link counts from its folder; a hard link's target is a name of the archive. */
		folder = strndup(at, (size_t)(path_basename(at) - at));
		joined = folder ? str_format("/%s%s", folder, m->link) : NULL;
		free(at);
		at = joined ? path_clean(joined) : NULL;
		if (at)
			memmove(at, at + 1, strlen(at));
		if (at && !lookup(a, at) && lookup(a, m->link)) {
			free(at);
			at = strdup(m->link);
		}
	}
	return NULL;
}

static int open_in_folder(const struct archive *a, const char *name, uint64_t *ret_size, struct err *err)
{
	autoclose int fd = fs_open_beneath(a->dir_fd, name, O_RDONLY | O_NONBLOCK, 0, err);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return err_errno(err, errno, "look at '%s'", name);
	if (!S_ISREG(st.st_mode))
		return err_set(err, EBADMSG, "'%s' is no regular file", name);
	*ret_size = (uint64_t)st.st_size;
	return TAKE_FD(fd);
}

bool archive_has(const struct archive *a, const char *name)
{
	uint64_t size;
	autoclose int fd = -1;

	if (a->dir_fd < 0)
		return find(a, name) != NULL;
	fd = open_in_folder(a, name, &size, NULL);
	return fd >= 0;
}

int archive_input(const struct archive *a, const char *name, struct archive_input *ret, struct err *err)
{
	struct archive_input in = { .in = { .fd = -1 } };
	const struct archive_member *m;

	if (a->dir_fd >= 0) {
		in.in.fd = open_in_folder(a, name, &in.size, err);
		if (in.in.fd < 0)
			return in.in.fd;
		in.owned_fd = true;
		*ret = in;
		return 0;
	}
	m = find(a, name);
	if (!m)
		return err_set(err, ENOENT, "the archive has no member '%.200s'", name);
	in.size = m->size;
	if (m->staged[0]) {
		in.in.fd = openat(a->tmp->dir_fd, m->staged, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (in.in.fd < 0)
			return err_errno(err, errno, "open what was split off as '%.200s'", name);
		in.owned_fd = true;
		memcpy(in.staged, m->staged, sizeof(in.staged));
		in.has_digest = m->has_digest;
		in.digest = m->digest;
	} else {
		in.in.fd = a->fd;
		in.in.offset = m->offset;
		in.in.size = m->size;
	}
	*ret = in;
	return 0;
}

void archive_input_done(struct archive_input *in)
{
	if (in->owned_fd && in->in.fd >= 0)
		close(in->in.fd);
	in->in.fd = -1;
}

int archive_read(const struct archive *a, const char *name, size_t max, struct buf *buf, struct err *err)
{
	struct archive_input in;
	size_t at = 0;
	int r = archive_input(a, name, &in, err);

	if (r < 0)
		return r;
	buf_reset(buf);
	if (in.size > max)
		r = err_set(err, E2BIG, "'%.200s' has %llu bytes, over the limit of %zu", name,
			    (unsigned long long)in.size, max);
	else if (buf_reserve(buf, (size_t)in.size) < 0)
		r = err_oom(err);
	while (r >= 0 && at < in.size) {
		char chunk[65536];
		size_t want = in.size - at < sizeof(chunk) ? (size_t)(in.size - at) : sizeof(chunk);
		ssize_t n = pread(in.in.fd, chunk, want, (off_t)(in.in.offset + at));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			r = err_errno(err, errno, "read '%.200s'", name);
		else if (n == 0)
			r = err_set(err, EBADMSG, "the archive ends within '%.200s'", name);
		else if (buf_add(buf, chunk, (size_t)n) < 0)
			r = err_oom(err);
		else
			at += (size_t)n;
	}
	archive_input_done(&in);
	return r;
}
