#include "engine/image/pulled.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "sys/fs.h"

#include <stdio.h>
#include <string.h>

enum { PULLED_MAX = 256 };

static void path_of(const char *name, char dst[static 96])
{
	char hex[DIGEST_HEX_MAX];
	struct digest d;

	digest_of(name, strlen(name), &d);
	digest_format_hex(&d, hex);
	snprintf(dst, 96, "cache/pulled/%s", hex);
}

int pulled_read(struct store *s, const char *name, struct pulled *ret)
{
	struct buf autobuf text = BUF_INIT(PULLED_MAX + 1);
	char path[96], *remote, *manifest, *architecture, *rest;

	path_of(name, path);
	if (fs_read_file(s->root_fd, path, PULLED_MAX, &text, NULL) < 0 || !text.data)
		return 0;
	rest = text.data;
	remote = strsep(&rest, " \n");
	manifest = strsep(&rest, " \n");
	architecture = strsep(&rest, " \n");
	if (!manifest || !architecture || strlen(architecture) >= sizeof(ret->architecture) ||
	    digest_parse(remote, &ret->remote, NULL) < 0 || digest_parse(manifest, &ret->manifest, NULL) < 0)
		return 0;
	snprintf(ret->architecture, sizeof(ret->architecture), "%s", architecture);
	return 1;
}

int pulled_write(struct store *s, const char *name, const struct pulled *p)
{
	char path[96], remote[DIGEST_STR_MAX], manifest[DIGEST_STR_MAX], line[PULLED_MAX];
	int len, r = fs_make_dirs(s->root_fd, "cache/pulled", 0700, NULL);

	if (r < 0)
		return r;
	path_of(name, path);
	digest_format(&p->remote, remote);
	digest_format(&p->manifest, manifest);
	len = snprintf(line, sizeof(line), "%s %s %s\n", remote, manifest, p->architecture);
	return fs_write_file(s->root_fd, path, line, (size_t)len, 0600, 0, NULL);
}
