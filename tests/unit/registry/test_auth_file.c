#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "registry/auth_file.h"
#include "sys/fs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char path[64];

static int make_file(void **state)
{
	(void)state;
	strcpy(path, "/tmp/test-auth-XXXXXX");
	assert_non_null(mkdtemp(path));
	strcat(path, "/auth.json");
	return 0;
}

static int remove_file(void **state)
{
	(void)state;
	unlink(path);
	*strrchr(path, '/') = '\0';
	return rmdir(path);
}

static void write_text(const char *text)
{
	assert_int_equal(fs_write_file(AT_FDCWD, path, text, strlen(text), 0600, 0, NULL), 0);
}

static void base64_goes_both_ways(void **state)
{
	static const char *const cases[][2] = {
		{ "", "" },	   { "f", "Zg==" },	   { "fo", "Zm8=" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" }, { "a:\xc3\xbc", "YTrDvA==" }
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autofree char *encoded = auth_encode_base64(cases[i][0]), *decoded = auth_decode_base64(cases[i][1]);

		assert_string_equal(encoded, cases[i][1]);
		assert_string_equal(decoded, cases[i][0]);
	}
	assert_null(auth_decode_base64("a b"));
	assert_null(auth_decode_base64("AAAA")); /* a NUL */
}

static void the_nearest_entry_is_found(void **state)
{
	struct auth_login l;

	(void)state;
	/* a:1 for the host, b:2 for a part of it, c:3 for Docker Hub by its old name */
	write_text("{\"auths\":{\"example.org\":{\"auth\":\"YToxCg==\"},\"example.org/team\":{\"auth\":\"Yjoy\"},"
		   "\"https://index.docker.io/v1/\":{\"auth\":\"Yzoz\"},\"token.org\":{\"identitytoken\":\"t\"}}}");
	assert_int_equal(auth_find(path, "example.org", "other/x", &l, NULL), 1);
	assert_string_equal(l.username, "a");
	auth_login_done(&l);
	assert_int_equal(auth_find(path, "example.org", "team/x", &l, NULL), 1);
	assert_string_equal(l.username, "b");
	assert_string_equal(l.password, "2");
	auth_login_done(&l);
	assert_int_equal(auth_find(path, "docker.io", "library/debian", &l, NULL), 1);
	assert_string_equal(l.username, "c");
	auth_login_done(&l);
	assert_int_equal(auth_find(path, "token.org", NULL, &l, NULL), 1);
	assert_string_equal(l.identity_token, "t");
	auth_login_done(&l);
	assert_int_equal(auth_find(path, "example.org.evil", "x", &l, NULL), 0);
	assert_int_equal(auth_find(path, "example.orgy", NULL, &l, NULL), 0);
}

static void what_is_stored_is_found_and_forgotten(void **state)
{
	struct auth_login in = { .username = (char *)"me", .password = (char *)"p:w" }, l;
	struct stat st;

	(void)state;
	write_text("{\"auths\":{\"other.org\":{\"auth\":\"Yjoy\"}},\"kept\":1}");
	assert_int_equal(auth_store(path, "example.org:5000", &in, NULL), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(auth_find(path, "example.org:5000", "x", &l, NULL), 1);
	assert_string_equal(l.username, "me");
	assert_string_equal(l.password, "p:w");
	auth_login_done(&l);
	assert_int_equal(auth_forget(path, "example.org:5000", NULL), 1);
	assert_int_equal(auth_find(path, "example.org:5000", "x", &l, NULL), 0);
	assert_int_equal(auth_forget(path, "example.org:5000", NULL), 0);
	assert_int_equal(auth_find(path, "other.org", "x", &l, NULL), 1);
	auth_login_done(&l);
}

static void damaged_files_are_named(void **state)
{
	struct auth_login l;
	struct err err = { 0 };

	(void)state;
	write_text("{\"auths\":{\"example.org\":{\"auth\":\"!\"}}}");
	assert_true(auth_find(path, "example.org", NULL, &l, &err) < 0);
	assert_non_null(strstr(err.msg, "Base64"));
	write_text("[]");
	assert_true(auth_find(path, "example.org", NULL, &l, &err) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_goes_both_ways),
		cmocka_unit_test_setup_teardown(the_nearest_entry_is_found, make_file, remove_file),
		cmocka_unit_test_setup_teardown(what_is_stored_is_found_and_forgotten, make_file, remove_file),
		cmocka_unit_test_setup_teardown(damaged_files_are_named, make_file, remove_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
