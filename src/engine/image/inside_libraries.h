/* The shared libraries that a program of an image needs, looked for as its loader would, without running anything. */
#pragma once

#include "codec/elf_file.h"
#include "engine/layered.h"
#include "oci/json.h"

/*
 * All of them, those of libraries included: RET becomes an array of {Name, Path (left out: missing), NeededBy}.
 * PROGRAM is its path in the image, ENV the image's. Searched are run paths, LD_LIBRARY_PATH, ld.so.conf or musl's path
 * file, and the usual folders; hardware capability folders and ld.so.cache are not.
 */
int inside_libraries(const struct layered *layers, const char *program, const struct elf *elf, const struct strv *env,
		     json_t **ret, size_t *ret_missing, struct err *err);
