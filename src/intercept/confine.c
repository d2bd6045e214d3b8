#include "intercept/confine.h"

int confine_self(struct err *err)
{
	(void)err;
	return 0;
}
