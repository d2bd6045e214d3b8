/*
 * containers-registries.conf(5), version 2: which registries may be insecure, which are blocked, and where else their images
 * are. Read from $CONTAINERS_REGISTRIES_CONF, or $XDG_CONFIG_HOME/containers/registries.conf, or
 * /etc/containers/registries.conf, and then the files of registries.conf.d beside it, in the order of their names.
 */
#pragma once

#include "base/err.h"
#include "base/vec.h"

#include <stdbool.h>

enum { REGISTRY_CONF_MAX = 1 << 20, REGISTRY_CONF_TABLES_MAX = 4096 };

/* What the table with the longest prefix that fits says. */
struct registry_conf {
	bool insecure, blocked;
	char *prefix, *location; /* owned; NULL: not said */
	struct strv mirrors;	 /* locations; "!" in front: insecure */
};
void registry_conf_done(struct registry_conf *c);

/* For the image REPO ("": none) of HOST. Without a file, all is as by default. */
int registry_conf_find(const char *host, const char *repo, struct registry_conf *ret, struct err *err);
/* The same from one file's TEXT; of two tables that fit as well, the later counts. NAME is for errors. */
int registry_conf_read(const char *text, const char *name, const char *host, const char *repo,
		       struct registry_conf *ret, struct err *err);
