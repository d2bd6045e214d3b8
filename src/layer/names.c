#include "layer/names.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A folder of so many bytes of names would be met nowhere but in an attack: 4 million files. */
enum { TEXT_MAX = 256 << 20, READ_SIZE = 32 * 1024 };

/* As the kernel gives them: getdents(2). */
struct kernel_dirent {
	uint64_t ino;
	int64_t off;
	uint16_t len;
	uint8_t type;
	char name[];
};

const char *names_at(const struct names *n, size_t i)
{
	return n->text.data + n->items[i].at;
}

void names_done(struct names *n)
{
	free(n->items);
	buf_done(&n->text);
}

static int add(struct names *n, const struct kernel_dirent *d)
{
	if (d->name[0] == '.' && (d->name[1] == '\0' || (d->name[1] == '.' && d->name[2] == '\0')))
		return 0;
	if (n->len == n->cap) {
		size_t cap = n->cap ? n->cap * 2 : 64;
		struct name *grown = reallocarray(n->items, cap, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		n->items = grown;
		n->cap = cap;
	}
	n->items[n->len++] = (struct name){ (uint32_t)n->text.len, d->type };
	return buf_add(&n->text, d->name, strlen(d->name) + 1);
}

static int compare(const void *a, const void *b, void *text)
{
	return strcmp((const char *)text + ((const struct name *)a)->at,
		      (const char *)text + ((const struct name *)b)->at);
}

int names_read(struct names *n, int dir_fd, struct err *err)
{
	_Alignas(struct kernel_dirent) char room[READ_SIZE];
	long got;

	*n = (struct names){ .text = BUF_INIT(TEXT_MAX) };
	if (lseek(dir_fd, 0, SEEK_SET) < 0)
		return err_errno(err, errno, "read folder");
	while ((got = syscall(SYS_getdents64, dir_fd, room, sizeof(room))) > 0) {
		for (long at = 0; at < got;) {
			const struct kernel_dirent *d = (const void *)(room + at);
			int r = add(n, d);

			if (r < 0)
				return err_errno(err, -r, "read folder");
			at += d->len;
		}
	}
	if (got < 0)
		return err_errno(err, errno, "read folder");
	if (n->len > 1)
		qsort_r(n->items, n->len, sizeof(n->items[0]), compare, n->text.data);
	return 0;
}
