#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "codec/challenge.h"

#include <errno.h>

#include <string.h>

static void challenges_of_real_registries(void **state)
{
	static const struct {
		const char *header;
		enum challenge_scheme scheme;
		const char *realm, *service, *scope, *error;
	} cases[] = {
		{ "Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\","
		  "scope=\"repository:library/debian:pull,push\"",
		  CHALLENGE_BEARER, "https://auth.docker.io/token", "registry.docker.io",
		  "repository:library/debian:pull,push", "" },
		{ "bearer realm = \"r\" , error=\"insufficient_scope\"", CHALLENGE_BEARER, "r", "", "",
		  "insufficient_scope" },
		{ "Basic realm=\"a \\\"b\\\"\"", CHALLENGE_BASIC, "a \"b\"", "", "", "" },
		{ "Basic realm=x, Bearer realm=y,service=z", CHALLENGE_BEARER, "y", "z", "", "" },
		{ "Bearer realm=y, Basic realm=x", CHALLENGE_BEARER, "y", "", "", "" },
		{ "Negotiate abc==, Basic realm=\"x\"", CHALLENGE_BASIC, "x", "", "", "" },
		{ "Negotiate", CHALLENGE_OTHER, "", "", "", "" },
		{ "", CHALLENGE_OTHER, "", "", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct challenge c;

		assert_int_equal(challenge_parse(cases[i].header, &c, NULL), 0);
		assert_int_equal(c.scheme, cases[i].scheme);
		assert_string_equal(c.realm, cases[i].realm);
		assert_string_equal(c.service, cases[i].service);
		assert_string_equal(c.scope, cases[i].scope);
		assert_string_equal(c.error, cases[i].error);
	}
}

static void malformed_headers_are_refused(void **state)
{
	char longest[CHALLENGE_VALUE_MAX + 64] = "Bearer realm=\"";
	struct challenge c;

	(void)state;
	assert_int_equal(challenge_parse("Bearer realm=\"never ends", &c, NULL), -EBADMSG);
	assert_int_equal(challenge_parse("\"quoted\"", &c, NULL), -EBADMSG);
	memset(longest + strlen(longest), 'a', CHALLENGE_VALUE_MAX);
	strcat(longest, "\"");
	assert_int_equal(challenge_parse(longest, &c, NULL), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(challenges_of_real_registries),
		cmocka_unit_test(malformed_headers_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
