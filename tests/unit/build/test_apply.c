#include "tests/unit/test.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "build/apply.h"

#include <errno.h>
#include <string.h>

static int apply_all(const char *text, struct image_config *config, struct buf *history, struct err *err)
{
	struct dockerfile df = DOCKERFILE_INIT;
	bool cmd_is_own = false;
	autostrv struct strv args = { 0 };
	struct apply a = { &df, { &config->env, &args }, config, &cmd_is_own };
	int r = dockerfile_parse("Dockerfile", text, strlen(text), &df, err);

	strv_add(&args, "arg=from arg");
	for (size_t i = 0; r >= 0 && i < df.instructions.len; i++) {
		buf_reset(history);
		r = apply_instruction(&a, &df.instructions.items[i], history, err);
	}
	dockerfile_done(&df);
	return r;
}

static void the_configuration_follows(void **state)
{
	/* After the lines, the configuration's JSON has TEXT in it; the last line's history is HISTORY. */
	static const struct {
		const char *lines, *text, *history;
	} cases[] = {
		{ "ENV a=1\nENV a=2 b=$a", "\"Env\":[\"a=2\",\"b=1\"]", "ENV a=2 b=1" },
		{ "ENV b=\"$arg\"", "\"Env\":[\"b=from arg\"]", "ENV b=from arg" },
		{ "ENV a x  y", "\"Env\":[\"a=x  y\"]", "ENV a=x  y" },
		{ "LABEL \"a b\"='c d' e=f", "\"Labels\":{\"a b\":\"c d\",\"e\":\"f\"}", "LABEL a b=c d e=f" },
		{ "CMD a b", "\"Cmd\":[\"/bin/sh\",\"-c\",\"a b\"]", "CMD [\"/bin/sh\",\"-c\",\"a b\"]" },
		{ "SHELL [\"x\"]\nCMD a", "\"Cmd\":[\"x\",\"a\"]", "CMD [\"x\",\"a\"]" },
		{ "CMD [\"a\\\"\"]", "\"Cmd\":[\"a\\\"\"]", "CMD [\"a\\\"\"]" },
		{ "ENTRYPOINT [\"a\"]", "\"Entrypoint\":[\"a\"]", "ENTRYPOINT [\"a\"]" },
		{ "EXPOSE 80 443/TCP 90-91/udp",
		  "\"ExposedPorts\":{\"443/tcp\":{},\"80/tcp\":{},\"90/udp\":{},\"91/udp\":{}}",
		  "EXPOSE 80 443/TCP 90-91/udp" },
		{ "VOLUME /b /a /b", "\"Volumes\":{\"/a\":{},\"/b\":{}}", "VOLUME /b /a /b" },
		{ "VOLUME [\"/c d\"]", "\"Volumes\":{\"/c d\":{}}", "VOLUME /c d" },
		{ "USER $arg", "\"User\":\"from arg\"", "USER from arg" },
		{ "WORKDIR a\nWORKDIR b/../c", "\"WorkingDir\":\"/a/c\"", "WORKDIR /a/c" },
		{ "STOPSIGNAL SIGRTMIN+3", "\"StopSignal\":\"SIGRTMIN+3\"", "STOPSIGNAL SIGRTMIN+3" },
		{ "STOPSIGNAL 9", "\"StopSignal\":\"9\"", "STOPSIGNAL 9" },
		{ "HEALTHCHECK --interval=1m30s --retries=2 CMD x",
		  "\"Test\":[\"CMD-SHELL\",\"x\"],\"Interval\":90000000000", "HEALTHCHECK [\"CMD-SHELL\",\"x\"]" },
		{ "HEALTHCHECK NONE", "\"Test\":[\"NONE\"]", "HEALTHCHECK [\"NONE\"]" },
		{ "ONBUILD RUN  a b", "\"OnBuild\":[\"RUN  a b\"]", "ONBUILD RUN  a b" },
		{ "MAINTAINER Me", "\"author\":\"Me\"", "MAINTAINER Me" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autobuf struct buf history = BUF_INIT(4096), json = BUF_INIT(65536);
		struct image_config config = { 0 };
		struct err err = { 0 };

		assert_int_equal(image_config_init(&config, NULL), 0);
		if (apply_all(cases[i].lines, &config, &history, &err) < 0)
			fail_msg("'%s': %s", cases[i].lines, err.msg);
		assert_int_equal(image_config_write(&config, &json, NULL), 0);
		if (!strstr(buf_str(&json), cases[i].text))
			fail_msg("'%s': %s", cases[i].lines, buf_str(&json));
		assert_string_equal(buf_str(&history), cases[i].history);
		image_config_done(&config);
	}
}

static void an_entrypoint_forgets_the_bases_command(void **state)
{
	autobuf struct buf history = BUF_INIT(4096);
	struct image_config config = { 0 };

	(void)state;
	assert_int_equal(image_config_init(&config, NULL), 0);
	assert_int_equal(apply_all("CMD a", &config, &history, NULL), 0);
	assert_int_equal(apply_all("ENTRYPOINT [\"x\"]", &config, &history, NULL), 0);
	assert_false(config.has_cmd);
	assert_int_equal(apply_all("CMD a\nENTRYPOINT [\"x\"]", &config, &history, NULL), 0);
	assert_true(config.has_cmd);
	image_config_done(&config);
}

static void mistakes_are_told_with_their_place(void **state)
{
	static const char *const cases[][2] = {
		{ "EXPOSE 80x", "Dockerfile:1:8: '80x' is not a port" },
		{ "EXPOSE 90-80", "Dockerfile:1:8: '90-80' is not a port" },
		{ "EXPOSE 70000", "Dockerfile:1:8: '70000' is not a port" },
		{ "STOPSIGNAL SIGFOO", "Dockerfile:1:12: 'SIGFOO' is not a signal" },
		{ "HEALTHCHECK --interval=x CMD a", "Dockerfile:1:13: --interval takes a time like 30s" },
		{ "HEALTHCHECK --interval=1ns CMD a", "Dockerfile:1:13: --interval is less than 1ms" },
		{ "HEALTHCHECK --retries=-1 CMD a", "Dockerfile:1:13: --retries takes a number" },
		{ "WORKDIR $none", "Dockerfile:1:9: the path is empty" },
		{ "ENV \"\"=x", "Dockerfile:1:5: the name is empty" },
		{ "ENV a=1 b=${a", "Dockerfile:1:14: '}' is missing" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autobuf struct buf history = BUF_INIT(4096);
		struct image_config config = { 0 };
		struct err err = { 0 };

		assert_int_equal(image_config_init(&config, NULL), 0);
		assert_int_equal(apply_all(cases[i][0], &config, &history, &err), -EBADMSG);
		if (strncmp(err.msg, cases[i][1], strlen(cases[i][1])) != 0)
			fail_msg("'%s': '%s'", cases[i][0], err.msg);
		image_config_done(&config);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_configuration_follows),
		cmocka_unit_test(an_entrypoint_forgets_the_bases_command),
		cmocka_unit_test(mistakes_are_told_with_their_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
