/*
 * The members of an archive of images, wherever they are: in a tar that we can read in place, in a tar that
 * came compressed or through a pipe and was split into files of the store's tmp/, or in a folder (OCI image
 * layout). Names come from outside and are only ever compared, except in a folder, where they are opened
 * beneath it and through no link.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "layer/client.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

enum { ARCHIVE_MEMBERS_MAX = 20000, ARCHIVE_LINKS_MAX = 8 };

struct archive_member {
	char *name, *link; /* owned */
	char staged[24];   /* file in tmp, or "" */
	size_t order;	   /* of arrival */
	uint64_t offset, size;
	bool has_digest;
	struct digest digest;
};

struct archive {
	struct store_tmp *tmp;		/* borrowed */
	int fd;				/* the tar; -1: split. Borrowed */
	int dir_fd;			/* the folder; -1: a tar. Borrowed */
	struct archive_member *members; /* sorted by name; of two with one name, the later came later */
	size_t len, cap;
};

/* Reads the archive FD (a tar, any compression, file or pipe; or a folder). FD must stay open as long as RET is used. */
int archive_open(struct store_tmp *tmp, int fd, struct archive *ret, struct err *err);
void archive_done(struct archive *a);

/* Is there a member of that name? */
bool archive_has(const struct archive *a, const char *name);
/* A whole small member (links are followed within the archive). -ENOENT. */
int archive_read(const struct archive *a, const char *name, size_t max, struct buf *buf, struct err *err);

/* A member as the input of a layer job. */
struct archive_input {
	struct layer_input in; /* in.fd belongs to this struct, if owned_fd says so */
	bool owned_fd;
	uint64_t size;
	char staged[24]; /* a file of tmp that may be renamed; "": none */
	bool has_digest; /* of the bytes as they are, computed by ourselves */
	struct digest digest;
};
int archive_input(const struct archive *a, const char *name, struct archive_input *ret, struct err *err);
void archive_input_done(struct archive_input *in);
