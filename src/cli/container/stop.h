/* How `stop` and `restart` are told to end a container. */
#pragma once

#include "cli/command.h"

#include <stdint.h>

struct stop_options {
	const char *signal, *time;
};
extern const struct option cli_stop_table[];

struct stopping {
	int signal;	 /* 0: the container's own */
	int64_t timeout; /* seconds, -1: for ever, or STOP_TIMEOUT_OWN */
};
/* What the options say. -EINVAL: they are none. */
int cli_stop_parse(const struct stop_options *o, struct stopping *ret, struct err *err);
