/* `-o FILE`: written aside, renamed when it is whole; or stdout, if that is no terminal. */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"

struct output_file {
	int fd;		    /* where to write */
	char *path, *aside; /* NULL: nothing to rename */
};
#define OUTPUT_FILE_INIT ((struct output_file){ .fd = -1 })

/*
 * PATH NULL or "-": stdout; -EINVAL with a hint if that is a terminal. A path that is no regular file
 * (/dev/null, a pipe) is written directly.
 */
int output_file_open(const char *path, struct output_file *ret, struct err *err);
/* Gives the file its name. */
int output_file_finish(struct output_file *out, struct err *err);
/* Removes what was not finished; for cleanup attributes. */
void output_file_done(struct output_file *out);
#define autooutput CLEANUP(output_file_done)
