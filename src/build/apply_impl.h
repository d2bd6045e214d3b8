/* Shared by apply*.c only: each carries out one instruction. */
#pragma once

#include "build/apply.h"

int apply_expand(const struct apply *a, const struct dockerfile_instruction *in, const struct dockerfile_arg *arg,
		 char **ret, struct err *err);
int apply_expose(const struct apply *a, const struct dockerfile_instruction *in, struct buf *history, struct err *err);
int apply_volume(const struct apply *a, const struct dockerfile_instruction *in, struct buf *history, struct err *err);
int apply_stopsignal(const struct apply *a, const struct dockerfile_instruction *in, struct buf *history,
		     struct err *err);
int apply_healthcheck(const struct apply *a, const struct dockerfile_instruction *in, struct buf *history,
		      struct err *err);
