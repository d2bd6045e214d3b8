/* Descriptors and maps within larger documents: shared by the files of this folder, and by whoever shows some of them as JSON. */
#pragma once

#include "oci/image.h"
#include "oci/json.h"

int descriptor_read(const struct json_at *at, struct descriptor *ret, struct err *err);
/* A new object, or NULL without memory. */
json_t *descriptor_json(const struct descriptor *d);
/* The member KEY as digest. */
int json_need_digest(const struct json_at *at, const char *key, struct digest *ret, struct err *err);
/* The object of strings KEY, added to RET; a null value counts as "". */
int json_get_map(const struct json_at *at, const char *key, struct str_map *ret, struct err *err);
/* Adds KEY, unless the map is empty; 0 or -ENOMEM. */
int json_add_map(json_t *object, const char *key, const struct str_map *m);
