/* What pull, push and their like have in common: a reference, the registry that has it, and who we are there. */
#pragma once

#include "base/err.h"
#include "codec/reference.h"
#include "registry/auth_file.h"
#include "registry/certs.h"
#include "registry/registry.h"

#include <limits.h>
#include <stdbool.h>

struct remote_options {
	const char *authfile;	/* NULL: the usual places */
	const char *creds;	/* "USERNAME[:PASSWORD]", instead of what is kept */
	const char *cert_dir;	/* instead of certs.d */
	const char *tls_verify; /* "true" (default) or "false" */
	void (*on_progress)(uint64_t transfer, uint64_t bytes, void *arg);
	void *arg;
};

struct remote {
	struct reference ref;
	char host[REFERENCE_MAX]; /* "docker.io", "localhost:5000" */
	char repo[REFERENCE_MAX]; /* "library/debian" */
	struct certs certs;
	struct auth_login login;
	bool is_mirror;
	struct registry *registry;
};

enum { REMOTE_TAG_MAX = 160 };
#define REMOTE_ITSELF UINT_MAX

/*
 * Parts the reference TEXT, finds login and certificates, and opens the registry. Where registries.conf names mirrors, PLACE
 * says which is opened: 0 is the first mirror, and the registry itself the last; -ENXIO behind it. REMOTE_ITSELF: no mirror.
 * RET->is_mirror is set on failure too.
 */
int remote_open(const struct remote_options *options, const char *text, unsigned place, struct remote *ret,
		struct err *err);
void remote_done(struct remote *r);
#define autoremote CLEANUP(remote_done)

/* The same for a registry and a repository of it ("": none), without mirrors. */
int remote_open_host(const struct remote_options *options, const char *host, const char *repo, struct remote *ret,
		     struct err *err);
/* What the registry calls it: the digest if the reference has one, else the tag. */
void remote_tag(const struct remote *r, char dst[static REMOTE_TAG_MAX]);
/* "NAME:PASSWORD". */
int remote_split_creds(const char *creds, struct auth_login *ret, struct err *err);
