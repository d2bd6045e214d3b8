#include "runtime/console.h"
int console_run(struct container_process *p, const struct console_options *options, int *ret_status, struct err *err)
{
	(void)options;
	return container_process_wait(p, ret_status, err);
}
