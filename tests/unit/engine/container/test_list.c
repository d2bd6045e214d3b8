#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "engine/container/row_filter.h"

#include <errno.h>
#include <string.h>

/* --- filters --- */

#define ID_A "aaaa00000000000000000000000000000000000000000000000000000000000a"
#define ID_B "bbbb00000000000000000000000000000000000000000000000000000000000b"
#define ID_C "cccc00000000000000000000000000000000000000000000000000000000000c"
#define IMAGE_ID "sha256:1234567890000000000000000000000000000000000000000000000000000000"

/* Newest first, as they are read. */
static struct container_row rows_items[] = {
	{ .summary = { .id = ID_C,
		       .name = "aaaa-later",
		       .image_id = "",
		       .image = "busybox",
		       .created = { 300, 0 },
		       .network = "none",
		       .publish = WORDS("127.0.0.1:8080:80"),
		       .expose = WORDS("53/udp"),
		       .restart = RESTART_ALWAYS },
	  .status = { .phase = CONTAINER_RUNNING, .paused = true } },
	{ .summary = { .id = ID_B,
		       .name = "web",
		       .network = "",
		       .image = "docker.io/library/busybox:latest",
		       .image_id = IMAGE_ID,
		       .created = { 200, 5 },
		       .mounts = WORDS("volume\0data\0/srv/data\0/data"),
		       .labels = WORDS("tier\0front\0empty\0") },
	  .status = { .phase = CONTAINER_EXITED, .exit_code = 3 } },
	{ .summary = { .id = ID_A, .name = "", .image = "", .image_id = "", .network = "", .created = { 200, 0 } },
	  .status = { .phase = CONTAINER_CREATED } },
};
static const struct container_rows rows = { .items = rows_items, .len = ARRAY_SIZE(rows_items) };

/* The rows that pass, as letters: "CB". FILTERS: words with blanks between. */
static void expect(const char *filters, const char *wanted)
{
	autofilters struct row_filters parsed = { 0 };
	autostrv struct strv words = { 0 };
	char passed[ARRAY_SIZE(rows_items) + 1] = "";
	struct err err = { 0 };

	for (const char *p = filters; *p; p += strspn(p, " ")) {
		size_t len = strcspn(p, " ");

		assert_int_equal(strv_addn(&words, p, len), 0);
		p += len;
	}
	if (row_filters_parse(&words, &parsed, &err) < 0 || row_filters_bind(&parsed, &rows, &err) < 0)
		fail_msg("%s: %s", filters, err.msg);
	for (size_t i = 0; i < rows.len; i++)
		if (row_filters_pass(NULL, &parsed, &rows.items[i]))
			passed[strlen(passed)] = "CBA"[i];
	if (strcmp(passed, wanted) != 0)
		fail_msg("%s: '%s', not '%s'", filters, passed, wanted);
}

static void filters_choose_rows(void **state)
{
	static const struct {
		const char *filters, *passed;
	} cases[] = {
		{ "", "CBA" },
		{ "id=bbbb", "B" },
		{ "id=" ID_A, "A" },
		{ "id=0000", "" },
		{ "name=web", "B" },
		{ "name=e", "CB" },
		{ "name=web name=later", "CB" },
		{ "name=^/web$", "B" },
		{ "name=^web$", "B" },
		{ "name=^w|^a+-", "CB" },
		{ "name=^eb", "" },
		{ "name=", "CB" },
		{ "name=web id=cccc", "" },
		{ "label=tier", "B" },
		{ "label=tier=front", "B" },
		{ "label=tier=fro", "" },
		{ "label=tie", "" },
		{ "label=empty=", "B" },
		{ "label=tier label=empty", "B" },
		{ "label=tier label=other", "" },
		{ "label!=tier", "CA" },
		{ "label!=tier=front", "CA" },
		{ "label!=tier=back", "CBA" },
		{ "label!=tier=back label!=empty", "CA" },
		{ "status=dead", "" },
		{ "status=paused", "C" },
		{ "status=running", "" },
		{ "status=exited status=created", "BA" },
		{ "exited=3", "B" },
		{ "exited=0", "" },
		{ "exited=3 exited=0", "B" },
		{ "ancestor=busybox", "CB" },
		{ "ancestor=busybox:latest", "CB" },
		{ "ancestor=busybox:1", "" },
		{ "ancestor=123456", "B" },
		{ "ancestor=" IMAGE_ID, "B" },
		{ "before=web", "A" },
		{ "since=web", "C" },
		{ "before=bbbb", "A" },
		{ "since=" ID_A, "CB" },
		{ "before=cccc since=aaaa", "B" },
		{ "before=web before=aaaa-later", "BA" },
		{ "before=" ID_A, "" },
		{ "until=200.000000005", "A" },
		{ "until=250", "BA" },
		{ "until=0", "" },
		{ "restart-policy=always", "C" },
		{ "restart-policy=no", "BA" },
		{ "should-start-on-boot=true", "C" },
		{ "should-start-on-boot=false", "BA" },
		{ "volume=data", "B" },
		{ "volume=/srv/data", "B" },
		{ "volume=/data", "B" },
		{ "volume=dat", "" },
		{ "network=none", "C" },
		{ "network=other", "" },
		{ "publish=80", "C" },
		{ "publish=80/udp", "" },
		{ "publish=70-90", "C" },
		{ "publish=53/udp", "" },
		{ "expose=53/udp", "C" },
		{ "expose=80", "C" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect(cases[i].filters, cases[i].passed);
}

static void what_is_no_filter_is_told(void **state)
{
	static const struct {
		const char *filter;
		int r;
	} cases[] = {
		{ "", -EINVAL },
		{ "name", -EINVAL },
		{ "colour=red", -EINVAL },
		{ "nam=web", -EINVAL },
		{ "=x", -EINVAL },
		{ "before=nobody", -ENOENT },
		{ "since=nobody", -ENOENT },
		{ "until=yesterday", -EINVAL },
		{ "exited=abc", -EINVAL },
		{ "exited=", -EINVAL },
		{ "status=xyz", -EINVAL },
		{ "status=up", -EINVAL },
		{ "health=good", -EINVAL },
		{ "restart-policy=never", -EINVAL },
		{ "should-start-on-boot=perhaps", -EINVAL },
		{ "publish=http", -EINVAL },
		{ "expose=70000", -EINVAL },
		{ "label=", -EINVAL },
		{ "before=", -EINVAL },
		{ "name=(", -EINVAL },
		{ "name=a{9}", -EINVAL },
		{ "name=(a*)\\1", -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		static const struct container_rows no_rows;
		autofilters struct row_filters parsed = { 0 };
		autostrv struct strv words = { 0 };
		struct err err = { 0 };
		int r;

		strv_add(&words, cases[i].filter);
		r = row_filters_parse(&words, &parsed, &err);
		/* On a store without containers as well. */
		if (r >= 0)
			r = row_filters_bind(&parsed, i % 2 ? &rows : &no_rows, &err);
		assert_int_equal(r, cases[i].r);
		assert_non_null(strstr(err.msg, "--filter"));
		err_clear(&err);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filters_choose_rows),
		cmocka_unit_test(what_is_no_filter_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
