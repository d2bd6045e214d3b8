/* The options that say how a container lives: --restart, --stop-*, --log-*, --health-*; docker's forms and defaults. */
#pragma once

#include "base/err.h"
#include "engine/container/record.h"
#include "engine/run/options.h"
#include "oci/image.h"
#include "oci/spec.h"

/* Fills in the parts "life", "log" and "health" of R, whose labels are there already. SPEC is the container's, for its environment. */
int run_set_life(struct container_record *r, const struct run_options *o, const struct image_config *image,
		 const struct oci_spec *spec, struct err *err);
