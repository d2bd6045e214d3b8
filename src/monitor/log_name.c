#include "monitor/log.h"

#include <stdio.h>
#include <string.h>

void log_name(int number, char dst[static 24])
{
	if (number == 0)
		memcpy(dst, LOG_NAME, sizeof(LOG_NAME));
	else
		snprintf(dst, 24, LOG_NAME ".%d", number);
}
