/* `inspect --layers` for people. */
#pragma once

#include <jansson.h>
#include <stdio.h>

/* Prints what engine_inside found. */
void inside_print(FILE *f, json_t *inside);
