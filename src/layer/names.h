/* The names in a folder, sorted bytewise. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct name {
	uint32_t at;  /* in text */
	uint8_t type; /* DT_*, DT_UNKNOWN where the file system doesn't say */
};

struct names {
	struct name *items; /* owned */
	size_t len, cap;
	struct buf text;
};

/* All but "." and ".."; DIR_FD must be readable, and its offset is moved. */
int names_read(struct names *n, int dir_fd, struct err *err);
void names_done(struct names *n);
const char *names_at(const struct names *n, size_t i);
