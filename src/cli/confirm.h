/* The question before something is removed that no longer comes back. */
#pragma once

#include <stdbool.h>

/* Says WARNING and asks, as docker does; true for an answer that begins with y. The end of the input is a no. */
bool confirm(const char *warning);
