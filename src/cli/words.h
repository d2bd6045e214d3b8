/* Times and texts as docker's tables show them. */
#pragma once

#include <stddef.h>

/* "4 minutes ago" for an RFC 3339 time, "N/A" for none. */
void words_since(const char *rfc3339, char dst[static 48]);
/* "2026-11-22 15:04:05 +0000 UTC", "N/A" for none. */
void words_date(const char *rfc3339, char dst[static 48]);
/* S cut to MAX characters of UTF-8, the last of which is then an ellipsis. The caller owns it; NULL without memory. */
char *words_ellipsis(const char *s, size_t max);
