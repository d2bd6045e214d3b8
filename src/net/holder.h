/* Who has a port of the host: for the hint of an error, from procfs. */
#pragma once

#include "net/ports.h"

#include <stdbool.h>

/* "nginx (process 4711)" into DST. False if it can't be seen: another user's, or gone meanwhile. */
bool port_find_holder(const struct port *p, char dst[static 128]);
