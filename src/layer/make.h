/* Tree -> archive: LAYER_MAKE. The working folder is changed. */
#pragma once

#include "base/err.h"
#include "layer/client.h"

int make_archive(const struct layer_make *m, const struct layer_limits *limits, struct layer_result *result,
		 struct err *err);
