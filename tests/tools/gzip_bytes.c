/*
 * Standard input as the layer helper compresses it, to standard output: without the helper's confinement, so that it can be
 * run by an emulator of other processors, which know no seccomp.
 */
#include "base/err.h"
#include "layer/sink.h"

#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	struct layer_result result;
	struct err err = { 0 };
	struct sink *sink;
	uint8_t data[65536];
	ssize_t n = 0;
	int r = sink_open(1, LAYER_GZIP, 0, &sink, &err);

	while (r >= 0 && (n = read(0, data, sizeof(data))) > 0)
		r = sink_write(sink, data, (size_t)n, &err);
	if (r >= 0)
		r = sink_finish(sink, &result, &err);
	if (r >= 0 && n == 0)
		return 0;
	err_print(stderr, &err);
	return 1;
}
