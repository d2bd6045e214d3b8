/* A manifest in the other vocabulary: the OCI's media types, or Docker's (schema 2). Blobs stay as they are. */
#pragma once

#include "engine/move/source.h"

enum move_format { FORMAT_AS_IT_IS, FORMAT_OCI, FORMAT_DOCKER };

/* "oci", "v2s2" or "docker"; NULL: as it is. */
int move_format_parse(const char *text, enum move_format *ret, struct err *err);
/* Rewrites DOC, a manifest of an image, if its type is another; its digest then is another too. */
int document_convert(struct document *doc, enum move_format format, struct err *err);
/*
 * Rewrites DOC, an index, so that it leads to COUNT documents instead, which are in the order of its entries (those that the
 * index has besides stay). Only if anything changes.
 */
int document_convert_index(struct document *doc, enum move_format format, const struct descriptor *instances,
			   size_t count, struct err *err);
