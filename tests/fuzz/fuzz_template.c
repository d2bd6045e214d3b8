/* Formats are the user's own, but a mistake in one must end in an error. The first line is the template, the rest JSON. */
#include "tests/fuzz/fuzz.h"

#include "base/cleanup.h"
#include "cli/template/template.h"
#include "oci/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *text = fuzz_string(data, size);
	autobuf struct buf out = BUF_INIT(1 << 20);
	autotemplate struct template *t = NULL;
	autojson json_t *root = NULL;
	char *rest = text, *format = strsep(&rest, "\n");
	struct err err = { 0 };

	if (template_parse(format, &t, &err) < 0)
		return 0;
	if (!rest || json_parse(rest, strlen(rest), "input", &root, &err) < 0)
		root = json_object();
	template_render(t, root, size % 2, &out, &err);
	return 0;
}
