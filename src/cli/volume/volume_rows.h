/* Volumes as rows of `volume ls` and `volume inspect`. */
#pragma once

#include "engine/open.h"
#include "engine/container/volumes.h"

#include <jansson.h>

/* docker's object; NULL without memory. */
json_t *volume_object(struct engine *e, const struct volume *v);
/* For inspect. */
int inspect_volume(struct engine *e, const char *name, json_t **ret, struct err *err);
