#include "tests/unit/test.h"

#include "engine/move/convert.h"
#include "engine/move/place.h"

#include <errno.h>
#include <string.h>

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static void test_places(void **state)
{
	static const struct {
		const char *text;
		enum place_kind kind;
		const char *path, *name;
		int index;
	} good[] = {
		{ "docker://debian:12", PLACE_DOCKER, NULL, "debian:12", -1 },
		{ "docker://h:5/a@sha256:00", PLACE_DOCKER, NULL, "h:5/a@sha256:00", -1 },
		{ "oci:folder", PLACE_OCI, "folder", NULL, -1 },
		{ "oci:/a/b:", PLACE_OCI, "/a/b", NULL, -1 },
		{ "oci:/a/b:x:y", PLACE_OCI, "/a/b", "x:y", -1 },
		{ "oci-archive:f.tar:v1", PLACE_OCI_ARCHIVE, "f.tar", "v1", -1 },
		{ "docker-archive:f.tar:me/x:1", PLACE_DOCKER_ARCHIVE, "f.tar", "me/x:1", -1 },
		{ "docker-archive:f.tar:@12", PLACE_DOCKER_ARCHIVE, "f.tar", NULL, 12 },
		{ "dir:a:b", PLACE_DIR, "a:b", NULL, -1 },
		{ "store:web", PLACE_STORE, NULL, "web", -1 },
	};
	static const char *const bad[] = {
		"",
		"debian",
		"oci",
		"oci:",
		"oci::x",
		"oci:f:@1",
		"dir:",
		"docker://",
		"docker:debian",
		"store:",
		"docker-archive:f:@x",
		"docker-archive:f:@1001",
		"http://host",
		"docker-archive:f:@-1",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct place autoplace p = { .index = -1 };

		assert_int_equal(place_parse(good[i].text, &p, NULL), 0);
		assert_true(place_is_one(good[i].text));
		assert_int_equal(p.kind, good[i].kind);
		assert_true(same(p.path, good[i].path) && same(p.name, good[i].name));
		assert_int_equal(p.index, good[i].index);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct place autoplace p = { .index = -1 };
		struct err err = { 0 };

		assert_int_equal(place_parse(bad[i], &p, &err), -EINVAL);
		assert_true(err.msg[0] && !p.path && !p.name);
	}
}

static void test_what_others_have_is_refused_by_name(void **state)
{
	struct place autoplace p = { .index = -1 };
	struct err err = { 0 };
	char longest[PLACE_NAME_MAX + 2];

	(void)state;
	assert_int_equal(place_parse("containers-storage:x", &p, &err), -EOPNOTSUPP);
	assert_non_null(strstr(err.hint, "podman save"));
	assert_true(place_is_one("containers-storage:x"));
	assert_false(place_is_one("debian:12"));
	memset(longest, 'a', sizeof(longest));
	memcpy(longest, "dir:", 4);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(place_parse(longest, &p, NULL), -E2BIG);
}

#define DIGEST "sha256:bdcb5d9c85b3e3006fa5cc4f7bf98ac9c0ef671e1daed7d822b50e07a56ed3f0"
#define MANIFEST(config, layer)                                                                                        \
	"{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_MANIFEST "\",\"config\":{\"mediaType\":\"" config            \
	"\",\"digest\":\"" DIGEST "\",\"size\":2},\"layers\":[{\"mediaType\":\"" layer "\",\"digest\":\"" DIGEST       \
	"\",\"size\":3}]}"

static void fill(struct document *doc, const char *text)
{
	*doc = DOCUMENT_INIT;
	assert_int_equal(buf_add_str(&doc->text, text), 0);
	assert_int_equal(document_describe(doc, NULL, NULL), 0);
}

static void test_formats_there_and_back(void **state)
{
	autodocument struct document doc = DOCUMENT_INIT;
	struct digest before;

	(void)state;
	fill(&doc, MANIFEST(MEDIA_OCI_CONFIG, MEDIA_OCI_LAYER_GZIP));
	before = doc.digest;
	assert_int_equal(document_convert(&doc, FORMAT_AS_IT_IS, NULL), 0);
	assert_int_equal(document_convert(&doc, FORMAT_OCI, NULL), 0);
	assert_true(digest_equal(&doc.digest, &before));
	assert_int_equal(document_convert(&doc, FORMAT_DOCKER, NULL), 0);
	assert_string_equal(doc.media_type, MEDIA_DOCKER_MANIFEST);
	assert_false(digest_equal(&doc.digest, &before));
	assert_non_null(strstr(doc.text.data, MEDIA_DOCKER_CONFIG));
	assert_non_null(strstr(doc.text.data, MEDIA_DOCKER_LAYER));
	assert_int_equal(document_convert(&doc, FORMAT_OCI, NULL), 0);
	assert_true(digest_equal(&doc.digest, &before));
}

static void test_what_a_format_cannot_say(void **state)
{
	autodocument struct document doc = DOCUMENT_INIT;
	struct err err = { 0 };

	(void)state;
	fill(&doc, MANIFEST(MEDIA_OCI_CONFIG, MEDIA_OCI_LAYER_ZSTD));
	assert_int_equal(document_convert(&doc, FORMAT_DOCKER, &err), -EOPNOTSUPP);
	assert_non_null(strstr(err.msg, "tar+zstd"));
	assert_string_equal(doc.media_type, MEDIA_OCI_MANIFEST);
}

static void test_an_index_leads_to_the_new_documents(void **state)
{
	autodocument struct document doc = DOCUMENT_INIT;
	struct descriptor one = { 0 };
	struct digest other;
	struct digest before;

	(void)state;
	digest_of("other", 5, &other);
	fill(&doc, "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_OCI_INDEX
		   "\",\"manifests\":[{\"mediaType\":\"" MEDIA_OCI_MANIFEST "\",\"digest\":\"" DIGEST
		   "\",\"size\":5,\"platform\":{\"architecture\":\"arm\",\"os\":\"linux\",\"os.version\":\"1\","
		   "\"os.features\":[\"a\"],\"variant\":\"v7\",\"features\":[\"b\"]}}]}");
	before = doc.digest;
	assert_int_equal(digest_parse(DIGEST, &one.digest, NULL), 0);
	assert_int_equal(document_convert_index(&doc, FORMAT_AS_IT_IS, &one, 1, NULL), 0);
	assert_true(digest_equal(&doc.digest, &before));
	assert_int_equal(descriptor_init(&one, MEDIA_DOCKER_MANIFEST, &other, 9, NULL), 0);
	assert_int_equal(document_convert_index(&doc, FORMAT_DOCKER, &one, 1, NULL), 0);
	descriptor_done(&one);
	assert_string_equal(doc.media_type, MEDIA_DOCKER_LIST);
	assert_non_null(strstr(doc.text.data,
			       "\"os.version\":\"1\",\"os.features\":[\"a\"],\"variant\":\"v7\",\"features\":[\"b\"]"));
	assert_null(strstr(doc.text.data, DIGEST));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_what_others_have_is_refused_by_name),
		cmocka_unit_test(test_formats_there_and_back),
		cmocka_unit_test(test_what_a_format_cannot_say),
		cmocka_unit_test(test_an_index_leads_to_the_new_documents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
