/* A Dockerfile is read, planned and its words expanded, or refused with a message; positions lie in the file. */
#include "tests/fuzz/fuzz.h"

#include "build/expand.h"
#include "build/plan.h"
#include "codec/dockerfile.h"

static const char *lookup(void *arg, const char *name)
{
	(void)arg;
	return name[0] < 'c' ? "some value" : name[0] < 'p' ? "" : NULL;
}

static void check_instruction(const struct dockerfile *df, const struct dockerfile_instruction *in)
{
	const struct expand x = { .escape = df->escape, .lookup = lookup };
	unsigned line, column;

	dockerfile_position(in, in->rest, &line, &column);
	FUZZ_ASSERT(line >= 1 && column >= 1 && line <= in->end_line);
	FUZZ_ASSERT(in->rest <= strlen(in->text));
	for (size_t i = 0; i < in->args.len; i++) {
		struct strv words = { 0 };
		struct err err = { 0 };
		size_t at;

		if (expand_words(&x, in->args.items[i].text, &words, &at, &err) < 0)
			FUZZ_ASSERT(err.msg[0]);
		strv_done(&words);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct plan_options options = { NULL, NULL, "linux/amd64" };
	struct dockerfile df = DOCKERFILE_INIT;
	struct strv none = { 0 };
	struct plan plan = { 0 };
	struct plan_options with = options;
	struct err err = { 0 };

	with.build_args = &none;
	if (dockerfile_parse("Dockerfile", (const char *)data, size, &df, &err) < 0) {
		FUZZ_ASSERT(err.code && err.msg[0]);
	} else {
		for (size_t i = 0; i < df.instructions.len; i++)
			check_instruction(&df, &df.instructions.items[i]);
		if (plan_make(&df, &with, &plan, &err) < 0)
			FUZZ_ASSERT(err.code && err.msg[0]);
		plan_done(&plan);
	}
	dockerfile_done(&df);
	return 0;
}
