/* `--change`: Dockerfile instructions on an image's configuration, for import and commit. */
#pragma once

#include "base/err.h"
#include "base/vec.h"
#include "oci/image.h"

/*
 * Carries out each of CHANGES on C: CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, SHELL, STOPSIGNAL,
 * USER, VOLUME, WORKDIR. -EBADMSG with the change shown.
 */
int changes_apply(const struct strv *changes, struct image_config *c, struct err *err);
