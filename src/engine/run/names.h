/* Names for containers that got none: an adjective and something that sounds or hangs in a bell tower. */
#pragma once

enum { RUN_NAME_MAX = 128 };

/* A random "adjective_noun"; ATTEMPT above 2 adds a number, so that a taken name is soon avoided. */
void run_name_generate(int attempt, char dst[static RUN_NAME_MAX]);
