/* The limits of a container as `inspect` shows them: docker's names in HostConfig. */
#pragma once

#include "oci/spec.h"

#include <jansson.h>

/* Adds them all to O, with docker's values for what was not said. */
void inspect_add_limits(json_t *o, const struct oci_spec *spec);
