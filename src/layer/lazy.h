/*
 * Files that come when somebody opens them. Each is made with its size but without content, and held open with a write lease
 * (fcntl(2), F_SETLEASE): the kernel lets nobody else open, execute or copy it up before we have let go, and tells us by a
 * signal that somebody wants to. Then its bytes are asked for (LAYER_LAZY_WANT), decompressed, compared with the digest of each
 * chunk, written, and the file is closed: from then on it is a file like any other.
 *
 * Invariants:
 *  1. A file is closed when it is whole and right, and not otherwise: after an error nothing is, until we are killed by
 *     whoever has ended all that could read.
 *  2. Wants are answered in the order in which they were told.
 */
#pragma once

#include "layer/job.h"
#include "layer/toc.h"

#include <sys/types.h>

struct lazy_file {
	int fd; /* -1: it has come */
	bool wanted;
	uint32_t mode, mtime_nsec;
	int64_t mtime;
	uint64_t from, end, skip, size;
	size_t chunks_from, chunks_len;
	char *name;
	void *capability; /* security.capability, which writing takes away; NULL: none */
	size_t capability_len;
};

struct lazy {
	struct job *job;
	enum layer_compression compression;
	struct toc_chunk *chunks;
	struct lazy_file *files;
	size_t len;
	uint32_t *by_fd; /* the number of a descriptor -> its file, plus one; 0: none */
	size_t by_fd_len;
	uint32_t *queue; /* files, in the order in which they were wanted */
	size_t queue_len, queue_done;
	int signal_fd;
	uint8_t *in, *out;
};

/* TOC's files will be held: room for them, and the signals. RLIMIT_NOFILE must be as high as it may be. */
int lazy_init(struct lazy *l, struct job *j, const struct toc *toc, struct err *err);
/* Holds FD, the file of ENTRY: it must be ours, and open nowhere else. -EOPNOTSUPP: this file system has no leases. */
int lazy_hold(struct lazy *l, const struct toc_entry *entry, int fd, struct err *err);
/* The entries are no longer needed: what is left of TOC becomes L's. */
void lazy_keep_chunks(struct lazy *l, struct toc *toc);
/* Answers until the client is gone (0), or until something can't be had. */
int lazy_serve(struct lazy *l, struct err *err);
