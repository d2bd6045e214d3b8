#include "layer/job.h"

#include "layer/pick.h"
#include "layer/sha256.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { READ_SIZE = 128 * 1024 };

struct hasher {
	struct job *job;
	const char *source;
	struct sha256 sha;
	uint8_t *room; /* owned, READ_SIZE */
};

/* Each string with its length, so that no two lists of files look the same. */
static void add_string(struct hasher *h, const char *s)
{
	uint64_t len = strlen(s);

	sha256_add(&h->sha, &len, sizeof(len));
	sha256_add(&h->sha, s, len);
}

static void add_number(struct hasher *h, uint64_t n)
{
	sha256_add(&h->sha, &n, sizeof(n));
}

static int add_content(struct hasher *h, int fd, struct err *err)
{
	uint64_t size = 0;
	ssize_t n;

	while ((n = read(fd, h->room, READ_SIZE)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "read");
		sha256_add(&h->sha, h->room, (size_t)n);
		size += (uint64_t)n;
	}
	add_number(h, size);
	h->job->result.file_bytes += size;
	return 0;
}

static int add_picked(void *arg, const struct picked *p, struct err *err)
{
	struct hasher *h = arg;

	h->job->result.entries++;
	add_string(h, h->source);
	add_string(h, p->below);
	add_number(h, p->st.st_mode);
	add_string(h, p->link);
	if (h->job->q.hash.keep_owners) {
		add_number(h, p->owner.uid);
		add_number(h, p->owner.gid);
		add_number(h, (uint64_t)p->owner.type << 32 | p->owner.major);
		add_number(h, p->owner.minor);
	}
	if (S_ISCHR(p->st.st_mode) || S_ISBLK(p->st.st_mode))
		add_number(h, p->st.st_rdev);
	return S_ISREG(p->st.st_mode) ? add_content(h, p->fd, err) : 0;
}

int job_hash(struct job *j, struct err *err)
{
	struct hasher h = { .job = j, .room = malloc(READ_SIZE) };
	struct layer_item item;
	int r;

	if (!h.room)
		return err_oom(err);
	sha256_init(&h.sha);
	while ((r = job_next_item(j, &item, err)) > 0) {
		struct picker k = {
			.root_fd = j->q.hash.context_fd,
			.recurse = item.flags & LAYER_ITEM_RECURSE,
			.owners = j->q.hash.keep_owners,
			.each = add_picked,
			.arg = &h,
		};

		h.source = item.source ? item.source : ".";
		r = pick(&k, h.source, err);
		if (r < 0)
			break;
	}
	free(h.room);
	sha256_end(&h.sha, &j->result.digest);
	return r;
}
