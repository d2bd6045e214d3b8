/* Commands that docker and podman have and we don't: what to type instead, or why there is nothing to type. */
#pragma once

/* For FIRST, or for FIRST and SECOND (NULL: there is none) together; NULL: we know no such command. */
const char *foreign_command_hint(const char *first, const char *second);
