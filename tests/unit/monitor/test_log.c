#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "monitor/log.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];
static int dir = -1;

static int make_root(void **state)
{
	(void)state;
	strcpy(root, "/tmp/cloche-log-XXXXXX");
	if (!mkdtemp(root))
		return -1;
	dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dir < 0;
}

static int remove_root(void **state)
{
	(void)state;
	close(dir);
	return fs_remove_tree(AT_FDCWD, root, NULL);
}

static void take(struct container_log *log, struct log_stream *stream, const char *text)
{
	log_take(log, stream, text, strlen(text));
}

/* The texts of a file's lines, each in brackets, those of stderr with an E: "[a\n]E[b]". Every line must be whole. */
static void texts(int number, struct buf *ret)
{
	autobuf struct buf raw = BUF_INIT(1 << 20);
	char name[24];
	size_t at = 0;

	buf_reset(ret);
	log_name(number, name);
	assert_true(fs_read_file(dir, name, 1 << 20, &raw, NULL) >= 0);
	while (at < raw.len) {
		autobuf struct buf text = BUF_INIT(LOG_LINE_MAX);
		const char *end = memchr(raw.data + at, '\n', raw.len - at);
		struct log_line line;

		assert_non_null(end);
		assert_int_equal(log_line_parse(raw.data + at, (size_t)(end - raw.data) - at, &text, &line), 0);
		assert_true(line.time.tv_sec > 0);
		buf_addf(ret, "%s[%s]", line.is_stderr ? "E" : "", buf_str(&text));
		at = (size_t)(end - raw.data) + 1;
	}
	assert_int_equal(ret->error, 0);
}

static void expect(int number, const char *wanted)
{
	autobuf struct buf have = BUF_INIT(1 << 20);

	texts(number, &have);
	assert_string_equal(buf_str(&have), wanted);
}

static bool exists(const char *name)
{
	return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int64_t size_of(const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_size;
}

static void a_line_is_written_when_it_ends(void **state)
{
	static struct log_stream out, err = { .is_stderr = true };
	struct container_log log;

	(void)state;
	log_open(&log, dir, 0, 1, NULL);
	take(&log, &out, "a");
	expect(0, "");
	take(&log, &err, "warning\n");
	expect(0, "E[warning\n]");
	take(&log, &out, "bc\nd\n\ne");
	expect(0, "E[warning\n][abc\n][d\n][\n]");
	log_end(&log, &out);
	log_end(&log, &out);
	log_end(&log, &err);
	expect(0, "E[warning\n][abc\n][d\n][\n][e]");
	log_close(&log);
	/* The next life goes on behind it. */
	log_open(&log, dir, 0, 1, NULL);
	take(&log, &out, "again\n");
	log_close(&log);
	expect(0, "E[warning\n][abc\n][d\n][\n][e][again\n]");
	assert_int_equal(log.lost, 0);
}

static void a_long_line_is_split(void **state)
{
	static struct log_stream out;
	static char text[2 * LOG_TEXT_MAX + 3];
	autobuf struct buf wanted = BUF_INIT(1 << 20);
	struct container_log log;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\n';
	buf_addf(&wanted, "[%.*s][%.*s][xx\n]", LOG_TEXT_MAX, text, LOG_TEXT_MAX, text);
	log_open(&log, dir, 0, 1, NULL);
	/* In pieces that end anywhere. */
	for (size_t at = 0; at < sizeof(text); at += 1000)
		log_take(&log, &out, text + at, sizeof(text) - at < 1000 ? sizeof(text) - at : 1000);
	log_close(&log);
	expect(0, buf_str(&wanted));
}

static void attributes_are_in_each_line(void **state)
{
	static struct log_stream out;
	autobuf struct buf raw = BUF_INIT(4096);
	struct container_log log;

	(void)state;
	log_open(&log, dir, 0, 1, "{\"tag\":\"x\"}");
	take(&log, &out, "a\n");
	log_close(&log);
	assert_true(fs_read_file(dir, LOG_NAME, 4096, &raw, NULL) >= 0);
	assert_non_null(strstr(buf_str(&raw), ",\"attrs\":{\"tag\":\"x\"},"));
}

static void files_turn_at_their_size(void **state)
{
	static struct log_stream out;
	struct container_log log;
	int64_t line_size;

	(void)state;
	log_open(&log, dir, 0, 3, NULL);
	take(&log, &out, "1\n");
	log_close(&log);
	/* The fraction of a time is of one to nine digits. */
	line_size = size_of(LOG_NAME) + 10;
	log_open(&log, dir, 2 * line_size, 3, NULL);
	for (char line[] = "2\n"; line[0] <= '9'; line[0]++)
		take(&log, &out, line);
	log_close(&log);
	assert_true(size_of(LOG_NAME) <= 2 * line_size);
	assert_true(size_of("log.json.1") <= 2 * line_size);
	assert_true(size_of("log.json.2") <= 2 * line_size);
	assert_false(exists("log.json.3"));
	expect(2, "[5\n][6\n]");
	expect(1, "[7\n][8\n]");
	expect(0, "[9\n]");
}

/* Lines that come in one piece turn files as those that come one by one. */
static void many_lines_at_once_turn_files_too(void **state)
{
	enum { MAX = 64 * 1024, LINES = 4000 };
	static struct log_stream out;
	autobuf struct buf all = BUF_INIT(1 << 20), have = BUF_INIT(1 << 20), wanted = BUF_INIT(1 << 20);
	struct container_log log;
	size_t from;

	(void)state;
	for (int i = 0; i < LINES; i++)
		buf_addf(&all, "line %d\n", i);
	log_open(&log, dir, MAX, 4, NULL);
	log_take(&log, &out, all.data, all.len);
	log_close(&log);
	assert_int_equal(log.lost, 0);
	/* The newest lines, none missing, over all files. */
	for (int i = 3; i >= 0; i--) {
		autobuf struct buf part = BUF_INIT(1 << 20);
		char name[24];

		log_name(i, name);
		assert_true(size_of(name) <= MAX);
		texts(i, &part);
		buf_add(&have, buf_str(&part), part.len);
	}
	assert_false(exists("log.json.4"));
	assert_int_equal(sscanf(buf_str(&have), "[line %zu", &from), 1);
	for (size_t i = from; i < LINES; i++)
		buf_addf(&wanted, "[line %zu\n]", i);
	assert_true(from > 0 && from < LINES);
	assert_string_equal(buf_str(&have), buf_str(&wanted));
}

static void a_single_file_is_emptied(void **state)
{
	static struct log_stream out;
	struct container_log log;

	(void)state;
	log_open(&log, dir, 1, 1, NULL);
	take(&log, &out, "longer than the limit, and written all the same\n");
	expect(0, "[longer than the limit, and written all the same\n]");
	take(&log, &out, "next\n");
	expect(0, "[next\n]");
	log_close(&log);
	assert_false(exists("log.json.1"));
}

static void the_number_of_files_has_bounds(void **state)
{
	struct container_log log;

	(void)state;
	log_open(&log, -1, 0, 0, NULL);
	assert_int_equal(log.files, 1);
	log_open(&log, -1, 0, -5, NULL);
	assert_int_equal(log.files, 1);
	log_open(&log, -1, 0, INT64_MAX, NULL);
	assert_int_equal(log.files, LOG_FILES_MAX);
}

static void without_a_folder_nothing_is_kept(void **state)
{
	static struct log_stream out;
	struct container_log log;

	(void)state;
	log_open(&log, -1, 0, 1, NULL);
	take(&log, &out, "a\nb");
	log_end(&log, &out);
	log_close(&log);
	assert_int_equal(out.len, 0);
	assert_int_equal(log.lost, 0);
}

/* A link in the log's place is not followed: what can't be written is counted, and told when it can be again. */
static void what_is_missing_is_told(void **state)
{
	static struct log_stream out;
	autobuf struct buf have = BUF_INIT(4096);
	struct container_log log;

	(void)state;
	assert_int_equal(symlinkat("elsewhere", dir, LOG_NAME), 0);
	log_open(&log, dir, 0, 1, NULL);
	take(&log, &out, "1\n2\n");
	take(&log, &out, "3\n4");
	assert_int_equal(log.lost, 3);
	assert_int_equal(log.lost_code, ELOOP);
	assert_false(exists("elsewhere"));
	assert_int_equal(unlinkat(dir, LOG_NAME, 0), 0);
	take(&log, &out, "\n");
	assert_int_equal(log.lost, 0);
	log_close(&log);
	texts(0, &have);
	assert_true(str_starts_with(buf_str(&have), "E[cloche: 3 lines are missing here, "));
	assert_non_null(strstr(buf_str(&have), strerror(ELOOP)));
	assert_non_null(strstr(buf_str(&have), "\n][4\n]"));
}

#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, make_root, remove_root)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(a_line_is_written_when_it_ends),    LOG_TEST(a_long_line_is_split),
		LOG_TEST(attributes_are_in_each_line),	     LOG_TEST(files_turn_at_their_size),
		LOG_TEST(many_lines_at_once_turn_files_too), LOG_TEST(a_single_file_is_emptied),
		LOG_TEST(the_number_of_files_has_bounds),    LOG_TEST(without_a_folder_nothing_is_kept),
		LOG_TEST(what_is_missing_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
