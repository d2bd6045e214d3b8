#include "registry/certs.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/vec.h"
#include "sys/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

void certs_done(struct certs *c)
{
	free(c->ca);
	free(c->cert);
	free(c->key);
	*c = (struct certs){ 0 };
}

static int places_of(const char *host, struct strv *ret)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	int r = 0;

	if (config && *config)
		r = strv_addf(ret, "%s/containers/certs.d/%s", config, host);
	else if (home && *home)
		r = strv_addf(ret, "%s/.config/containers/certs.d/%s", home, host);
	if (r >= 0)
		r = strv_addf(ret, "/etc/containers/certs.d/%s", host);
	if (r >= 0)
		r = strv_addf(ret, "/etc/docker/certs.d/%s", host);
	return r;
}

static int read_text(int dir_fd, const char *name, char **ret, struct err *err)
{
	struct buf autobuf text = BUF_INIT(CERTS_MAX);
	int r = fs_read_file(dir_fd, name, CERTS_MAX, &text, err);

	if (r < 0)
		return r;
	*ret = buf_take(&text);
	return *ret ? 0 : err_oom(err);
}

static int take_authority(int dir_fd, const char *name, struct buf *all, struct err *err)
{
	autofree char *text = NULL;
	int r = read_text(dir_fd, name, &text, err);

	if (r < 0)
		return r;
	buf_addf(all, "%s\n", text);
	return all->error ? err_set(err, E2BIG, "more than %d bytes of authorities", CERTS_MAX) : 0;
}

/* NAME.cert without its NAME.key is an error, as it is for others who read these folders. */
static int take_pair(int dir_fd, const char *name, struct certs *c, struct err *err)
{
	autofree char *key = str_format("%.*s.key", (int)(strlen(name) - 5), name);
	int r;

	if (!key)
		return err_oom(err);
	if (c->cert)
		return err_set(err, EINVAL, "there is more than one client certificate");
	r = read_text(dir_fd, name, &c->cert, err);
	return r < 0 ? r : read_text(dir_fd, key, &c->key, err);
}

static int read_names(DIR *d, struct strv *ret)
{
	const struct dirent *e;
	int r = 0;

	while (r >= 0 && (e = readdir(d)))
		r = strv_add(ret, e->d_name);
	strv_sort(ret);
	return r;
}

static int read_folder(DIR *d, struct certs *ret, struct err *err)
{
	struct buf autobuf ca = BUF_INIT(CERTS_MAX);
	autostrv struct strv names = { 0 };
	int r = read_names(d, &names) < 0 ? err_oom(err) : 0;

	for (size_t i = 0; r >= 0 && i < names.len; i++) {
		const char *name = names.items[i];

		if (str_ends_with(name, ".crt"))
			r = take_authority(dirfd(d), name, &ca, err);
		else if (str_ends_with(name, ".cert"))
			r = take_pair(dirfd(d), name, ret, err);
	}
	if (r >= 0 && ca.len > 0)
		ret->ca = buf_take(&ca);
	return r;
}

int certs_find(const char *dir, const char *host, struct certs *ret, struct err *err)
{
	autostrv struct strv places = { 0 };
	int r = dir ? strv_add(&places, dir) : places_of(host, &places);

	*ret = (struct certs){ 0 };
	if (r < 0)
		return err_oom(err);
	for (size_t i = 0; i < places.len; i++) {
		autoclosedir DIR *d = opendir(places.items[i]);

		if (!d && (dir || (errno != ENOENT && errno != ENOTDIR && errno != EACCES)))
			return err_errno(err, errno, "read the certificates in '%s'", places.items[i]);
		if (!d)
			continue;
		r = read_folder(d, ret, err);
		if (r < 0)
			certs_done(ret);
		return r < 0 ? err_wrap(err, "certificates in '%s'", places.items[i]) : 0;
	}
	return 0;
}
