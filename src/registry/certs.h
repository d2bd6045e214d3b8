/*
 * Certificates for one registry: containers-certs.d(5). In certs.d/HOST[:PORT]/, *.crt are authorities, and NAME.cert with
 * NAME.key is what we show.
 */
#pragma once

#include "base/err.h"

enum { CERTS_MAX = 100 << 10 }; /* bytes of each of the three texts */

/* PEM; owned; NULL: none. */
struct certs {
	char *ca, *cert, *key;
};
void certs_done(struct certs *c);

/* From DIR, or (NULL) the first that is there of $XDG_CONFIG_HOME/containers, /etc/containers, /etc/docker: certs.d/HOST. */
int certs_find(const char *dir, const char *host, struct certs *ret, struct err *err);
