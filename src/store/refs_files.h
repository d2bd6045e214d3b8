/* What ref.c (one name) and ref_list.c (all of them) share. */
#pragma once

#include "store/ref.h"

#define REFS_UNTAGGED "refs/.untagged"

/* The digest in a file of refs/. */
int ref_read_file(struct store *s, const char *path, struct digest *ret, struct err *err);
/* refs_list for the collector: a name that is there and can't be read is an error. */
int refs_list_strict(struct store *s, struct refs *ret, struct err *err);
