/* What `docker image inspect` says of an image, as JSON. */
#pragma once

#include "engine/open.h"
#include "oci/json.h"

/* RET is an object that the caller owns. -ENOENT: no such image. */
int engine_inspect_image(struct engine *e, const char *image, json_t **ret, struct err *err);
