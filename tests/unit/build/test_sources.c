#include "tests/unit/test.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "build/sources.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/test_sources.XXXXXX";

static void write_file(int dir, const char *path)
{
	assert_int_equal(fs_write_file(dir, path, path, strlen(path), 0644, 0, NULL), 0);
}

static int make_context(void **state)
{
	int fd;

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	fd = open(folder, O_RDONLY | O_DIRECTORY);
	assert_int_equal(fs_make_dirs(fd, "d/e", 0755, NULL), 0);
	assert_int_equal(fs_make_dirs(fd, "other", 0755, NULL), 0);
	write_file(fd, "a.txt");
	write_file(fd, "b.txt");
	write_file(fd, "d/c.txt");
	write_file(fd, "d/e/f");
	write_file(fd, "other/x[1]");
	assert_int_equal(symlinkat("d/c.txt", fd, "link"), 0);
	assert_int_equal(symlinkat("/d", fd, "absolute"), 0);
	assert_int_equal(symlinkat("../../../../etc/passwd", fd, "outside"), 0);
	assert_int_equal(symlinkat("f", fd, "d/e/inner"), 0);
	close(fd);
	return 0;
}

static int remove_context(void **state)
{
	(void)state;
	return fs_remove_tree(AT_FDCWD, folder, NULL);
}

/* "source>dest …" of all entries. */
static int describe(const char *ignore_text, const char *patterns, const char *dest, bool into, struct buf *out,
		    struct err *err)
{
	CLEANUP(sources_done) struct sources s = SOURCES_INIT;
	struct dockerignore ignore = { 0 };
	int fd = open(folder, O_RDONLY | O_DIRECTORY), r = 0;
	autofree char *copy = strdup(patterns);
	char *rest = copy, *word;

	assert_int_equal(dockerignore_parse("i", ignore_text, strlen(ignore_text), &ignore, NULL), 0);
	while (r >= 0 && (word = strsep(&rest, " ")))
		r = sources_add(&s, fd, &ignore, word, err);
	for (size_t i = 0; r >= 0 && i < s.entries_len; i++) {
		autofree char *to = sources_dest(&s, i, dest, into);

		buf_addf(out, "%s%s>%s%s", i ? " " : "", s.entries[i].path, to, s.entries[i].is_dir ? "/" : "");
	}
	dockerignore_done(&ignore);
	close(fd);
	return r;
}

static void sources_become_files(void **state)
{
	static const struct {
		const char *ignore, *patterns, *dest;
		bool into;
		const char *out;
	} cases[] = {
		{ "", "a.txt", "/x", false, "a.txt>/x" },
		{ "", "a.txt", "/x", true, "a.txt>/x/a.txt" },
		{ "", "./a.txt", "/", true, "a.txt>/a.txt" },
		{ "", "/../a.txt", "/x", true, "a.txt>/x/a.txt" },
		{ "", "*.txt", "/x", true, "a.txt>/x/a.txt b.txt>/x/b.txt" },
		{ "", "?.txt d/c.txt", "/x", true, "a.txt>/x/a.txt b.txt>/x/b.txt d/c.txt>/x/c.txt" },
		{ "", "d", "/x", true, "d>/x/ d/c.txt>/x/c.txt d/e>/x/e/ d/e/f>/x/e/f d/e/inner>/x/e/inner" },
		{ "", "*/*.txt", "/x", true, "d/c.txt>/x/c.txt d/c.txt>/x/c.txt" },
		{ "", "no*", "/x", true, "" },
		{ "", "other/x\\[1]", "/y", false, "other/x[1]>/y" },
		{ "", "link", "/x", false, "d/c.txt>/x" },
		{ "", "link", "/x", true, "d/c.txt>/x/link" },
		{ "", "absolute/c.txt", "/x", false, "d/c.txt>/x" },
		{ "other\nabsolute\nlink\noutside\n*.txt", ".", "/x", true,
		  ".>/x/ d>/x/d/ d/c.txt>/x/d/c.txt d/e>/x/d/e/ d/e/f>/x/d/e/f d/e/inner>/x/d/e/inner" },
		{ "*\n!d/e/f", ".", "/", true, ".>// d>/d/ d/e>/d/e/ d/e/f>/d/e/f" },
		{ "*\n!a.txt", ".", "/", true, ".>// a.txt>/a.txt" },
		{ "d/e", "d", "/x", true, "d>/x/ d/c.txt>/x/c.txt" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autobuf struct buf out = BUF_INIT(4096);
		struct err err = { 0 };

		if (describe(cases[i].ignore, cases[i].patterns, cases[i].dest, cases[i].into, &out, &err) < 0)
			fail_msg("'%s': %s", cases[i].patterns, err.msg);
		assert_string_equal(buf_str(&out), cases[i].out);
	}
}

static void what_is_not_there_is_an_error(void **state)
{
	static const struct {
		const char *ignore, *pattern, *message;
	} cases[] = {
		{ "", "nope", "'nope' is not there" },
		{ "", "a.txt/b", "'a.txt/b' is not there" },
		{ "", "outside", "'outside' is not there" },
		{ "", "../../../etc/passwd", "'../../../etc/passwd' is not there" },
		{ "a.txt", "a.txt", "'a.txt' is left out by .dockerignore" },
		{ "", "[", "'[': pattern '[' is malformed" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autobuf struct buf out = BUF_INIT(4096);
		struct err err = { 0 };

		assert_true(describe(cases[i].ignore, cases[i].pattern, "/", true, &out, &err) < 0);
		assert_string_equal(err.msg, cases[i].message);
	}
}

static void the_signature_changes_with_a_file(void **state)
{
	CLEANUP(sources_done) struct sources a = SOURCES_INIT, b = SOURCES_INIT, c = SOURCES_INIT;
	int fd = open(folder, O_RDONLY | O_DIRECTORY);

	(void)state;
	assert_int_equal(sources_add(&a, fd, NULL, "d", NULL), 0);
	assert_int_equal(sources_add(&b, fd, NULL, "d", NULL), 0);
	assert_int_equal(a.signature.len, b.signature.len);
	assert_memory_equal(a.signature.data, b.signature.data, a.signature.len);
	assert_int_equal(fchmodat(fd, "d/e/f", 0600, 0), 0);
	assert_int_equal(sources_add(&c, fd, NULL, "d", NULL), 0);
	assert_memory_not_equal(a.signature.data, c.signature.data, a.signature.len);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sources_become_files),
		cmocka_unit_test(what_is_not_there_is_an_error),
		cmocka_unit_test(the_signature_changes_with_a_file),
	};

	return cmocka_run_group_tests(tests, make_context, remove_context);
}
