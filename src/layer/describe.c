#include "layer/describe.h"

#include "layer/whiteout.h"

#include <errno.h>
#include <fcntl.h>
#include <isa-l/crc64.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { READ_SIZE = 256 * 1024 };

int describer_init(struct describer *d, struct err *err)
{
	attributes_init(&d->attrs);
	inodes_init(&d->inodes);
	d->room = malloc(READ_SIZE);
	return d->room ? 0 : err_oom(err);
}

void describer_done(struct describer *d)
{
	attributes_done(&d->attrs);
	inodes_done(&d->inodes);
	free(d->room);
}

static uint64_t add_bytes(uint64_t crc, const void *data, size_t len)
{
	return crc64_ecma_refl(crc, data, len);
}

static uint64_t attributes_crc(const struct attributes *a)
{
	uint64_t crc = 0;

	for (size_t i = 0; i < a->len; i++) {
		const struct tar_xattr *x = &a->items[i];
		uint64_t len = x->len;

		crc = add_bytes(crc, x->name, strlen(x->name) + 1);
		crc = add_bytes(crc, &len, sizeof(len));
		crc = add_bytes(crc, x->value, x->len);
	}
	return crc;
}

/* As find(1) names it; 0: nothing that counts. */
static char type_of(const struct describer *d, const struct stat *st)
{
	mode_t type = d->attrs.has_owner && d->attrs.owner.type ? d->attrs.owner.type : st->st_mode & S_IFMT;

	if (whiteout_is(st))
		return 0;
	switch (type) {
	case S_IFREG:
		return 'f';
	case S_IFDIR:
		return 'd';
	case S_IFLNK:
		return 'l';
	case S_IFCHR:
		return 'c';
	case S_IFBLK:
		return 'b';
	case S_IFIFO:
		return 'p';
	default:
		return 0;
	}
}

static struct tree_record_time time_of(struct timespec t)
{
	return (struct tree_record_time){ t.tv_sec, (uint32_t)t.tv_nsec };
}

/* What is said of another name of a file, and of the target of a link. */
static int describe_link(struct describer *d, const struct subject *s, const char *path, struct tree_record_entry *e,
			 struct err *err)
{
	const char *first;
	ssize_t n;
	int r;

	if (e->type != 'd' && s->st.st_nlink > 1) {
		r = inodes_meet(&d->inodes, s->st.st_dev, s->st.st_ino, path, &first);
		if (r < 0)
			return err_errno(err, -r, "note its name");
		if (r > 0) {
			e->type = 'h';
			e->link = first;
			return 0;
		}
	}
	if (e->type != 'l')
		return 0;
	n = readlinkat(AT_FDCWD, s->name, d->link, sizeof(d->link) - 1);
	if (n < 0)
		return err_errno(err, errno, "read the link");
	d->link[n] = '\0';
	e->link = d->link;
	return 0;
}

int describe(struct describer *d, const struct subject *s, const char *path, struct tree_record_entry *ret,
	     struct err *err)
{
	const struct attributes *a = &d->attrs;
	const struct stat *st = &s->st;
	struct tree_record_entry e = { .path = path, .link = "" };
	int r = attributes_read(&d->attrs, s, false, err);

	if (r < 0)
		return r;
	e.type = type_of(d, st);
	if (e.type == 0)
		return 0;
	e.mode = st->st_mode & 07777;
	e.uid = a->has_owner ? a->owner.uid : st->st_uid;
	e.gid = a->has_owner ? a->owner.gid : st->st_gid;
	e.mtime = time_of(st->st_mtim);
	e.ctime = time_of(st->st_ctim);
	e.inode = st->st_ino;
	e.attributes = attributes_crc(a);
	if (e.type == 'c' || e.type == 'b') {
		e.major = S_ISSOCK(st->st_mode) ? a->owner.major : major(st->st_rdev);
		e.minor = S_ISSOCK(st->st_mode) ? a->owner.minor : minor(st->st_rdev);
	}
	e.links = e.type == 'd' ? 0 : st->st_nlink;
	e.size = e.type == 'f' ? (uint64_t)st->st_size : 0;
	r = describe_link(d, s, path, &e, err);
	if (r < 0)
		return r;
	*ret = e;
	return 1;
}

int describe_content(struct describer *d, const struct subject *s, uint64_t *ret, struct err *err)
{
	uint64_t crc = 0;
	ssize_t n;

	while ((n = read(s->fd, d->room, READ_SIZE)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "read");
		crc = add_bytes(crc, d->room, (size_t)n);
	}
	*ret = crc;
	return 0;
}
