/* `cloche import`: the files of a root file system become an image of one layer. */
#pragma once

#include "base/vec.h"
#include "codec/reference.h"
#include "engine/open.h"

struct import_options {
	const struct strv *changes;   /* Dockerfile instructions: "CMD [\"sh\"]" */
	const char *message;	      /* of the history; NULL: docker's "Imported from …" */
	const char *origin;	      /* what that says; "-" for a pipe */
	const struct reference *name; /* NULL: none */
	const char *architecture;     /* NULL: this machine's */
	const char *variant;
	const char *os; /* NULL: linux */
};

/*
 * Reads the tar FD (compressed or not, file or pipe). Its bytes become the layer as they are, if images know
 * the compression, else uncompressed.
 */
int engine_import(struct engine *e, int fd, const struct import_options *options, struct digest *ret_id,
		  struct err *err);
