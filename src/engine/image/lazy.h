/*
 * An image that runs before it is there.
 *
 *     command ---- prepared folders, errors ----- server: one connection, wants          lazy_serve.c, lazy_wants.c
 *        |                                           |-- layer LAZY, one for each such layer (layer/lazy.h)
 *     container, which waits in open(2)              |-- fetch: parts of layers, as they are wanted
 *                                                    `-- background: `cloche pull` in a process of its own
 *
 * Layers with a table of contents that the manifest vouches for (eStargz, zstd:chunked) become trees of empty files in tmp/
 * in a moment; others are brought whole first. The tree is this container's only: the background brings the image as any pull
 * does, with all digests verified, for everybody, and from then on wants are answered from its blobs. What has not come when
 * the container ends is dropped.
 *
 * Invariants: a file of such a tree is whole and right before anybody can read it, or the container has ended: the
 * server stays, with all that it holds, until the command, which it has told, is gone. Where the command is killed, the server
 * outlives the container.
 */
#pragma once

#include "codec/digest.h"
#include "engine/open.h"
#include "sys/spawn.h"

#include <sys/types.h>

struct lazy_image {
	struct process server;
	int sock;  /* to the server; -1: none */
	int alarm; /* readable when it can't go on, or has ended: then the container must end */
	struct digest manifest;
	char **folders; /* for each layer its tree's folder, absolute, or NULL: it is in the store; owned */
	size_t layers;
	char *notice; /* why it isn't lazy; or NULL */
};
#define LAZY_IMAGE_INIT ((struct lazy_image){ .server = PROCESS_INIT, .sock = -1, .alarm = -1 })

/*
 * Starts the server for IMAGE. IN_CHILD is called in it first, to let go of what is the command's alone (may be NULL). 1: the image can be
 * started. 0: it has to be pulled, and RET->notice says why, if that isn't plain.
 */
int lazy_image_open(struct engine *e, const char *image, void (*in_child)(void *arg), void *arg, struct lazy_image *ret,
		    struct err *err);
/* The container has begun: with it, the server may end. PIDFD is borrowed. */
int lazy_image_started(struct lazy_image *l, int pidfd, struct err *err);
/* Whether the alarm has been raised. */
bool lazy_image_has_failed(const struct lazy_image *l);
/* Why the alarm was raised. Returns a negative errno. */
int lazy_image_explain(struct lazy_image *l, struct err *err);
/* Ends the server; the container has ended by now. What it has to tell goes to ON_NOTICE (may be NULL). */
void lazy_image_done(struct lazy_image *l, void (*on_notice)(const char *text, void *arg), void *arg);
