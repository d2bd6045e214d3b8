#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "codec/reference.h"

#include <string.h>

static void names_are_normalised_as_docker_does(void **state)
{
	static const struct {
		const char *in, *full, *familiar;
	} cases[] = {
		{ "debian", "docker.io/library/debian:latest", "debian:latest" },
		{ "debian:bookworm", "docker.io/library/debian:bookworm", "debian:bookworm" },
		{ "me/web", "docker.io/me/web:latest", "me/web:latest" },
		{ "docker.io/library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest" },
		{ "docker.io/a.b/c", "docker.io/a.b/c:latest", "docker.io/a.b/c:latest" },
		{ "docker.io/localhost/c", "docker.io/localhost/c:latest", "docker.io/localhost/c:latest" },
		{ "docker.io/debian", "docker.io/library/debian:latest", "debian:latest" },
		{ "localhost/web:1", "localhost/web:1", "localhost/web:1" },
		{ "localhost:5000/a/b__c:x.Y-z", "localhost:5000/a/b__c:x.Y-z", "localhost:5000/a/b__c:x.Y-z" },
		{ "ghcr.io/x/y", "ghcr.io/x/y:latest", "ghcr.io/x/y:latest" },
		{ "[::1]:5000/a", "[::1]:5000/a:latest", "[::1]:5000/a:latest" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[REFERENCE_MAX + 256];
		struct reference ref;

		assert_int_equal(reference_parse(cases[i].in, &ref, NULL), 0);
		reference_format(&ref, text);
		assert_string_equal(text, cases[i].full);
		reference_format_familiar(&ref, text);
		assert_string_equal(text, cases[i].familiar);
	}
}

static void malformed_names_are_refused(void **state)
{
	static const char *const cases[] = { "",   "Debian", "a//b", "-a",   "a-",	   "a/../b",
					     "a:", "a:-x",   "a b",  "a@x",  "a:b:c",	   "a___b",
					     "/a", "a/",     "a..b", "../a", "a@sha256:12" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = { 0 };
		struct reference ref;

		if (reference_parse(cases[i], &ref, &err) >= 0)
			fail_msg("'%s' was accepted", cases[i]);
		assert_true(err.msg[0] != '\0');
	}
}

static void a_digest_needs_no_tag(void **state)
{
	struct reference ref;
	char in[128] = "web@sha256:";

	(void)state;
	memset(in + strlen(in), 'a', 64);
	assert_int_equal(reference_parse(in, &ref, NULL), 0);
	assert_true(ref.has_digest);
	assert_string_equal(ref.tag, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_normalised_as_docker_does),
		cmocka_unit_test(malformed_names_are_refused),
		cmocka_unit_test(a_digest_needs_no_tag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
