#include "layer/content_hash.h"

#include <string.h>

void content_hash_init(struct content_hash *h, bool owners)
{
	sha256_init(&h->sha);
	h->owners = owners;
}

/* Each string with its length, so that no two lists of files look the same. */
static void add_string(struct content_hash *h, const char *s)
{
	uint64_t len = strlen(s);

	sha256_add(&h->sha, &len, sizeof(len));
	sha256_add(&h->sha, s, len);
}

void content_hash_size(struct content_hash *h, uint64_t size)
{
	sha256_add(&h->sha, &size, sizeof(size));
}

void content_hash_bytes(struct content_hash *h, const void *data, size_t len)
{
	sha256_add(&h->sha, data, len);
}

void content_hash_file(struct content_hash *h, const char *source, const struct picked *p)
{
	add_string(h, source);
	add_string(h, p->below);
	content_hash_size(h, p->st.st_mode);
	add_string(h, p->link);
	if (h->owners) {
		content_hash_size(h, p->owner.uid);
		content_hash_size(h, p->owner.gid);
		content_hash_size(h, (uint64_t)p->owner.type << 32 | p->owner.major);
		content_hash_size(h, p->owner.minor);
	}
	if (S_ISCHR(p->st.st_mode) || S_ISBLK(p->st.st_mode))
		content_hash_size(h, p->st.st_rdev);
}

void content_hash_end(struct content_hash *h, struct digest *ret)
{
	sha256_end(&h->sha, ret);
}
