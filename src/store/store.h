/*
 * The image store: an OCI image layout that other tools read in place, plus what makes starts fast.
 *
 *     <root>/oci-layout index.json blobs/sha256/<hex>   the layout; index.json is derived from refs/
 *            refs/<domain>/<path>:<tag>                 a name: "sha256:<hex of manifest>\n"    (ref.h)
 *            refs/.untagged/<hex of manifest>           an image that has lost its names or never had one
 *            logs/…                                     every value of every name
 *            lists/                                     lists of images in the making           (lists.h)
 *            layers/<hex of diff id>[.one]/{fs,info.json}  unpacked once, for all                (layers.h)
 *            containers/                                                                   (containers.h)
 *            cache/                                     the builder's; cache/roots/ keeps things (gc.h)
 *            tmp/ trash/                                being made, being deleted
 *            lock/store lock/refs lock/layers
 *            copies-only                                layers hold stand-ins for whiteouts    (layer/whiteout.h)
 *
 * Invariants, which hold whatever is killed and whenever:
 *  1. A file in blobs/ has the digest that its name says: data is verified before the rename.
 *  2. A folder in layers/ is complete and has the diff id that its name says.
 *  3. A name in refs/ leads to a manifest, a configuration and blobs that are all there and on disk.
 *  4. What is in tmp/ belongs to the process that holds the lock on it, or to nobody and may go.
 *  5. Whoever relies on things that no root names yet holds lock/store shared (a struct store does so
 *     from opening on, see store_settle). Only the collector takes it exclusively, and never waits for it.
 *
 * A struct store belongs to one thread.
 */
#pragma once

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store {
	char *root, *runroot; /* absolute; runroot is NULL until store_run_fd */
	int root_fd;	      /* the folder <root>, readable */
	int run_fd;	      /* the folder <runroot>; -1 until store_run_fd */
	int use_fd;	      /* lock/store, held shared; -1 after store_settle */
	bool single;	      /* layers are those of ID_MODE_SINGLE: "<hex>.one" */
	char variant[32];     /* or of another map than the usual one: "<hex>.keep-<…>"; "": no */
	bool copies_only;     /* no overlay may show its layers: see store_set_copies_only */
	bool is_synced;	      /* since store_sync no blob was put, or found and relied upon */
	char *runroot_given;  /* from the options; owned */
};

struct store_options {
	const char *root; /* NULL: $XDG_DATA_HOME/cloche, ~/.local/share/cloche; /var/lib/cloche for root */
	const char *
		runroot; /* NULL: $XDG_RUNTIME_DIR/cloche, /run/user/UID/cloche, /dev/shm/cloche-UID; /run/cloche for root */
	bool single; /* what sys/idmap.h decided: ID_MODE_SINGLE */
};

/*
 * Opens the store and makes it where it isn't there yet. Costs four system calls where it is: no
 * scan, and no waiting unless a collection is just between its mark and its renames (milliseconds).
 * The caller owns *RET (store_close). An unreadable or foreign folder is an error that says what to do.
 */
int store_open(const struct store_options *options, struct store **ret, struct err *err);
void store_close(struct store *s);
static inline void cleanup_store(struct store **s)
{
	store_close(*s);
}
#define autostore CLEANUP(cleanup_store)

/*
 * The folder of live state (memory-backed), made at first use: mode 0700 and ours, else -EPERM.
 * Borrowed descriptor.
 */
int store_run_fd(struct store *s, struct err *err);

/*
 * Lets go of lock/store: from now on nothing but roots (a name, a container, cache/roots) keeps what we
 * use. A command that stays for long (run in the foreground) calls it once its container is on disk.
 */
void store_settle(struct store *s);

/* --- work in progress --- */

/* A folder of our own in tmp/, locked as long as we live; blobs and trees are made here, then renamed. */
struct store_tmp {
	struct store *store; /* borrowed */
	int dir_fd;	     /* the folder, locked; owned */
	char name[40];	     /* "tmp/<random>", relative to root_fd */
};
#define STORE_TMP_INIT ((struct store_tmp){ .dir_fd = -1 })

int store_tmp_open(struct store *s, struct store_tmp *ret, struct err *err);
/* Moves what is left of it into trash/ and removes it; for cleanup attributes. */
void store_tmp_done(struct store_tmp *tmp);
#define autotmp CLEANUP(store_tmp_done)

/*
 * Moves PATH (relative to root_fd, file or folder) into trash/ at once; store_empty_trash deletes.
 * -ENOENT is silent: returns 0.
 */
int store_trash(struct store *s, const char *path, struct err *err);

/*
 * Deletes trash/ and those folders of tmp/ whose process is gone. REMOVE deletes one tree, PATH being
 * relative to DIR_FD (NULL: fs_remove_tree); in ID_MODE_RANGE the caller gives one that works inside
 * the user namespace. Two callers at once don't disturb one another. Failures are not reported: what
 * stays is met again next time.
 */
typedef int (*store_remove_fn)(void *arg, int dir_fd, const char *path, struct err *err);
void store_sweep(struct store *s, store_remove_fn remove, void *arg);

/*
 * Layers of this store say with stand-ins what they delete (layer/whiteout.h), which no overlay understands: from now on
 * roots are copies, also if the store is moved to where the kernel would mount one.
 */
int store_set_copies_only(struct store *s, struct err *err);
/* Fills in ERR for that; returns -CODE. */
int store_refuse_overlay(const struct store *s, int code, struct err *err);

/* Everything written so far is on disk (syncfs). It takes long where other programs write much: once is enough. */
int store_sync(struct store *s, struct err *err);
/* The same, if blobs were put, or found where another process may have put them, since the last time. */
int store_sync_blobs(struct store *s, struct err *err);
