/* Options of all commands that speak to a registry: podman's names for them. */
#pragma once

#include "cli/command.h"
#include "engine/image/remote.h"

struct remote_words {
	const char *authfile, *creds, *cert_dir, *tls_verify, *progress;
	bool quiet;
};

#define REMOTE_OPTIONS(type, field)                                                                                    \
	OPTION_HEADING("The registry"),                                                                                \
		OPTION_STRING("authfile", 0, type, field.authfile, "FILE",                                             \
			      "logins are here, instead of the usual places", "file"),                                 \
		OPTION_STRING("creds", 0, type, field.creds, "NAME:PASSWORD", "this login, and none that is kept",     \
			      NULL),                                                                                   \
		OPTION_STRING("cert-dir", 0, type, field.cert_dir, "DIR", "certificates are here, instead of certs.d", \
			      "dir"),                                                                                  \
		OPTION_STRING("tls-verify", 0, type, field.tls_verify, "true|false",                                   \
			      "false: any certificate will do, and no TLS at all (default true)", "true false")

static inline struct remote_options remote_options_of(const struct remote_words *w)
{
	return (struct remote_options){
		.authfile = w->authfile, .creds = w->creds, .cert_dir = w->cert_dir, .tls_verify = w->tls_verify
	};
}
