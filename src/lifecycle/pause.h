/* Standing still, and limits that change. */
#pragma once

#include "lifecycle/life.h"
#include "oci/resources.h"

int life_pause(int root_fd, const char *id, struct err *err);
int life_resume(int root_fd, const char *id, struct err *err);
/* Lets it go on, whatever stopped it: for who has killed it. Never fails. */
void life_thaw(const struct life *l);
/* Puts the limits R in force. */
int life_update(int root_fd, const char *id, const struct oci_resources *r, struct err *err);
