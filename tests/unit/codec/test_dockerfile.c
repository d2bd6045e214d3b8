#include "tests/unit/test.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "codec/dockerfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int parse(const char *text, struct dockerfile *df, struct err *err)
{
	*df = DOCKERFILE_INIT;
	return dockerfile_parse("Dockerfile", text, strlen(text), df, err);
}

/* "RUN[--flag=x](arg|arg)" in shell form, "RUN[…]{arg|arg}" in exec form; heredocs as <name:content>. */
static void describe(const struct dockerfile_instruction *in, struct buf *out)
{
	buf_add_str(out, dockerfile_keyword_name(in->keyword));
	for (size_t i = 0; i < in->flags.len; i++)
		buf_addf(out, "[--%s%s%s]", in->flags.items[i].name, in->flags.items[i].value ? "=" : "",
			 in->flags.items[i].value ? in->flags.items[i].value : "");
	if (in->trigger) {
		buf_add_char(out, ' ');
		describe(in->trigger, out);
		return;
	}
	buf_add_char(out, in->exec_form ? '{' : '(');
	for (size_t i = 0; i < in->args.len; i++) {
		const struct dockerfile_arg *arg = &in->args.items[i];

		buf_addf(out, "%s%s%s%s", i ? "|" : "", arg->text, arg->value ? "=" : "", arg->value ? arg->value : "");
	}
	buf_add_char(out, in->exec_form ? '}' : ')');
	for (size_t i = 0; i < in->heredocs.len; i++)
		buf_addf(out, "<%s%s:%s>", in->heredocs.items[i].name, in->heredocs.items[i].expand ? "" : "'",
			 in->heredocs.items[i].content);
}

static void instructions_are_read(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "FROM debian", "FROM(debian);" },
		{ "\xef\xbb\xbf"
		  "FROM debian\r\nRUN a\r\n",
		  "FROM(debian);RUN(a);" },
		{ "from debian as base\n", "FROM(debian|as|base);" },
		{ "FROM --platform=$P debian", "FROM[--platform=$P](debian);" },
		{ "RUN a && \\\n  b", "RUN(a &&   b);" },
		{ "RUN a \\  \n# comment\n\n  # another\n b", "RUN(a  b);" },
		{ "RUN a \\\\\nRUN b", "RUN(a \\\\);RUN(b);" },
		{ "RUN a \\", "RUN(a);" },
		{ "RUN [\"a\", \"b c\"]", "RUN{a|b c};" },
		{ "RUN [ \"a\\u00e9\\n\" , \"\\ud83d\\ude00\" ] ", "RUN{a\xc3\xa9\n|\xf0\x9f\x98\x80};" },
		{ "RUN ['a']", "RUN(['a']);" },
		{ "RUN [\"a\" \"b\"]", "RUN([\"a\" \"b\"]);" },
		{ "RUN [\"a\",]", "RUN([\"a\",]);" },
		{ "ENTRYPOINT []", "ENTRYPOINT{};" },
		{ "RUN --mount=type=cache,target=/x --network=none a --b",
		  "RUN[--mount=type=cache,target=/x][--network=none](a --b);" },
		{ "RUN -- --a", "RUN(--a);" },
		{ "COPY --chown=a:b --link a b /c/", "COPY[--chown=a:b][--link](a|b|/c/);" },
		{ "COPY [\"a b\", \"/c\"]", "COPY{a b|/c};" },
		{ "ENV a b c ", "ENV(a=b c);" },
		{ "ENV a=b c=\"d e\" f=g\\ h", "ENV(a=b|c=\"d e\"|f=g\\ h);" },
		{ "ENV a=", "ENV(a=);" },
		{ "LABEL \"x y\"=z", "LABEL(\"x y\"=z);" },
		{ "ARG a b=c", "ARG(a|b=c);" },
		{ "EXPOSE 80 443/tcp", "EXPOSE(80|443/tcp);" },
		{ "WORKDIR /a b ", "WORKDIR(/a b);" },
		{ "HEALTHCHECK --interval=3s CMD curl x", "HEALTHCHECK[--interval=3s](curl x);" },
		{ "HEALTHCHECK CMD [\"a\"]", "HEALTHCHECK{a};" },
		{ "HEALTHCHECK NONE", "HEALTHCHECK();" },
		{ "ONBUILD COPY --from=x a b", "ONBUILD COPY[--from=x](a|b);" },
		{ "# escape=`\nRUN a `\n b\\", "RUN(a  b\\);" },
		{ "# syntax=docker/dockerfile:1\n# check=skip=all\nFROM a", "FROM(a);" },
		{ "# x\n# escape=`\nRUN a\\\nb", "RUN(ab);" },
		{ "RUN <<EOF\na\n # b\nEOF\nRUN c", "RUN(<<EOF)<EOF:a\n # b\n>;RUN(c);" },
		{ "RUN cat <<-'X' <<Y\n\ta\n\tX\nb\nY", "RUN(cat <<-'X' <<Y)<X':a\n><Y:b\n>;" },
		{ "RUN echo \"<<EOF\" <<<x", "RUN(echo \"<<EOF\" <<<x);" },
		{ "COPY <<a <<b /x/\n1\na\n2\nb\n", "COPY(<<a|<<b|/x/)<a:1\n><b:2\n>;" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autobuf struct buf out = BUF_INIT(65536);
		struct err err = { 0 };
		struct dockerfile df;

		if (parse(cases[i].in, &df, &err) < 0)
			fail_msg("'%s': %s", cases[i].in, err.msg);
		for (size_t k = 0; k < df.instructions.len; k++) {
			describe(&df.instructions.items[k], &out);
			buf_add_char(&out, ';');
		}
		assert_string_equal(buf_str(&out), cases[i].out);
		dockerfile_done(&df);
	}
}

static void errors_point_at_their_place(void **state)
{
	static const struct {
		const char *in, *message;
	} cases[] = {
		{ "FROM a\n\n  RNU b",
		  "Dockerfile:3:3: unknown instruction 'RNU' (did you mean RUN?)\n    3 |   RNU b\n      |   ^" },
		{ "FROM a b",
		  "Dockerfile:1:8: FROM takes an image, or: image AS name\n    1 | FROM a b\n      |        ^" },
		{ "xyzzy", "Dockerfile:1:1: unknown instruction 'xyzzy'\n    1 | xyzzy\n      | ^" },
		{ "RUN", "Dockerfile:1:4: RUN needs an argument\n    1 | RUN\n      |    ^" },
		{ "COPY a", "Dockerfile:1:6: COPY needs a source and a destination\n    1 | COPY a\n      |      ^" },
		{ "COPY --form=a a b",
		  "Dockerfile:1:6: COPY has no flag --form\n    1 | COPY --form=a a b\n      |      ^" },
		{ "ENV a=b \\\n\tc", "Dockerfile:2:2: 'c' has no '=': ENV takes name=value\n    2 | \tc\n      | \t^" },
		{ "ENV a",
		  "Dockerfile:1:5: ENV needs a name and a value: ENV name=value\n    1 | ENV a\n      |     ^" },
		{ "ENV =a", "Dockerfile:1:5: the name in front of '=' is empty\n    1 | ENV =a\n      |     ^" },
		{ "SHELL sh", "Dockerfile:1:7: SHELL takes a JSON array: SHELL [\"/bin/sh\", \"-c\"]\n    1 | SHELL "
			      "sh\n      |       ^" },
		{ "ONBUILD FROM a",
		  "Dockerfile:1:9: FROM may not stand behind ONBUILD\n    1 | ONBUILD FROM a\n      |         ^" },
		{ "HEALTHCHECK a", "Dockerfile:1:13: HEALTHCHECK takes CMD and a command, or NONE\n    1 | HEALTHCHECK "
				   "a\n      |             ^" },
		{ "# escape=x\n",
		  "Dockerfile:1:10: the escape character can only be \\ or `\n    1 | # escape=x\n      |          ^" },
		{ "RUN <<E\na\n",
		  "Dockerfile:1:5: the heredoc is not ended: no line says 'E'\n    1 | RUN <<E\n      |     ^" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = { 0 };
		struct dockerfile df;

		if (parse(cases[i].in, &df, &err) >= 0)
			fail_msg("'%s' was accepted", cases[i].in);
		assert_string_equal(err.msg, cases[i].message);
		dockerfile_done(&df);
	}
}

static void limits_hold(void **state)
{
	struct err err = { 0 };
	struct dockerfile df;
	size_t size = DOCKERFILE_MAX + 1;
	autofree char *text = malloc(size);

	(void)state;
	memset(text, ' ', size);
	df = DOCKERFILE_INIT;
	assert_int_equal(dockerfile_parse("Dockerfile", text, size, &df, &err), -E2BIG);
	dockerfile_done(&df);

	memset(text, 'a', size);
	memcpy(text, "RUN ", 4);
	df = DOCKERFILE_INIT;
	assert_true(dockerfile_parse("Dockerfile", text, size - 1, &df, &err) < 0);
	assert_int_equal(err.code, E2BIG);
	dockerfile_done(&df);

	df = DOCKERFILE_INIT;
	assert_int_equal(dockerfile_parse("Dockerfile", "FROM\0a", 6, &df, &err), -EBADMSG);
	dockerfile_done(&df);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(instructions_are_read),
		cmocka_unit_test(errors_point_at_their_place),
		cmocka_unit_test(limits_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
