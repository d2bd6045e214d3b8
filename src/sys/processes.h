/* Ending processes that are known by what they are in, not by who started them. */
#pragma once

#include <stdbool.h>

/*
 * Kills every process of our /proc for which IS_ONE says true, and waits for each; again and again until none is found, since
 * they may fork meanwhile. NAME is the process's folder in /proc; what is read there is about the process or, if that has
 * just ended, about none that is killed.
 */
void processes_kill(bool (*is_one)(const char *name, const void *arg), const void *arg);

/* Kills all that is in the mount namespace FD; nothing if FD is -1. */
void processes_kill_in_mounts(int fd);
