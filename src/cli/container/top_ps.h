/* `top CONTAINER PS-OPTIONS`, as docker has it: the host's ps(1), of whose lines only the container's are shown. */
#pragma once

#include "base/err.h"
#include "base/vec.h"
#include "runtime/processes.h"

/* Runs ps with WORDS. -EINVAL: its output has no column PID. -ENOENT: there is no ps. */
int top_by_ps(const struct container_tasks *tasks, const struct strv *words, struct err *err);
