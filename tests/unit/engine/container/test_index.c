#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "engine/container/index.h"

#include <string.h>

#define ID_A "aaaa00000000000000000000000000000000000000000000000000000000000a"
#define ID_B "bbbb00000000000000000000000000000000000000000000000000000000000b"

static char *args[] = { "sh", "-c", "", NULL }, *labels[] = { "tier", "front", "empty", "", NULL };
static char *publish[] = { "80:80", "53:53/udp", NULL }, *test[] = { "CMD", "true", NULL };
static struct record_mount mounts[] = { { .type = "volume", .name = "data", .target = "/data" },
					{ .type = "bind", .source = "/srv", .target = "/srv" } };
static const struct container_record full = {
	.id = ID_A,
	.name = "web",
	.image = "busybox",
	.image_id = "sha256:12",
	.network = "private",
	.created = { 100, 5 },
	.remove = true,
	.life = { .restart = RESTART_ALWAYS },
	.args = { .items = args, .len = 3 },
	.labels = { .items = labels, .len = 4 },
	.private_network = { .kind = "slirp", .publish = { .items = publish, .len = 2 } },
	.health = { .test = { .items = test, .len = 2 } },
	.mounts = { .items = mounts, .len = 2 },
};
static const struct container_record bare = { .id = ID_B };
static const struct index_stamp stamp = { 7, { 1000, 1 }, { 1000, 2 } };
static const struct container_status ended = { .phase = CONTAINER_EXITED,
					       .started = { 200, 1 },
					       .finished = { 300, 999999999 },
					       .exit_code = 3,
					       .restarts = 4,
					       .oom_killed = true };

static void expect_words(const struct words *w, const char *const *wanted)
{
	const char *word = words_next(w, NULL);

	for (; *wanted; wanted++, word = words_next(w, word)) {
		assert_non_null(word);
		assert_string_equal(word, *wanted);
	}
	assert_null(word);
}

#define EXPECT_WORDS(w, ...) expect_words((w), (const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

static void an_entry_says_what_the_record_says(void **state)
{
	autobuf struct buf raw = BUF_INIT(INDEX_MAX);
	struct index_entry e;

	(void)state;
	assert_int_equal(index_entry_format(&raw, &stamp, &full, &ended), 0);
	assert_int_equal(index_entry_parse(raw.data, raw.len, &e), 0);
	assert_int_equal(e.size, raw.len);
	assert_true(index_stamp_equal(&e.stamp, &stamp));
	assert_string_equal(e.summary.id, ID_A);
	assert_string_equal(e.summary.name, "web");
	assert_string_equal(e.summary.image, "busybox");
	assert_string_equal(e.summary.image_id, "sha256:12");
	assert_string_equal(e.summary.network, "private");
	assert_int_equal(e.summary.created.tv_sec, 100);
	assert_int_equal(e.summary.created.tv_nsec, 5);
	assert_int_equal(e.summary.restart, RESTART_ALWAYS);
	assert_true(e.summary.remove && e.summary.has_health && e.summary.has_private_net);
	EXPECT_WORDS(&e.summary.args, "sh", "-c", "");
	EXPECT_WORDS(&e.summary.labels, "tier", "front", "empty", "");
	EXPECT_WORDS(&e.summary.publish, "80:80", "53:53/udp");
	EXPECT_WORDS(&e.summary.expose);
	EXPECT_WORDS(&e.summary.mounts, "volume", "data", "", "/data", "bind", "", "/srv", "/srv");
	assert_int_equal(e.status.phase, CONTAINER_EXITED);
	assert_int_equal(e.status.exit_code, 3);
	assert_int_equal(e.status.restarts, 4);
	assert_int_equal(e.status.started.tv_sec, 200);
	assert_int_equal(e.status.finished.tv_nsec, 999999999);
	assert_true(e.status.oom_killed);
}

static void of_one_that_lives_the_folder_says_nothing(void **state)
{
	static const struct container_status alive = { .phase = CONTAINER_RUNNING, .pid = 5, .started = { 9, 9 } };
	autobuf struct buf raw = BUF_INIT(INDEX_MAX);
	struct index_entry e;

	(void)state;
	assert_int_equal(index_entry_format(&raw, &stamp, &bare, &alive), 0);
	assert_int_equal(index_entry_parse(raw.data, raw.len, &e), 0);
	assert_int_equal(e.status.phase, CONTAINER_LOST);
	assert_int_equal(e.status.pid, 0);
	assert_int_equal(e.status.started.tv_sec, 0);
	assert_string_equal(e.summary.name, "");
	assert_false(e.summary.remove || e.summary.has_health || e.summary.has_private_net);
}

static void add_entry(struct buf *raw, const struct container_record *record, struct index_entries *to)
{
	size_t at = raw->len;

	assert_int_equal(buf_reserve(raw, 4096), 0);
	assert_int_equal(index_entry_format(raw, &stamp, record, &ended), 0);
	assert_int_equal(index_entries_push(to, raw->data + at), 0);
}

/* A file with the entries of ID_A and ID_B. */
static void make_file(struct buf *file)
{
	autobuf struct buf raw = BUF_INIT(INDEX_MAX);
	struct index_entries entries = { 0 };

	assert_int_equal(buf_reserve(&raw, 1 << 16), 0);
	add_entry(&raw, &full, &entries);
	add_entry(&raw, &bare, &entries);
	index_format(file, &entries);
	assert_int_equal(file->error, 0);
	free(entries.items);
}

static void entries_are_found(void **state)
{
	autobuf struct buf file = BUF_INIT(INDEX_MAX);
	struct index_entries entries = { 0 };

	(void)state;
	make_file(&file);
	assert_int_equal(index_parse(file.data, file.len, &entries), 0);
	assert_int_equal(entries.len, 2);
	assert_string_equal(index_entry_at(index_find(&entries, ID_B)).summary.id, ID_B);
	assert_string_equal(index_entry_at(index_find(&entries, ID_A)).summary.name, "web");
	assert_null(index_find(&entries, "cccc"));
	free(entries.items);
}

static void any_damage_is_seen(void **state)
{
	autobuf struct buf file = BUF_INIT(INDEX_MAX);
	struct index_entries entries = { 0 };

	(void)state;
	make_file(&file);
	for (size_t len = 0; len < file.len; len++)
		assert_int_equal(index_parse(file.data, len, &entries), -EBADMSG);
	for (size_t i = 0; i < file.len * 8; i++) {
		file.data[i / 8] ^= (char)(1 << i % 8);
		assert_int_equal(index_parse(file.data, file.len, &entries), -EBADMSG);
		file.data[i / 8] ^= (char)(1 << i % 8);
	}
	memset(file.data, 0, file.len);
	assert_int_equal(index_parse(file.data, file.len, &entries), -EBADMSG);
}

static void entries_out_of_order_are_refused(void **state)
{
	autobuf struct buf raw = BUF_INIT(INDEX_MAX), file = BUF_INIT(INDEX_MAX);
	struct index_entries entries = { 0 }, back = { 0 };

	(void)state;
	assert_int_equal(buf_reserve(&raw, 1 << 16), 0);
	add_entry(&raw, &bare, &entries);
	add_entry(&raw, &full, &entries);
	index_format(&file, &entries);
	assert_int_equal(index_parse(file.data, file.len, &back), -EBADMSG);
	free(entries.items);
}

static void only_what_was_left_alone_is_settled(void **state)
{
	static const struct timespec later = { 1003, 0 }, soon = { 1002, 999999999 }, before = { 10, 0 };

	(void)state;
	assert_true(index_stamp_is_settled(&stamp, &later));
	assert_false(index_stamp_is_settled(&stamp, &soon));
	assert_false(index_stamp_is_settled(&stamp, &before));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_says_what_the_record_says),
		cmocka_unit_test(of_one_that_lives_the_folder_says_nothing),
		cmocka_unit_test(entries_are_found),
		cmocka_unit_test(any_damage_is_seen),
		cmocka_unit_test(entries_out_of_order_are_refused),
		cmocka_unit_test(only_what_was_left_alone_is_settled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
