/* `run --explain`: the steps of a start, one line each as they happen; a wider form on a terminal. */
#pragma once

#include "runtime/runtime.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct explain_table {
	FILE *out; /* borrowed */
	bool color;
	int width; /* columns; 0: not a terminal */
	size_t steps;
	uint64_t total_ns;
};

struct explain_table explain_table_init(FILE *out);
/* ARG is the table: for runtime_options and run_callbacks. */
void explain_table_step(const struct runtime_step *step, void *arg);
