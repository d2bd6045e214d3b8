#include "layer/job.h"

#include "base/cleanup.h"
#include "layer/content_hash.h"
#include "layer/pick.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { READ_SIZE = 128 * 1024 };

struct hasher {
	struct job *job;
	const char *source;
	struct content_hash hash;
	uint8_t *room; /* owned, READ_SIZE */
};

static int add_content(struct hasher *h, int fd, struct err *err)
{
	uint64_t size = 0;
	ssize_t n;

	while ((n = read(fd, h->room, READ_SIZE)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "read");
		content_hash_bytes(&h->hash, h->room, (size_t)n);
		size += (uint64_t)n;
	}
	content_hash_size(&h->hash, size);
	h->job->result.file_bytes += size;
	return 0;
}

static int add_picked(void *arg, const struct picked *p, struct err *err)
{
	struct hasher *h = arg;

	h->job->result.entries++;
	content_hash_file(&h->hash, h->source, p);
	return S_ISREG(p->st.st_mode) ? add_content(h, p->fd, err) : 0;
}

int job_hash(struct job *j, struct err *err)
{
	struct hasher h = { .job = j, .room = malloc(READ_SIZE) };
	CLEANUP(pick_parent_done) struct pick_parent parent = PICK_PARENT_INIT;
	struct layer_item item;
	int r;

	if (!h.room)
		return err_oom(err);
	content_hash_init(&h.hash, j->q.hash.keep_owners);
	while ((r = job_next_item(j, &item, err)) > 0) {
		struct picker k = {
			.root_fd = j->q.hash.context_fd,
			.parent = &parent,
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
	content_hash_end(&h.hash, &j->result.digest);
	return r;
}
