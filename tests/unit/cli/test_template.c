#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "cli/listing.h"
#include "cli/template/template.h"
#include "oci/json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char data[] =
	"{\"Name\":\"web\",\"Size\":12,\"On\":true,\"None\":null,\"Cmd\":[\"sh\",\"-c\",\"x y\"],"
	"\"Labels\":\"a=1,b=x,y,c=,a.b=z=1\",\"Config\":{\"Labels\":{\"a.b\":\"1\",\"c\":\"2\"},\"Env\":[]}}";

static void renders_as_go_does(void **state)
{
	static const struct {
		const char *template, *wanted;
	} rows[] = {
		{ "plain", "plain" },
		{ "{{.Name}}:{{.Size}}", "web:12" },
		{ "{{ .Name }}\\t{{.On}}\\n", "web\ttrue\n" },
		{ "{{.Cmd}} {{.Config.Labels}}", "[sh -c x y] map[a.b:1 c:2]" },
		{ "{{json .Cmd}}{{json .Name}}{{json .None}}", "[\"sh\",\"-c\",\"x y\"]\"web\"null" },
		{ "{{index .Config.Labels \"a.b\"}} {{index .Cmd 2}}", "1 x y" },
		{ "{{len .Cmd}} {{len .Name}} {{.None}}", "3 3 <no value>" },
		{ "{{range .Cmd}}<{{.}}>{{end}}", "<sh><-c><x y>" },
		{ "{{range $i, $v := .Cmd}}{{$i}}={{$v}} {{$.Name}};{{end}}", "0=sh web;1=-c web;2=x y web;" },
		{ "{{range $k, $v := .Config.Labels}}{{$k}}{{$v}}{{end}}", "a.b1c2" },
		{ "{{range .Config.Env}}x{{else}}none{{end}}", "none" },
		{ "{{if .On}}yes{{else}}no{{end}}{{if .None}}yes{{end}}", "yes" },
		{ "{{if and .On (eq .Name \"web\")}}both{{end}}", "both" },
		{ "{{with .Config}}{{.Labels}}{{end}}", "map[a.b:1 c:2]" },
		{ "{{join .Cmd \",\" | upper}} {{.Name | title}}", "SH,-C,X Y Web" },
		{ "a {{- .Name -}} b", "awebb" },
		{ "{{.Label \"b\"}}|{{.Label \"c\"}}|{{.Label \"a.b\" | upper}}|{{.Label \"no\"}}|{{.Label \"y\"}}|",
		  "x,y||Z=1|||" },
		{ "{{with .Config}}{{.Label \"a.b\"}}{{end}}", "1" },
		{ "{{slice .Name 1}} {{truncate .Name 2}} {{pad .Name 1 2}}|", "eb we  web  |" },
		{ "{{split \"a:b\" \":\"}} {{or .None .Name}} {{not .On}} {{ne 1 2}}", "[a b] web false true" },
		{ "{{(index .Config.Labels \"c\") | print}}{{println \"x\" 1}}", "2x 1\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		autojson json_t *root = json_loads(data, 0, NULL);
		autotemplate struct template *t = NULL;
		autobuf struct buf out = BUF_INIT(4096);
		struct err err = { 0 };

		if (template_parse(rows[i].template, &t, &err) < 0 || template_render(t, root, true, &out, &err) < 0)
			fail_msg("%s: %s", rows[i].template, err.msg);
		assert_string_equal(buf_str(&out), rows[i].wanted);
	}
}

static void mistakes_are_told(void **state)
{
	static const struct {
		const char *template, *message;
	} rows[] = {
		{ "{{.Name", "expected '}}'" },
		{ "{{}}", "a value is missing" },
		{ "{{if .On}}x", "has no {{end}}" },
		{ "x{{end}}", "without a beginning" },
		{ "{{\"x}}", "a string has no end" },
		{ "{{.Nope}}", "there is no field 'Nope'" },
		{ "{{nope .Name}}", "there is no function 'nope'" },
		{ "{{$x}}", "there is no variable '$x'" },
		{ "{{index .Cmd 7}}", "out of range" },
		{ "{{len}}", "takes 1 to 1 arguments" },
		{ "{{.Name .Size}}", "takes no arguments" },
		{ "{{(.Name}}", "expected ')'" },
		{ "{{1.5}}", "not a whole number" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		autojson json_t *root = json_loads(data, 0, NULL);
		autotemplate struct template *t = NULL;
		autobuf struct buf out = BUF_INIT(4096);
		struct err err = { 0 };
		int r = template_parse(rows[i].template, &t, &err);

		if (r >= 0)
			r = template_render(t, root, true, &out, &err);
		assert_int_equal(r, -EINVAL);
		if (!strstr(err.msg, rows[i].message))
			fail_msg("'%s': '%s' does not say '%s'", rows[i].template, err.msg, rows[i].message);
	}
}

static void prints_to(const struct listing *l, json_t *rows, const char *wanted)
{
	char text[1024] = "";
	FILE *f = fmemopen(text, sizeof(text), "w");
	struct err err = { 0 };

	if (listing_print(f, l, rows, &err) < 0)
		fail_msg("%s", err.msg);
	fclose(f);
	assert_string_equal(text, wanted);
}

static void rows_become_tables(void **state)
{
	static const struct listing_column columns[] = { { "A", "FIRST" }, { "B", "SECOND" }, { NULL, NULL } };
	autojson json_t *rows =
		json_loads("[{\"A\":\"\xc3\xa4 long one\",\"B\":\"1\"},{\"A\":\"b\",\"B\":\"2\"}]", 0, NULL);
	struct listing l = { .table = "{{.A}}\t{{.B}}", .columns = columns, .quiet_field = "A" };

	(void)state;
	prints_to(&l, rows, "FIRST        SECOND\n\xc3\xa4 long one   1\nb            2\n");
	l.format = "table {{.B}}";
	prints_to(&l, rows, "SECOND\n1\n2\n");
	l.format = "json";
	prints_to(&l, rows, "{\"A\":\"\xc3\xa4 long one\",\"B\":\"1\"}\n{\"A\":\"b\",\"B\":\"2\"}\n");
	l.format = "{{.B}}";
	prints_to(&l, rows, "1\n2\n");
	l.quiet = true;
	prints_to(&l, rows, "\xc3\xa4 long one\nb\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(renders_as_go_does),
		cmocka_unit_test(mistakes_are_told),
		cmocka_unit_test(rows_become_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
