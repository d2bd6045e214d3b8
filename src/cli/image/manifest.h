/* What the subcommands of `manifest` share. */
#pragma once

#include "base/err.h"

struct engine;

/* As podman: the ID of the list as it is now. */
int manifest_print_id(struct engine *e, const char *name, struct err *err);
