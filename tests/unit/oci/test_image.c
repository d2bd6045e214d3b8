#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "oci/image.h"
#include "oci/json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define CONFIG "\"config\":{\"mediaType\":\"" MEDIA_OCI_CONFIG "\",\"digest\":\"sha256:" HEX_A "\",\"size\":7}"
#define LAYER(type) "{\"mediaType\":\"" type "\",\"digest\":\"sha256:" HEX_B "\",\"size\":9}"

/* What is refused, and which words the message must have. */
static void manifest_refuses(void **state)
{
	static const struct {
		const char *text, *message;
		int code;
	} rows[] = {
		{ "{", "not valid JSON", EBADMSG },
		{ "[]", "expected an object", EBADMSG },
		{ "{\"schemaVersion\":1}", "schema 1", EBADMSG },
		{ "{\"schemaVersion\":2}", "config: is missing", EBADMSG },
		{ "{\"schemaVersion\":2,\"schemaVersion\":2}", "duplicate", EBADMSG },
		{ "{\"schemaVersion\":2," CONFIG "}", "layers: is missing", EBADMSG },
		{ "{\"schemaVersion\":2," CONFIG ",\"layers\":{}}", "layers: expected an array, not an object",
		  EBADMSG },
		{ "{\"schemaVersion\":2," CONFIG ",\"layers\":[],\"manifests\":[]}", "not clear what it is", EBADMSG },
		{ "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_INDEX "\"," CONFIG ",\"layers\":[]}", "mediaType",
		  EBADMSG },
		{ "{\"schemaVersion\":2," CONFIG
		  ",\"layers\":[" LAYER(MEDIA_OCI_LAYER) ",{\"mediaType\":\"x\",\"digest\":4,\"size\":1}]}",
		  "layers[1].digest: expected a string, not a whole number", EBADMSG },
		{ "{\"schemaVersion\":2," CONFIG
		  ",\"layers\":[{\"mediaType\":\"x\",\"digest\":\"sha512:00\",\"size\":1}]}",
		  "layers[0].digest: digest", EBADMSG },
		{ "{\"schemaVersion\":2," CONFIG ",\"layers\":[{\"mediaType\":\"x\",\"digest\":\"sha256:" HEX_A
		  "\",\"size\":-1}]}",
		  "layers[0].size: -1 is not between", EBADMSG },
		{ "{\"schemaVersion\":2," CONFIG ",\"layers\":[" LAYER("application/x-helm") "]}",
		  "no layer that can be unpacked", EBADMSG },
		{ "{\"schemaVersion\":2,\"config\":" LAYER(
			  "application/vnd.cncf.helm.config.v1+json") ",\"layers\":[]}",
		  "another kind of artifact", EBADMSG },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct image_manifest m;
		struct err err = { 0 };

		assert_int_equal(image_manifest_parse(rows[i].text, strlen(rows[i].text), &m, &err), -rows[i].code);
		if (!strstr(err.msg, rows[i].message))
			fail_msg("row %zu: '%s' does not say '%s'", i, err.msg, rows[i].message);
	}
}

static void json_depth_is_limited(void **state)
{
	char text[2 * 200 + 1];
	struct err err = { 0 };
	json_t *root;

	(void)state;
	memset(text, '[', 200);
	memset(text + 200, ']', 200);
	assert_int_equal(json_parse(text, 400, "x", &root, &err), -E2BIG);
	assert_non_null(strstr(err.msg, "nested deeper"));
}

static void manifest_round_trip(void **state)
{
	static const char text[] =
		"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_MANIFEST "\"," CONFIG
		",\"layers\":[" LAYER(MEDIA_OCI_LAYER_ZSTD) "],\"annotations\":{\"a\":\"1\",\"b\":\"2\"}}";
	autobuf struct buf out = BUF_INIT(4096);
	struct image_manifest m;

	(void)state;
	assert_int_equal(image_manifest_parse(text, strlen(text), &m, NULL), 0);
	assert_int_equal(m.layers_len, 1);
	assert_int_equal(m.layers[0].size, 9);
	assert_string_equal(str_map_get(&m.annotations, "b"), "2");
	assert_int_equal(image_manifest_write(&m, &out, NULL), 0);
	assert_string_equal(buf_str(&out), text);
	image_manifest_done(&m);
}

static const char config_text[] =
	"{\"created\":\"2026-01-02T03:04:05Z\",\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{\"User\":\"web:"
	"web\","
	"\"ExposedPorts\":{\"443/tcp\":{},\"80/tcp\":{}},\"Env\":[\"PATH=/"
	"bin\",\"A=b=c\"],\"Entrypoint\":[],\"Cmd\":[\"sh\"],"
	"\"Healthcheck\":{\"Test\":[\"CMD-SHELL\",\"true\"],\"Interval\":1000000000,\"Retries\":3},\"Volumes\":{\"/"
	"data\":{}},"
	"\"WorkingDir\":\"/srv\",\"OnBuild\":[\"RUN "
	"x\"],\"Labels\":{\"k\":\"v\"},\"StopSignal\":\"SIGQUIT\",\"StopTimeout\":5,"
	"\"Shell\":[\"/bin/bash\",\"-c\"]},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:" HEX_A
	"\",\"sha256:" HEX_B "\"]},\"history\":[{\"created_by\":\"ADD\"},{\"created_by\":\"ENV\",\"empty_layer\":true},"
	"{\"created_by\":\"RUN\"}]}";

static void config_round_trip(void **state)
{
	autobuf struct buf out = BUF_INIT(8192);
	struct image_config c, copy;

	(void)state;
	assert_int_equal(image_config_parse(config_text, strlen(config_text), &c, NULL), 0);
	assert_int_equal(image_config_copy(&copy, &c, NULL), 0);
	image_config_done(&c);
	assert_true(copy.has_entrypoint);
	assert_int_equal(copy.entrypoint.len, 0);
	assert_string_equal(copy.cmd.items[0], "sh");
	assert_string_equal(copy.exposed_ports.items[0], "443/tcp");
	assert_string_equal(image_config_layer_history(&copy, 1)->created_by, "RUN");
	assert_null(image_config_layer_history(&copy, 2));
	assert_int_equal(image_config_write(&copy, &out, NULL), 0);
	assert_string_equal(buf_str(&out), config_text);
	image_config_done(&copy);
}

static void history_that_does_not_match_says_nothing(void **state)
{
	static const char text[] = "{\"rootfs\":{\"diff_ids\":[\"sha256:" HEX_A "\"]},\"history\":[{},{}]}";
	struct image_config c;

	(void)state;
	assert_int_equal(image_config_parse(text, strlen(text), &c, NULL), 0);
	assert_null(image_config_layer_history(&c, 0));
	image_config_done(&c);
}

static void index_chooses_our_platform(void **state)
{
	struct image_index index = { 0 };
	static const char *const architectures[] = { "s390x", NULL, "sparc" };
	struct digest d = { { 0 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(architectures); i++) {
		struct descriptor m;

		d.bytes[0] = (uint8_t)i;
		assert_int_equal(descriptor_init(&m, MEDIA_OCI_MANIFEST, &d, 1, NULL), 0);
		m.platform.os = strdup("linux");
		m.platform.architecture = strdup(architectures[i] ? architectures[i] : platform_architecture());
		assert_int_equal(image_index_add(&index, &m, NULL), 0);
		descriptor_done(&m);
	}
	assert_int_equal(image_index_choose(&index)->digest.bytes[0], 1);
	image_index_done(&index);
}

static void text_that_is_not_utf8_is_replaced(void **state)
{
	autojson json_t *j = json_text("a\xff\xc3\xa4\xc3z");

	(void)state;
	assert_string_equal(json_string_value(j), "a\xef\xbf\xbd\xc3\xa4\xef\xbf\xbdz");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(manifest_refuses),
		cmocka_unit_test(json_depth_is_limited),
		cmocka_unit_test(manifest_round_trip),
		cmocka_unit_test(config_round_trip),
		cmocka_unit_test(history_that_does_not_match_says_nothing),
		cmocka_unit_test(index_chooses_our_platform),
		cmocka_unit_test(text_that_is_not_utf8_is_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
