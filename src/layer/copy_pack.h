/* The archive that COPY writes beside the files that it makes: what MAKE would make of the finished folder. */
#pragma once

#include "base/err.h"
#include "codec/tar.h"
#include "layer/client.h"

#include <stddef.h>

struct copy_pack;

/* For Q->out_fd. */
int copy_pack_new(const struct layer_copy *q, const struct layer_limits *limits, struct copy_pack **ret,
		  struct err *err);
void copy_pack_free(struct copy_pack *p);
/* One entry; a folder's name without its slash. E's time may be changed to what the clamp makes of it. */
int copy_pack_entry(struct copy_pack *p, struct tar_entry *e, struct err *err);
/* LEN bytes of a file's content, and at its end the padding of its SIZE. */
int copy_pack_data(struct copy_pack *p, const void *data, size_t len, struct err *err);
int copy_pack_pad(struct copy_pack *p, uint64_t size, struct err *err);
/* The end of the archive; its sizes and digests go to RESULT. */
int copy_pack_finish(struct copy_pack *p, struct layer_result *result, struct err *err);
