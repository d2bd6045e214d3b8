/*
 * What `cloche` asks of the layer helper (libexec/cloche/layer), which does all work on tars, compression
 * and digests: one process for each job, confined before it reads the first byte from outside. Jobs may
 * run side by side; a helper has two or three threads and takes at most about 16 MiB.
 *
 *     struct layer_request q = { .verb = LAYER_APPLY, .ids = &map, .apply = { .in = { .fd = blob }, .dir_fd = tmp, .name = "fs" } };
 *     layer_job_start(&q, &job, err);
 *     …
 *     layer_job_wait(job, &result, err);      // the helper's error becomes ours
 *     layer_job_free(job);                    // kills it if it still runs
 *
 * All descriptors of a request are borrowed: they are duplicated into the helper when layer_job_start
 * returns, and the caller may close its own then. The helper can reach nothing but what they name.
 *
 * Errors: EBADMSG: the archive breaks its format, a digest differs, or a name tries to leave its folder;
 * E2BIG: over a limit of layer/limits.h; ENOSPC and others as the kernel gave them; EPROTO: the helper
 * died. What the verb was making is then gone again (see each verb).
 */
#pragma once

#include "base/err.h"
#include "codec/digest.h"
#include "layer/limits.h"
#include "sys/idmap.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum layer_verb {
	LAYER_APPLY,  /* archive -> tree */
	LAYER_MAKE,   /* tree -> archive: commit, export */
	LAYER_LIST,   /* entries of an archive, through on_entry */
	LAYER_SPLIT,  /* an archive of archives (docker-archive, oci-archive) -> its members as files */
	LAYER_PACK,   /* files -> one archive, the reverse */
	LAYER_COPY,   /* chosen files of one tree into another: COPY of the builder */
	LAYER_HASH,   /* one digest over chosen files of a tree: the builder's cache key */
	LAYER_REMOVE, /* a tree that may hold files of other ids is removed */
	LAYER_DIGEST, /* the digest of bytes, whatever they are */
	LAYER_SHRINK, /* an archive -> the smallest one with the same entries */
	LAYER_RECORD, /* a tree -> what it is like now (codec/tree_record.h) */
	LAYER_DIFF,   /* a tree and an earlier record of it -> an archive of what has changed since */
	LAYER_LAZY,   /* table of contents -> tree whose files come when somebody opens them (lazy.h) */
};

/* The last two are read but not written. */
enum layer_compression { LAYER_PLAIN_TAR, LAYER_GZIP, LAYER_ZSTD, LAYER_BZIP2, LAYER_XZ };

/* Where an archive comes from. Its compression is found out by itself: none, gzip, zstd, bzip2, xz. */
struct layer_input {
	int fd;		       /* file, pipe or socket */
	uint64_t offset, size; /* part of a file; size 0: a file from its current offset, or a pipe, to the end */
	bool has_digest, has_diff_id;
	struct digest digest;	/* of the bytes as they come; checked if has_digest, with expected_size */
	struct digest diff_id;	/* of the bytes after decompression; checked if has_diff_id */
	uint64_t expected_size; /* of the bytes as they come; 0: any */
	/*
	 * APPLY: the bytes as they come are written here too (a new blob); 0 or -1: nowhere. What no image may
	 * hold (bzip2, xz) is written uncompressed, and the result's digest, size and compression are those of
	 * what was written.
	 */
	int tee_fd;
};

enum layer_apply_flags {
	/*
	 * An archive that is no layer (ADD of a local tar, a build context): `.wh.x` is a name like any
	 * other. `import` is *not* plain: the imported tar becomes a layer of an image as it is, and other
	 * tools will see whiteouts in it.
	 */
	LAYER_PLAIN = 1,
	LAYER_NO_OWNERS = 2, /* everything belongs to 0:0 */
	LAYER_SYNC = 4,	     /* syncfs before success is reported */
	/*
	 * NAME is a path inside the root DIR_FD (symbolic links are resolved inside it), made if missing,
	 * whose content is added to and replaced. After an error it is left as far as it came.
	 */
	LAYER_INTO = 8,
	/*
	 * With INTO: the root has what earlier layers of an image left there, and this is the next one. Whiteouts delete, a
	 * folder takes the place of a link, and folders that aren't in the archive keep their times.
	 */
	LAYER_OVER = 16,
	/* With OVER: there are lower layers that are not in the root, so that whiteouts are kept as well. */
	LAYER_OVER_MARKS = 32,
};

/*
 * Without LAYER_INTO, the folder NAME (one component) of DIR_FD is made; it must not exist. After an error
 * it is gone again, also if the helper was killed. If the caller is killed too, it stays: so it must be
 * below something that a sweep removes.
 *
 * Refused: absolute names, names with "..", and names that would be written through a symbolic link that
 * leads out. A link inside (lib -> usr/lib) is followed. Parents that the archive lacks are made, 0755.
 * Of two entries for one name the later wins. Attributes that would forge our own or the overlay's are
 * dropped, as are those that the file system or our rights don't allow; result->lost_xattrs counts them.
 */
struct layer_apply {
	struct layer_input in;
	int dir_fd;
	const char *name;
	int flags; /* enum layer_apply_flags */
};

/* How a layer's table of contents comes. */
enum layer_toc {
	LAYER_TOC_ESTARGZ, /* in a tar, compressed; its digest is that of the JSON */
	LAYER_TOC_CHUNKED, /* compressed JSON; its digest is that of the compressed bytes */
};

/*
 * The tree is made as by APPLY, in a moment, and each file that has content is held by a lease, so that whoever opens it waits
 * in the kernel until we have fetched it. The job then stays until it is freed, and talks: layer_lazy_next, layer_lazy_give.
 * The folder it made is the caller's to remove.
 */
struct layer_lazy {
	struct layer_apply apply; /* its `in`: the table of contents */
	enum layer_toc kind;
	struct digest toc_digest;
	uint64_t data_end; /* no content lies behind this offset of the layer */
};

/*
 * Walks TREE_FD once, names in bytewise order; the bytes depend on nothing but the tree. As a layer, the
 * tree is an overlay's upper folder: whiteouts, opaque folders and owner attributes become what image-spec
 * says. With `plain` (export of a merged root) whiteouts aren't looked for. Sockets are left out. A tree
 * that can't be said as a layer (redirects, metacopy, names with .wh.) is an error.
 */
struct layer_make {
	int tree_fd;
	int out_fd; /* file or pipe; written from its current offset */
	enum layer_compression compression;
	int level; /* 0: the default (gzip 1, zstd 3) */
	bool plain;
	bool clamp_mtime; /* times after max_mtime are set to it (SOURCE_DATE_EPOCH) */
	int64_t max_mtime;
};

struct layer_entry {
	const char *name, *link; /* without "./" and trailing slash; NUL-terminated bytes, UTF-8 not promised */
	char type;		 /* 'f' file, 'h' hard link, 'l' symbolic link, 'd', 'c', 'b', 'p' as find(1) */
	uint32_t mode, uid, gid, dev_major, dev_minor;
	uint64_t size;
	int64_t mtime;
	uint32_t mtime_nsec;
};

/* A member of an archive of archives. Names are data: only STAGED is ever a file name. */
struct layer_member {
	const char *name;   /* as in the archive, "./" taken off */
	const char *link;   /* target of a symbolic or hard link, else "" */
	const char *staged; /* file name in the staging folder; "" with index_only and for links */
	uint64_t offset;    /* in the archive; with index_only only */
	uint64_t size;
	struct digest digest; /* of the content; not with index_only */
};

/* Folders are left out; other types than files and links are an error. */
struct layer_split {
	struct layer_input in;
	int staging_fd; /* existing folder; members are written to m0, m1, … (0600); the caller empties it after an error */
	/*
	 * Only for an uncompressed archive in a file (layer_can_index): reads just the headers, writes
	 * nothing, and reports where each member's bytes are.
	 */
	bool index_only;
};

enum layer_item_flags {
	LAYER_ITEM_DECOMPRESS = 1, /* PACK: write the content uncompressed; plain_size says how much that is */
	LAYER_ITEM_RECURSE = 2,	   /* COPY, HASH: a folder with all below it; without it, the folder itself */
	LAYER_ITEM_LIKE = 4,	   /* COPY with out_fd: a folder that a lower layer has (FD), which shows through */
	LAYER_ITEM_PARENT = 8,	   /* COPY with out_fd: a folder that is missing on the way */
};

struct layer_item {
	/* PACK: the member's name. COPY: absolute path in the root, of the new file or folder itself. HASH: unused. */
	const char *dest;
	/* COPY, HASH: path below the context, "." for the context itself; the last component isn't followed. PACK: unused. */
	const char *source;
	int flags;
	int fd; /* LIKE: borrowed. PACK: borrowed; read from offset 0; -1: a folder (dest ends with a slash) */
	uint64_t plain_size; /* PACK with DECOMPRESS; else unused */
	const char *link;    /* PACK: target, for a symbolic link; else NULL */
};

/* Names, modes (0644; folders 0755) and times (0) are the same for the same content; everything belongs to uid:gid. */
struct layer_pack {
	int out_fd;
	uint32_t uid, gid;
	enum layer_compression compression;
	/*
	 * As few bytes as can be: headers as SHRINK's, nothing behind the last member, and the slowest compressors, which get
	 * the last per cents (gzip by zopfli: about a MB a second). TOTAL: exactly how many bytes the
	 * archive will have uncompressed (512 for each member, its bytes, padding between them); 0: not known.
	 */
	bool smallest;
	uint64_t total;
	const struct layer_item *items;
	size_t items_len;
};

/*
 * The same entries, in the same order, with their content; uncompressed, without what an archive may leave out
 * (codec/tar.h: tar_write_smallest) and without end mark and last padding. Holes become zeros. diff_id and diff_size of the
 * result are those of what was written; an archive without entries gets an end mark, since no file may be empty.
 */
struct layer_shrink {
	struct layer_input in;
	int out_fd;
};

/*
 * Files keep permission bits and mtime; they belong to uid:gid. A file replaces what is at its name (but
 * not a folder: EISDIR); folders merge. Parents are made (0755, uid:gid). Paths in the root are resolved
 * inside it. Sockets are left out.
 */
struct layer_copy {
	int context_fd, root_fd;
	uint32_t uid, gid;
	bool keep_owners; /* COPY --from another image: as the source says, uid and gid unused */
	bool has_mode;
	uint32_t mode; /* --chmod, for files and folders */
	/*
	 * Above 0: the root is an empty upper folder, and what is put there is written here as a layer at once, in gzip: the
	 * bytes and the results are those of MAKE. Items must come in the order of their destinations, parents before what is
	 * in them, no two for one place, and for every folder on the way there is one: LAYER_ITEM_LIKE or LAYER_ITEM_PARENT.
	 * Items that recurse lead to places that nothing else is put in.
	 */
	int out_fd;
	bool clamp_mtime; /* as in layer_make */
	int64_t max_mtime;
	bool hash; /* result->content becomes what HASH says of the same items */
	const struct layer_item *items;
	size_t items_len;
};

/*
 * result->digest depends on the items in their order: source name, kind, permission bits, content or
 * link target, and owners with keep_owners; not on times.
 */
struct layer_hash {
	int context_fd;
	bool keep_owners;
	const struct layer_item *items;
	size_t items_len;
};

struct layer_record {
	int tree_fd, out_fd;
};

/*
 * The archive is a layer: what is new or another, and whiteouts for what is gone. Files with several names come with all of
 * them. result->entries 0: nothing has changed, and nothing was written. -EAGAIN: the tree changed while it was read.
 */
struct layer_diff {
	struct layer_make make;
	int record_fd;
	const struct layer_item *masks; /* `source`: a path in the tree, cleaned; it and what is below is left alone */
	size_t masks_len;
};

/* By layer_run. A job that is started by hand (layer_job_start) empties the folder, but leaves it. */
struct layer_remove {
	int dir_fd;
	const char *name; /* one component; what isn't there is fine */
};

struct layer_request {
	enum layer_verb verb;
	/*
	 * As whom the helper works on trees: NULL or ID_MODE_ROOT: as this process; otherwise as root of a new
	 * user namespace with this map. With ID_MODE_SINGLE, owners other than root:root, and devices, are in the
	 * attributes of codec/owner.h. Permission bits are the real ones in every mode. LIST, SPLIT, PACK, HASH and
	 * DIGEST don't need it.
	 */
	const struct idmap *ids;
	struct layer_limits limits;
	union {
		struct layer_apply apply;
		struct layer_lazy lazy; /* begins with what APPLY takes */
		struct layer_make make;
		struct layer_input list;
		struct layer_input digest; /* nothing is decompressed: only `digest` and `size` of the result are set */
		struct layer_split split;
		struct layer_pack pack;
		struct layer_shrink shrink;
		struct layer_copy copy;
		struct layer_hash hash;
		struct layer_remove remove;
		struct layer_record record;
		struct layer_diff diff;
	};
	/* Called by layer_job_wait; what they get is borrowed for the call. A negative result ends the job with their error. */
	int (*on_entry)(void *arg, const struct layer_entry *entry, struct err *err);	 /* LIST */
	int (*on_member)(void *arg, const struct layer_member *member, struct err *err); /* SPLIT */
	void *arg;
};

struct layer_result {
	struct digest
		digest; /* of the archive as it is stored or came (APPLY, MAKE, LIST, SPLIT, DIGEST); HASH: the key */
	uint64_t size;	/* of the same; also PACK */
	struct digest diff_id; /* of the uncompressed tar (APPLY, MAKE, LIST) */
	struct digest content; /* COPY with hash */
	uint64_t diff_size;
	enum layer_compression compression; /* APPLY, LIST, SPLIT: of the input */
	uint64_t entries;		    /* headers read, or files written */
	uint64_t file_bytes;		    /* content of regular files */
	uint64_t lost_xattrs;
	uint64_t lost_owners; /* ids that the map doesn't have: kept as attributes, and MAKE finds them there */
	uint64_t skipped_sockets;
	uint64_t added, changed, removed; /* DIFF */
	uint64_t stand_ins; /* APPLY, MAKE: whiteouts that are stand-ins (whiteout.h): no overlay may show this tree */
	int landlock_abi;   /* 0: the kernel has no Landlock, and only seccomp and the lack of rights held the helper */
};

struct layer_job;

/* Starts the helper and hands it the request. The strings and items of the request may go when it returns. */
int layer_job_start(const struct layer_request *request, struct layer_job **ret, struct err *err);
/* Blocks till the job's end; once per job. RET may be NULL. */
int layer_job_wait(struct layer_job *job, struct layer_result *ret, struct err *err);
/* Readable when layer_job_wait would make progress: for poll. Borrowed. */
int layer_job_fd(const struct layer_job *job);
/* JOB may be NULL. A job that wasn't waited for is killed, and what it was making is removed. */
void layer_job_free(struct layer_job *job);

/* --- LAZY --- */

enum layer_lazy_kind {
	LAYER_LAZY_READY, /* the tree is there, and every file of it is held */
	LAYER_LAZY_WANT,  /* somebody opens a file, and waits: the layer's bytes from FROM to END are wanted */
	LAYER_LAZY_DONE,  /* the file of the oldest want has come */
};

struct layer_lazy_event {
	enum layer_lazy_kind kind;
	uint64_t from, end;
	char name[512]; /* WANT: of the file, perhaps cut: to be shown only. READY: "" */
	uint64_t files; /* READY: so many are held */
};
/*
 * Blocks for the next event (layer_job_fd tells when that is short). An error is the end of the job: what is held is let go
 * with it, so nobody may be in the tree any more.
 */
int layer_lazy_next(struct layer_job *job, struct layer_lazy_event *ret, struct err *err);
/* Hands over FD (borrowed), from which the bytes of the oldest want that got none can be read. */
int layer_lazy_give(struct layer_job *job, int fd, struct err *err);

/* start, wait, free. */
int layer_run(const struct layer_request *request, struct layer_result *ret, struct err *err);

/* Whether FD is an uncompressed tar in a seekable file: 1 or 0. The offset isn't moved. */
int layer_can_index(int fd);
