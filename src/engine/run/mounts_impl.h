/* Private to the parsers of mounts: mounts.c (-v, --tmpfs, --device) and mount_words.c (--mount). */
#pragma once

#include "engine/run/mounts.h"
#include "store/volumes.h"

/* WORD as one of the static names of propagation; NULL: it is none. */
const char *run_mount_propagation(const char *word);
int run_mount_set_target(struct run_mount *m, const char *path, struct err *err);
/* Makes M the volume NAME. */
int run_mount_set_name(struct run_mount *m, const char *name, struct err *err);
/* A copy of SPEC that may be cut up, within the limit; NULL with ERR set. */
char *run_mount_copy(const char *spec, struct err *err);
/* The end of a parser: M becomes *RET, or is released and the error says which option it was. */
int run_mount_finish(const char *option, const char *spec, struct run_mount *m, int r, struct run_mount *ret,
		     struct err *err);
