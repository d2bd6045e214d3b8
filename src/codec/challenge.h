/*
 * The WWW-Authenticate header (RFC 9110, 11.6.1) as registries use it: what a registry wants to be shown before it
 * answers, and for Bearer where a token comes from (distribution project, "Token Authentication Specification").
 */
#pragma once

#include "base/err.h"

enum { CHALLENGE_VALUE_MAX = 1024, CHALLENGE_HEADER_MAX = 8192 };

enum challenge_scheme { CHALLENGE_OTHER, CHALLENGE_BASIC, CHALLENGE_BEARER };

struct challenge {
	enum challenge_scheme scheme;
	char realm[CHALLENGE_VALUE_MAX]; /* Bearer: the URL of the token server */
	char service[CHALLENGE_VALUE_MAX];
	char scope[CHALLENGE_VALUE_MAX];
	char error[CHALLENGE_VALUE_MAX]; /* "insufficient_scope", "invalid_token" */
};

/*
 * Reads one header's value, which may hold several challenges; the best that we know is returned, Bearer before Basic.
 * -EBADMSG: it breaks the grammar; -E2BIG: it, or one of its values, is too long. A header without a scheme that we
 * know is CHALLENGE_OTHER.
 */
int challenge_parse(const char *header, struct challenge *ret, struct err *err);
