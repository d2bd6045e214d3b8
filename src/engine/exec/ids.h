/* The part of `exec` that has to do with emulated ids: only where the container has one id mapped. */
#pragma once

#include "base/err.h"
#include "engine/container/running.h"
#include "runtime/runtime.h"

struct exec_ids {
	const struct running *container;
	char *dir; /* of its door; owned */
	struct sock_filter *filter;
};
void exec_ids_done(struct exec_ids *ids);

/* Lets OPTIONS install the filter and hand its listener to the container's supervisor, if it has one. IDS lives as long. */
int exec_ids_prepare(struct exec_ids *ids, const struct running *container, struct runtime_options *options,
		     struct err *err);
