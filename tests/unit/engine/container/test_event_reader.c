#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "engine/container/event_reader.h"
#include "monitor/event_log.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char web_dies[] =
	"{\"status\":\"die\",\"Action\":\"die\",\"id\":\"0123456789ab\",\"from\":\"busybox\",\"Type\":\"container\","
	"\"Actor\":{\"ID\":\"0123456789ab\",\"Attributes\":{\"tier\":\"front\",\"name\":\"web\",\"exitCode\":\"0\"}},"
	"\"scope\":\"local\",\"time\":1461943101,\"timeNano\":1461943101607533796}\n";
static const char web_is_healthy[] =
	"{\"Action\":\"health_status: healthy\",\"id\":\"0123456789ab\",\"Type\":\"container\","
	"\"Actor\":{\"Attributes\":{\"name\":\"web\"}},\"timeNano\":1461943102000000000}\n";

/* FILTERS: words with blanks between. */
static int passes(json_t *event, const char *filters, struct err *err)
{
	autostrv struct strv words = { 0 };
	int r;

	for (const char *p = filters; *p; p += strspn(p, " ")) {
		size_t len = strcspn(p, " ");

		assert_int_equal(strv_addn(&words, p, len), 0);
		p += len;
	}
	r = container_event_filters_check(&words, err);
	return r < 0 ? r : container_event_passes(event, &words);
}

static void filters_choose_events(void **state)
{
	static const struct {
		const char *filters;
		int die, healthy;
	} cases[] = {
		{ "", 1, 1 },
		{ "container=web", 1, 1 },
		{ "container=we", 0, 0 },
		{ "container=0123", 1, 1 },
		{ "container=012", 0, 0 },
		{ "container=web container=other", 1, 1 },
		{ "event=die", 1, 0 },
		{ "event=di", 0, 0 },
		{ "event=die event=start", 1, 0 },
		{ "event=start event=die", 1, 0 },
		{ "event=health_status", 0, 1 },
		{ "event=health_stat", 0, 0 },
		{ "image=busybox", 1, 0 },
		{ "label=tier", 1, 0 },
		{ "label=tier=front", 1, 0 },
		{ "label=tier=back", 0, 0 },
		{ "label=tier label=other", 0, 0 },
		{ "type=container", 1, 1 },
		{ "type=image", 0, 0 },
		{ "type=container event=start", 0, 0 },
		{ "colour=red", -EINVAL, -EINVAL },
		{ "event", -EINVAL, -EINVAL },
		{ "event=die colour=red", -EINVAL, -EINVAL },
		{ "=x", -EINVAL, -EINVAL },
		{ "image=busybo", 0, 0 },
		{ "event=", 0, 0 },
	};
	json_t *die = json_loads(web_dies, 0, NULL), *healthy = json_loads(web_is_healthy, 0, NULL);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = { 0 };

		assert_int_equal(passes(die, cases[i].filters, &err), cases[i].die);
		err_clear(&err);
		assert_int_equal(passes(healthy, cases[i].filters, &err), cases[i].healthy);
		err_clear(&err);
	}
	json_decref(die);
	json_decref(healthy);
}

/* --- the file --- */

static char root[64];

static int make_root(void **state)
{
	(void)state;
	strcpy(root, "/tmp/cloche-events-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
	(void)state;
	return fs_remove_tree(AT_FDCWD, root, NULL);
}

static void write_events(struct store *s, const char *name, const char *text)
{
	int fd = openat(store_run_fd(s, NULL), name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* Gathers the actions; the last that is written ends it, as nothing else would where UNTIL is far. */
static int gather(json_t *event, void *arg, struct err *err)
{
	struct buf *out = arg;
	const char *action = json_string_value(json_object_get(event, "Action"));

	(void)err;
	buf_addf(out, "[%s]", action);
	return strcmp(action, "health_status: healthy") == 0 ? -ECANCELED : 0;
}

static void times_bound_what_is_told(void **state)
{
	static const struct {
		struct timespec since, until;
		const char *told;
	} cases[] = {
		{ { 1461943101, 0 }, { 1461943200, 0 }, "[die][health_status: healthy]" },
		{ { 1461943101, 607533796 }, { 1461943200, 0 }, "[die][health_status: healthy]" },
		{ { 1461943101, 607533797 }, { 1461943200, 0 }, "[health_status: healthy]" },
		{ { 0, 0 }, { 1461943101, 607533796 }, "[die]" },
		{ { 0, 0 }, { 1461943101, 607533795 }, "" },
		{ { 1461943103, 0 }, { 1461943200, 0 }, "" },
		/* The beginning of 1970 is a time as any other. */
		{ { 0, 0 }, { 0, 0 }, "" },
		/* 0001-01-01 and 9999-12-31: what nanoseconds can't say in 64 bits. */
		{ { -62135596800, 0 }, { 253402300799, 0 }, "[die][health_status: healthy]" },
		{ { -62135596800, 0 }, { -62135596799, 0 }, "" },
		{ { 253402300799, 0 }, { 1461943200, 0 }, "" },
	};
	struct store_options options = { .root = root, .runroot = root };
	autostore struct store *s = NULL;
	struct err err = { 0 };

	(void)state;
	if (store_open(&options, &s, &err) < 0)
		fail_msg("%s", err.msg);
	write_events(s, "events.1", web_dies);
	write_events(s, "events", "what is no event\n");
	write_events(s, "events", web_is_healthy);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autobuf struct buf told = BUF_INIT(1024);
		struct event_query q = { .since = cases[i].since,
					 .until = cases[i].until,
					 .has_until = true,
					 .on_event = gather,
					 .arg = &told };

		container_events_follow(s, &q, &err);
		assert_string_equal(buf_str(&told), cases[i].told);
	}
}

static ino_t inode_of(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, 0) < 0 ? 0 : st.st_ino;
}

/* A file that somebody is about to write to keeps its name. */
static void it_is_not_rotated_under_a_writer(void **state)
{
	autoclose int dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC), writer = -1;
	ino_t first;

	(void)state;
	event_log_append(dir, "one", "{}", NULL);
	first = inode_of(dir, "events");
	writer = openat(dir, "events", O_WRONLY | O_CLOEXEC);
	assert_int_equal(ftruncate(writer, EVENT_LOG_MAX), 0);
	assert_int_equal(flock(writer, LOCK_SH), 0);
	event_log_append(dir, "two", "{}", NULL);
	assert_int_equal(inode_of(dir, "events"), first);
	close(TAKE_FD(writer));
	event_log_append(dir, "three", "{}", NULL);
	assert_int_equal(inode_of(dir, "events"), 0);
	assert_int_equal(inode_of(dir, "events.1"), first);
	event_log_append(dir, "four", "{}", NULL);
	assert_true(inode_of(dir, "events") != first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filters_choose_events),
		cmocka_unit_test_setup_teardown(it_is_not_rotated_under_a_writer, make_root, remove_root),
		cmocka_unit_test_setup_teardown(times_bound_what_is_told, make_root, remove_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
