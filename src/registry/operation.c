#include "registry/operation.h"

#include <stdlib.h>
#include <unistd.h>

void operation_done(struct operation *op)
{
	free(op->repo);
	free(op->from);
	free(op->ref);
	free(op->digest);
	free(op->media_type);
	free(op->term);
	if (op->fd >= 0)
		close(op->fd);
	op->fd = -1;
}
