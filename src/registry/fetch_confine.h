/* How the half of the fetch helper that reads from the network gives up all else. */
#pragma once

#include "base/err.h"

/*
 * No new privileges; Landlock: the file READABLE (NULL: none) may be read, and nothing else opened; no TCP, no abstract
 * sockets and no signals to others; seccomp with an allow-list: no program, no socket but pairs, no other process. For good
 * and for all threads that come. Without Landlock, READABLE must be NULL.
 */
int fetch_confine(const char *readable, struct err *err);
