#include "tests/fuzz/fuzz.h"

#include "intercept/place.h"

#include <fcntl.h>

static const char *skip(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0 ? s + strlen(prefix) : NULL;
}

/*
 * A path of the container is used as it is, or behind a link that leads out of the outer /proc: nothing else may stand there,
 * since "77/.." would be the host's.
 */
static void check(const struct place *p)
{
	const char *rest = skip(p->path, "77/");

	if (!rest) {
		FUZZ_ASSERT(p->path[0] == '/' && strcmp(p->path, p->asked) == 0);
		return;
	}
	if (skip(rest, "cwd")) {
		rest = skip(rest, "cwd");
	} else {
		rest = skip(rest, "fd/");
		FUZZ_ASSERT(rest && *rest >= '0' && *rest <= '9');
		rest += strspn(rest, "0123456789");
	}
	FUZZ_ASSERT(*rest == '\0' || *rest == '/');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request r = { .tid = 77 };
	struct place p;
	char *path;

	if (size < 1)
		return 0;
	path = strndup((const char *)data + 1, size - 1);
	FUZZ_ASSERT(path);
	if (place_init_string(&p, &r, data[0] % 2 ? AT_FDCWD : data[0], path) == 0)
		check(&p);
	free(path);
	return 0;
}
