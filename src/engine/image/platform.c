#include "engine/image/platform.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What lists call an architecture of which no variant is said: containerd's and docker's rule. */
static const char *usual_variant(const char *architecture)
{
	if (strcmp(architecture, "arm64") == 0)
		return "v8";
	return strcmp(architecture, "arm") == 0 ? "v7" : "";
}

int platform_parse(const char *text, struct wanted_platform *ret, struct err *err)
{
	struct wanted_platform p;
	const char *arch, *slash;
	size_t len;

	snprintf(p.architecture, sizeof(p.architecture), "%s", platform_architecture());
	snprintf(p.variant, sizeof(p.variant), "%s", platform_variant());
	*ret = p;
	if (!text)
		return 0;
	arch = str_skip_prefix(text, "linux/");
	if (!arch)
		return err_set(err, EINVAL, "--platform '%s': linux/ARCHITECTURE[/VARIANT] is what can run here", text);
	slash = strchr(arch, '/');
	len = slash ? (size_t)(slash - arch) : strlen(arch);
	if (len == 0 || len >= sizeof(p.architecture) || (slash && strlen(slash + 1) >= sizeof(p.variant)))
		return err_set(err, EINVAL, "--platform '%.100s': there is no such architecture", text);
	snprintf(p.architecture, sizeof(p.architecture), "%.*s", (int)len, arch);
	snprintf(p.variant, sizeof(p.variant), "%s", slash ? slash + 1 : usual_variant(p.architecture));
	*ret = p;
	return 0;
}

static void missing(const struct wanted_platform *p, const struct image_index *index, struct err *err)
{
	struct buf autobuf list = BUF_INIT(600);

	for (size_t i = 0; i < index->manifests_len; i++) {
		const struct platform *f = &index->manifests[i].platform;

		if (f->architecture && strcmp(f->architecture, "unknown") != 0)
			buf_addf(&list, "%s%s/%s%s%s", list.len ? ", " : "", f->os ? f->os : "?", f->architecture,
				 f->variant ? "/" : "", f->variant ? f->variant : "");
	}
	err_set(err, ENOENT, "it is not there for linux/%s, only for: %s", p->architecture,
		list.len ? buf_str(&list) : "nothing");
	err_hint(err, "--platform brings another one");
}

const struct descriptor *platform_choose(const struct wanted_platform *p, const struct image_index *index,
					 struct err *err)
{
	const struct descriptor *chosen = image_index_choose_for(index, p->architecture, p->variant);

	if (!chosen && index->manifests_len == 1 && media_kind(index->manifests[0].media_type) == MEDIA_KIND_INDEX)
		chosen = &index->manifests[0];
	if (!chosen)
		missing(p, index, err);
	return chosen;
}
