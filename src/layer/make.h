/* Tree -> archive: LAYER_MAKE. The working folder is changed. */
#pragma once

#include "base/err.h"
#include "layer/choices.h"
#include "layer/client.h"

/* CHOICES: only what a walk over the same tree has chosen; -EAGAIN if the tree isn't the same any more. NULL: all. */
int make_archive(const struct layer_make *m, const struct choices *choices, const struct layer_limits *limits,
		 struct layer_result *result, struct err *err);
