/*
 * Instructions that change only the image's configuration: ENV LABEL CMD ENTRYPOINT EXPOSE VOLUME USER SHELL
 * STOPSIGNAL HEALTHCHECK ONBUILD MAINTAINER, and WORKDIR as far as it is configuration.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "build/vars.h"
#include "codec/dockerfile.h"
#include "oci/image.h"

#include <stdbool.h>
#include <stdint.h>

struct apply {
	const struct dockerfile *df;
	struct vars vars;
	struct image_config *config; /* changed in place */
	bool *cmd_is_own;	     /* CMD was given in this stage: ENTRYPOINT keeps it then */
};

/* Whether it is one of the above. */
bool apply_is_config(enum dockerfile_keyword keyword);
/*
 * Carries IN out. What the history says of it ("ENV A=b") is appended to RET_HISTORY. -EBADMSG at its place; the
 * configuration may then be changed in part.
 */
int apply_instruction(const struct apply *a, const struct dockerfile_instruction *in, struct buf *ret_history,
		      struct err *err);

/* The image's SHELL, or docker's default: ["/bin/sh", "-c"]. Appended to RET. 0 or -ENOMEM. */
int apply_shell(const struct image_config *config, struct strv *ret);
/* Appends what the history says of a list of words: ["a","b"]. */
void apply_format_list(const struct strv *words, struct buf *out);
