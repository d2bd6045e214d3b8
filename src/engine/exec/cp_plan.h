/* docker's rules of what is copied where. Private to cp*.c. */
#pragma once

#include "base/err.h"
#include "sys/idmap.h"

#include <stdbool.h>

/* Where from and where to: both are looked up in their roots. */
struct cp_request {
	int from_root, to_root;
	const char *from,
		*to; /* absolute, as they were typed: a slash or "/." at the end says something. TO NULL: a tar */
	bool follow; /* a link as FROM */
};

enum { CP_PATH_MAX = 4096 };

struct cp_plan {
	int from_fd;		  /* the folder that SOURCE is in */
	char source[CP_PATH_MAX]; /* a name in there, or "." */
	bool is_folder;
	int to_fd;		/* the folder that DEST is in; -1: TO is a tar */
	char dest[CP_PATH_MAX]; /* "/NAME", or "/": that folder itself */
};

/* By a child that has the ids of MAP (NULL: ours). The descriptors of RET are the caller's. */
int cp_plan_make(const struct cp_request *q, const struct idmap *map, struct cp_plan *ret, struct err *err);
