/*
 * Where logins are kept: containers-auth.json(5) and docker's config.json, which are the same format, and programs that
 * keep them elsewhere (docker-credential-NAME).
 *
 * Read, first that has an entry: the file that was named (--authfile, $REGISTRY_AUTH_FILE), or
 * $XDG_RUNTIME_DIR/containers/auth.json, $XDG_CONFIG_HOME/containers/auth.json, $DOCKER_CONFIG/config.json or
 * ~/.docker/config.json. Written: the named one, else the first of these.
 */
#pragma once

#include "base/err.h"

enum { AUTH_FILE_MAX = 1 << 20, AUTH_SECRET_MAX = 64 << 10 };

/* Owned; NULL: none. */
struct auth_login {
	char *username, *password, *identity_token, *bearer;
};
void auth_login_done(struct auth_login *l);
#define autologin CLEANUP(auth_login_done)

/*
 * The login for REPO ("library/debian"; NULL: the registry itself) of HOST ("docker.io"): the entry with the longest
 * name that leads to it ("host/library/debian", "host/library", "host"). 1: found; 0: there is none. AUTHFILE may be NULL.
 */
int auth_find(const char *authfile, const char *host, const char *repo, struct auth_login *ret, struct err *err);
/* Keeps it for HOST, in a file that only its owner can read, or in the credential helper that the file names. */
int auth_store(const char *authfile, const char *host, const struct auth_login *login, struct err *err);
/* Forgets HOST's; NULL: all of the file. 0: there was none. */
int auth_forget(const char *authfile, const char *host, struct err *err);

/* The bytes that TEXT is the Base64 of (RFC 4648), owned, NUL-terminated; NULL: it is none, or has a NUL inside. */
char *auth_decode_base64(const char *text);
/* The reverse. */
char *auth_encode_base64(const char *text);
