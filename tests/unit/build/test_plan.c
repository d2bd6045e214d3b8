#include "tests/unit/test.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "build/plan.h"

#include <errno.h>
#include <string.h>

/* "name=base[@stage]" of each stage, those that aren't needed in brackets. */
static int describe(const char *text, const char *target, const struct strv *args, struct buf *out, struct err *err)
{
	struct plan_options options = { .build_args = args, .target = target, .platform = "linux/amd64" };
	struct dockerfile df = DOCKERFILE_INIT;
	struct plan plan = { 0 };
	int r = dockerfile_parse("Dockerfile", text, strlen(text), &df, err);

	if (r >= 0)
		r = plan_make(&df, &options, &plan, err);
	for (size_t i = 0; r >= 0 && i < plan.stages_len; i++) {
		const struct plan_stage *s = &plan.stages[i];

		buf_addf(out, "%s%s%s=%s", i ? " " : "", s->needed ? "" : "[", s->name ? s->name : "",
			 s->scratch ? "-" : s->base);
		if (s->base_stage >= 0)
			buf_addf(out, "@%zd", s->base_stage);
		buf_add_str(out, s->needed ? "" : "]");
	}
	plan_done(&plan);
	dockerfile_done(&df);
	return r;
}

static void stages_are_resolved(void **state)
{
	static const struct {
		const char *file, *target, *out;
	} cases[] = {
		{ "FROM a", NULL, "=a" },
		{ "FROM scratch", NULL, "=-" },
		{ "FROM a AS x\nFROM x\n", NULL, "x=a =x@0" },
		{ "FROM a AS x\nFROM b\n", NULL, "[x=a] =b" },
		{ "FROM a AS x\nFROM b\nCOPY --from=x y z", NULL, "x=a =b" },
		{ "FROM a AS X\nFROM b\nCOPY --from=x y z", NULL, "X=a =b" },
		{ "FROM a\nFROM b\nFROM c\nCOPY --from=1 y z", NULL, "[=a] =b =c" },
		{ "FROM a\nCOPY --from=0 y z", NULL, "=a" },
		{ "FROM a AS t\nFROM b\nRUN --mount=from=t,target=/x y", NULL, "t=a =b" },
		{ "FROM a AS x\nFROM b AS y\nFROM c", "y", "[x=a] y=b [=c]" },
		{ "FROM a AS x\nFROM b AS y\nFROM c", "0", "x=a [y=b] [=c]" },
		{ "ARG V=1\nARG W=$V-2\nFROM a:$W", NULL, "=a:1-2" },
		{ "ARG G=1\nFROM a:$G", NULL, "=a:given" },
		{ "ARG N\nFROM a:${N:-d}", NULL, "=a:d" },
		{ "FROM --platform=$TARGETPLATFORM a-$TARGETARCH", NULL, "=a-amd64" },
		{ "FROM a AS b\nFROM b AS c\nFROM c AS d\nFROM x", "d", "b=a c=b@0 d=c@1 [=x]" },
		/* What isn't needed may use what isn't there yet. */
		{ "FROM a\nRUN --security=insecure y\nFROM b", NULL, "[=a] =b" },
	};
	autostrv struct strv args = { 0 };

	(void)state;
	assert_int_equal(strv_add(&args, "G=given"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autobuf struct buf out = BUF_INIT(4096);
		struct err err = { 0 };

		if (describe(cases[i].file, cases[i].target, &args, &out, &err) < 0)
			fail_msg("'%s': %s", cases[i].file, err.msg);
		assert_string_equal(buf_str(&out), cases[i].out);
	}
}

static void mistakes_are_told_with_their_place(void **state)
{
	static const struct {
		const char *file, *target, *message;
		int code;
	} cases[] = {
		{ "", NULL, "Dockerfile: has no FROM", EBADMSG },
		{ "RUN a\nFROM b", NULL, "Dockerfile:1:1: only ARG may stand before the first FROM", EBADMSG },
		{ "FROM $x", NULL, "Dockerfile:1:6: the image's name is empty: '$x' has no value", EBADMSG },
		{ "FROM ${x", NULL, "Dockerfile:1:9: '}' is missing", EBADMSG },
		{ "FROM a AS b\nFROM a AS B", NULL, "Dockerfile:2:11: there is a stage 'B' already", EBADMSG },
		{ "FROM a AS 1b", NULL, "Dockerfile:1:11: a stage's name begins with a letter", EBADMSG },
		{ "FROM a", "b", "Dockerfile: there is no stage 'b'", ENOENT },
		{ "FROM --platform=linux/arm64 a", NULL,
		  "Dockerfile:1:6: this machine builds for linux/amd64 only, not for linux/arm64", EOPNOTSUPP },
		{ "FROM a\nADD https://x/y /", NULL, "Dockerfile:2:5: ADD of a URL comes with a later version",
		  EOPNOTSUPP },
		{ "FROM a\nCOPY --parents x /", NULL, "Dockerfile:2:6: COPY --parents comes with a later version",
		  EOPNOTSUPP },
		{ "FROM a\nRUN --network=x y", NULL, "Dockerfile:2:5: --network takes default, none or host", EBADMSG },
		{ "FROM a\nCOPY --from= x /", NULL, "Dockerfile:2:6: --from needs a value", EBADMSG },
	};
	autostrv struct strv args = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autobuf struct buf out = BUF_INIT(4096);
		struct err err = { 0 };

		assert_int_equal(describe(cases[i].file, cases[i].target, &args, &out, &err), -cases[i].code);
		if (strncmp(err.msg, cases[i].message, strlen(cases[i].message)) != 0)
			fail_msg("'%s': '%s'", cases[i].file, err.msg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stages_are_resolved),
		cmocka_unit_test(mistakes_are_told_with_their_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
