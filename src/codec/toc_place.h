/*
 * Where a compressed layer has its table of contents (layer/toc.h).
 *
 * eStargz (stargz-snapshotter, docs/estargz.md, "Footer"): the last 51 bytes are an empty gzip member, whose extra field "SG"
 * says the offset. zstd:chunked (containers/storage, pkg/chunked): an annotation of the manifest says it.
 */
#pragma once

#include "base/err.h"

#include <stdint.h>

enum { ESTARGZ_FOOTER_SIZE = 51 };

struct toc_place {
	uint64_t offset, size; /* compressed; inside the layer, above 0 */
};

/* FOOTER is the end of a layer of SIZE bytes. -EBADMSG. */
int estargz_footer_parse(const uint8_t footer[static ESTARGZ_FOOTER_SIZE], uint64_t size, struct toc_place *ret,
			 struct err *err);
/* TEXT: "<offset>:<compressed size>:<size>:1". -EBADMSG. */
int chunked_position_parse(const char *text, uint64_t size, struct toc_place *ret, struct err *err);
