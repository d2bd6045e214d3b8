/*
 * A registry, as a client of the distribution specification 1.1 sees it.
 *
 * All that speaks to the network, and all that reads what comes from it, is the fetch helper (libexec/cloche/fetch,
 * src/registry/serve.c tells how it lives): one process for as long as the registry is open, confined before it reads
 * the first byte. We only tell it what to do, and hand it descriptors to write to and to read from. Transfers run side
 * by side, at most REGISTRY_TRANSFERS_MAX.
 *
 * Nothing that comes back may be trusted: a document's digest is compared here, a blob's by whoever reads it.
 *
 * Errors: ENOENT: the registry has no such thing; EACCES: it wants another login, or refuses this one; ETIMEDOUT,
 * ECONNREFUSED, EHOSTUNREACH: it can't be reached; EBADMSG: it answers what it may not; E2BIG: over a limit;
 * EPROTO: the helper died.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "codec/digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	REGISTRY_TRANSFERS_MAX = 6,
	REGISTRY_HOST_MAX = 256, /* "registry.example.org:5000" */
	REGISTRY_DOCUMENT_MAX = 4 << 20,
	REGISTRY_LIST_MAX = 8 << 20, /* bytes of all pages of a list of tags */
};

/* What the registry is shown; all may be NULL. Borrowed. */
struct registry_login {
	const char *username, *password;
	const char *identity_token; /* OAuth2 refresh token, instead of a password */
	const char *bearer;	    /* a token that is shown as it is */
};

struct registry_options {
	const char *host;		      /* "docker.io" is spoken to as registry-1.docker.io */
	bool plain_http;		      /* http://; only where somebody said so */
	bool skip_verify;		      /* TLS without verification; only where somebody said so */
	const char *ca;			      /* PEM texts; NULL: those of the system */
	const char *client_cert, *client_key; /* PEM texts, or NULL */
	struct registry_login login;
	uint64_t chunk; /* uploads are cut into requests of so many bytes; 0: one request */
	/* Called while waiting, with the bytes that a transfer has moved so far. May be NULL. */
	void (*on_progress)(uint64_t transfer, uint64_t bytes, void *arg);
	void *arg;
};

struct registry;

/* Starts the helper. Nothing has been sent to the registry yet. */
int registry_open(const struct registry_options *options, struct registry **ret, struct err *err);
/* Ends it, with all its transfers. NULL is fine. */
void registry_close(struct registry *r);

struct registry_manifest {
	struct digest digest;
	uint64_t size;
	char media_type[256];
};

/*
 * What REPO ("library/debian") has as REF, a tag or a digest. With BODY, its bytes, compared with the digest that REF or
 * the registry names; without, only what a HEAD request tells: one request, no body. -ENOENT.
 */
int registry_get_manifest(struct registry *r, const char *repo, const char *ref, struct buf *body,
			  struct registry_manifest *ret, struct err *err);
/* Stores BODY as REF (NULL: under its digest only). RET may be NULL. */
int registry_put_manifest(struct registry *r, const char *repo, const char *ref, const char *media_type,
			  const void *body, size_t len, struct digest *ret, struct err *err);
/* Removes what REF names. -EOPNOTSUPP where the registry doesn't allow that. */
int registry_delete_manifest(struct registry *r, const char *repo, const char *ref, struct err *err);

/* A whole small blob (an image's configuration), compared with its digest. */
int registry_get_document(struct registry *r, const char *repo, const struct digest *digest, uint64_t size,
			  struct buf *body, struct err *err);

/* 1: REPO has the blob; 0: it hasn't. */
int registry_has_blob(struct registry *r, const char *repo, const struct digest *digest, struct err *err);

/*
 * Begins to write the blob's SIZE bytes to OUT_FD (borrowed), and returns the transfer's number. What was cut off is
 * resumed. The digest is for the reader of OUT_FD to check.
 */
int registry_start_get(struct registry *r, const char *repo, const struct digest *digest, uint64_t size, int out_fd,
		       uint64_t *ret_transfer, struct err *err);
/*
 * The same for a part of the blob: SIZE bytes (above 0) from OFFSET on. The transfer fails with -EOPNOTSUPP where the registry
 * knows no ranges.
 */
int registry_start_part(struct registry *r, const char *repo, const struct digest *digest, uint64_t offset,
			uint64_t size, int out_fd, uint64_t *ret_transfer, struct err *err);
/*
 * Begins to bring the blob to REPO: taken over from the repository FROM (NULL: none) of the same registry where that can
 * be done, else read from IN_FD, a file with SIZE bytes from offset 0.
 */
int registry_start_put(struct registry *r, const char *repo, const char *from, const struct digest *digest,
		       uint64_t size, int in_fd, uint64_t *ret_transfer, struct err *err);
/*
 * 1: REPO has the blob now, taken over from the repository FROM of the same registry; 0: that can't be done, so its bytes have
 * to be brought.
 */
int registry_mount_blob(struct registry *r, const char *repo, const char *from, const struct digest *digest,
			struct err *err);
/* Takes what the helper says (progress, the ends of transfers) until FD is readable. */
int registry_pump(struct registry *r, int fd, struct err *err);
/* Waits for the end of one transfer. */
int registry_wait(struct registry *r, uint64_t transfer, struct err *err);

/* All tags of REPO, one a line, in the registry's order, into LINES. */
int registry_list_tags(struct registry *r, const char *repo, struct buf *lines, struct err *err);
/* What the registry finds for TERM: its JSON (v1 search), or -EOPNOTSUPP where it has no search. */
int registry_search(struct registry *r, const char *term, unsigned limit, struct buf *json, struct err *err);
/* Whether the login is accepted. -EACCES. */
int registry_check_login(struct registry *r, struct err *err);
