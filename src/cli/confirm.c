#include "cli/confirm.h"

#include <stdio.h>
#include <stdlib.h>

bool confirm(const char *warning)
{
	char *line = NULL;
	size_t size = 0;
	bool yes;

	printf("%s\nAre you sure you want to continue? [y/N] ", warning);
	fflush(stdout);
	yes = getline(&line, &size, stdin) > 0 && (line[0] == 'y' || line[0] == 'Y');
	free(line);
	return yes;
}
