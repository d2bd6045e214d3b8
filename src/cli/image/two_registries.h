/* Options of commands that speak to two places: skopeo's names for them. */
#pragma once

#include "cli/command.h"
#include "engine/image/remote.h"

struct place_words {
	const char *authfile, *creds, *cert_dir, *tls_verify;
};

#define PLACE_OPTIONS(type, field, side, words)                                                                        \
	OPTION_STRING(side "-authfile", 0, type, field.authfile, "FILE", "logins to the " words, "file"),              \
		OPTION_STRING(side "-creds", 0, type, field.creds, "NAME:PASSWORD",                                    \
			      "this login to the " words ", and none that is kept", NULL),                             \
		OPTION_STRING(side "-cert-dir", 0, type, field.cert_dir, "DIR",                                        \
			      "certificates for the " words ", instead of certs.d", "dir"),                            \
		OPTION_STRING(side "-tls-verify", 0, type, field.tls_verify, "true|false",                             \
			      "false: any certificate of the " words " will do, and no TLS at all (default true)",     \
			      "true false")

/* What was said of one side, else of both. */
static inline struct remote_options place_options_of(const struct place_words *w, const struct place_words *both)
{
	return (struct remote_options){
		.authfile = w->authfile ? w->authfile : both->authfile,
		.creds = w->creds ? w->creds : both->creds,
		.cert_dir = w->cert_dir ? w->cert_dir : both->cert_dir,
		.tls_verify = w->tls_verify ? w->tls_verify : both->tls_verify,
	};
}
