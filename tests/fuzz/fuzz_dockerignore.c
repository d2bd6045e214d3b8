/* What .dockerignore leaves out: a folder of which something is taken in must be one that is read. */
#include "tests/fuzz/fuzz.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "codec/dockerignore.h"

static void check_path(const struct dockerignore *di, const char *path)
{
	autofree char *parent = strdup(path);
	char *slash = parent ? strrchr(parent, '/') : NULL;
	bool taken = !dockerignore_excludes(di, path);

	while (slash) {
		*slash = '\0';
		if (taken && dockerignore_excludes(di, parent))
			FUZZ_ASSERT(dockerignore_may_include_below(di, parent));
		slash = strrchr(parent, '/');
	}
}

/* The first line is a path, the rest the file. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const paths[] = { "a", "a/b", "a/b/c.txt", ".git/config", "x y/z" };
	const uint8_t *line = size ? memchr(data, '\n', size) : NULL;
	size_t head = line ? (size_t)(line - data) : 0;
	autofree char *given = fuzz_string(data, head);
	autofree char *path = path_clean(given);
	struct dockerignore di = { 0 };
	struct err err = { 0 };

	if (!line || !path)
		return 0;
	if (dockerignore_parse(".dockerignore", (const char *)line + 1, size - head - 1, &di, &err) < 0) {
		FUZZ_ASSERT(err.msg[0]);
	} else {
		if (path[0] != '/' && strlen(path) < 512)
			check_path(&di, path);
		for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
			check_path(&di, paths[i]);
	}
	dockerignore_done(&di);
	return 0;
}
