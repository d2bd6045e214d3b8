/* Commands that docker and podman have and we don't: what to type instead, or why there is nothing to type. */
#pragma once

#include "base/err.h"

/* For FIRST, or for FIRST and SECOND (NULL: there is none) together; NULL: we know no such command. */
const char *foreign_command_hint(const char *first, const char *second);

/* Says that no command begins with these words, and what they may have meant. -EINVAL. */
int unknown_command_error(int len, char *const *words, struct err *err);
