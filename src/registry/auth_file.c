#include "registry/auth_file.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "oci/json.h"
#include "registry/credential_helper.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* docker's name for Docker Hub in these files. */
#define DOCKER_KEY "https://index.docker.io/v1/"

void auth_login_done(struct auth_login *l)
{
	if (l->password)
		explicit_bzero(l->password, strlen(l->password));
	free(l->username);
	free(l->password);
	free(l->identity_token);
	free(l->bearer);
	*l = (struct auth_login){ 0 };
}

/* --- Base64 --- */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *auth_encode_base64(const char *text)
{
	size_t len = strlen(text);
	char *out = malloc(len / 3 * 4 + 8), *p = out;

	for (size_t i = 0; out && i < len; i += 3) {
		unsigned a = (unsigned char)text[i], b = i + 1 < len ? (unsigned char)text[i + 1] : 0,
			 c = i + 2 < len ? (unsigned char)text[i + 2] : 0;

		*p++ = digits[a >> 2];
		*p++ = digits[(a & 3) << 4 | b >> 4];
		*p++ = i + 1 < len ? digits[(b & 15) << 2 | c >> 6] : '=';
		*p++ = i + 2 < len ? digits[c & 63] : '=';
	}
	if (out)
		*p = '\0';
	return out;
}

char *auth_decode_base64(const char *text)
{
	size_t len = strcspn(text, "="), n = 0;
	char *out = malloc(len * 3 / 4 + 4);
	unsigned bits = 0, have = 0;

	for (size_t i = 0; out && i < len; i++) {
		const char *at = strchr(digits, text[i]);

		if (!at) {
			free(out);
			return NULL;
		}
		bits = bits << 6 | (unsigned)(at - digits);
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (char)(bits >> have);
		}
	}
	if (!out)
		return NULL;
	out[n] = '\0';
	if (strlen(out) != n) {
		free(out);
		return NULL;
	}
	return out;
}

/* --- files --- */

/* The places in their order; with AUTHFILE, only that. */
static int list_places(const char *authfile, struct strv *ret)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR"), *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME"),
		   *docker = getenv("DOCKER_CONFIG"), *named = authfile ? authfile : getenv("REGISTRY_AUTH_FILE");
	int r = 0;

	if (named && *named)
		return strv_add(ret, named);
	if (runtime && *runtime)
		r = strv_addf(ret, "%s/containers/auth.json", runtime);
	if (r >= 0 && config && *config)
		r = strv_addf(ret, "%s/containers/auth.json", config);
	else if (r >= 0 && home && *home)
		r = strv_addf(ret, "%s/.config/containers/auth.json", home);
	if (r >= 0 && docker && *docker)
		r = strv_addf(ret, "%s/config.json", docker);
	else if (r >= 0 && home && *home)
		r = strv_addf(ret, "%s/.docker/config.json", home);
	return r;
}

/* *RET stays NULL if there is no such file. */
static int read_auth_file(const char *path, json_t **ret, struct err *err)
{
	struct buf autobuf text = BUF_INIT(AUTH_FILE_MAX);
	struct err why = { 0 };
	struct json_at top;
	int r = fs_read_file(AT_FDCWD, path, AUTH_FILE_MAX, &text, &why);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return err_set(err, why.code, "%s", why.msg);
	if (text.len == 0)
		return 0;
	r = json_parse(text.data, text.len, path, ret, err);
	if (r < 0)
		return r;
	top = json_top(*ret, path);
	return json_check(&top, JSON_WANT_OBJECT, err);
}

/* --- keys --- */

/* "https://host/v1/" -> "host": how the entries of old files are written. */
static void plain_key(const char *key, char dst[static 512])
{
	const char *rest = str_skip_prefix(key, "https://");
	size_t len;

	if (!rest)
		rest = str_skip_prefix(key, "http://");
	snprintf(dst, 512, "%.511s", rest ? rest : key);
	len = strlen(dst);
	if (rest && strcmp(dst + (len > 3 ? len - 3 : 0), "v1/") == 0)
		dst[len - 3] = '\0';
	for (len = strlen(dst); len > 0 && dst[len - 1] == '/'; len--)
		dst[len - 1] = '\0';
	if (strcmp(dst, "index.docker.io") == 0 || strcmp(dst, "registry-1.docker.io") == 0)
		snprintf(dst, 512, "docker.io");
}

/* How much of "HOST/REPO" KEY names: 0: nothing. */
static size_t match_key(const char *key, const char *host, const char *repo)
{
	autofree char *full = str_format("%s%s%s", host, repo ? "/" : "", repo ? repo : "");
	char plain[512];
	size_t len;

	plain_key(key, plain);
	len = strlen(plain);
	if (!full || len == 0 || strncmp(full, plain, len) != 0)
		return 0;
	return full[len] == '\0' || full[len] == '/' ? len : 0;
}

static int take_entry(const struct json_at *entry, struct auth_login *ret, struct err *err)
{
	autofree char *encoded = NULL, *plain = NULL;
	char *colon;
	int r = json_get_string(entry, "identitytoken", &ret->identity_token, err);

	if (r >= 0)
		r = json_get_string(entry, "registrytoken", &ret->bearer, err);
	if (r >= 0)
		r = json_get_string(entry, "username", &ret->username, err);
	if (r >= 0)
		r = json_get_string(entry, "password", &ret->password, err);
	if (r >= 0)
		r = json_get_string(entry, "auth", &encoded, err);
	if (r < 0 || !encoded || !*encoded)
		return r;
	plain = auth_decode_base64(encoded);
	colon = plain ? strchr(plain, ':') : NULL;
	if (!colon)
		return json_err(entry, err, EBADMSG, "\"auth\" is not the Base64 of NAME:PASSWORD");
	free(ret->username);
	free(ret->password);
	ret->username = strndup(plain, (size_t)(colon - plain));
	ret->password = strdup(colon + 1);
	explicit_bzero(plain, strlen(plain));
	return ret->username && ret->password ? 0 : err_oom(err);
}

static bool has_login(const struct auth_login *l)
{
	return (l->username && l->password) || l->identity_token || l->bearer;
}

static int find_entry(const struct json_at *top, const char *host, const char *repo, struct auth_login *ret,
		      struct err *err)
{
	struct json_at auths, best = { 0 };
	size_t best_len = 0;
	const char *key;
	json_t *value;
	int r = json_get(top, "auths", JSON_WANT_OBJECT, &auths, err);

	if (r <= 0)
		return r;
	json_object_foreach(auths.value, key, value)
	{
		size_t len = match_key(key, host, repo);

		if (len > best_len && json_is_object(value)) {
			best = (struct json_at){ value, &auths, key, 0 };
			best_len = len;
		}
	}
	if (best_len == 0)
		return 0;
	r = take_entry(&best, ret, err);
	return r < 0 ? r : has_login(ret);
}

/* The helper that this file names for HOST, owned; NULL: none. */
static int helper_for(const struct json_at *top, const char *host, char **ret, struct err *err)
{
	struct json_at helpers;
	int r = json_get(top, "credHelpers", JSON_WANT_OBJECT, &helpers, err);

	if (r > 0)
		r = json_get_string(&helpers, host, ret, err);
	if (r >= 0 && !*ret)
		r = json_get_string(top, "credsStore", ret, err);
	return r < 0 ? r : 0;
}

static int find_in_file(const char *path, const char *host, const char *repo, struct auth_login *ret, struct err *err)
{
	autojson json_t *root = NULL;
	autofree char *helper = NULL;
	struct json_at top;
	int r = read_auth_file(path, &root, err);

	if (r < 0 || !root)
		return r;
	top = json_top(root, path);
	r = helper_for(&top, host, &helper, err);
	if (r >= 0 && helper && *helper)
		r = credential_helper_get(helper, strcmp(host, "docker.io") == 0 ? DOCKER_KEY : host, ret, err);
	if (r != 0)
		return r;
	return find_entry(&top, host, repo, ret, err);
}

int auth_find(const char *authfile, const char *host, const char *repo, struct auth_login *ret, struct err *err)
{
	autostrv struct strv places = { 0 };
	int r = list_places(authfile, &places) < 0 ? err_oom(err) : 0;

	*ret = (struct auth_login){ 0 };
	for (size_t i = 0; r == 0 && i < places.len; i++) {
		r = find_in_file(places.items[i], host, repo, ret, err);
		if (r <= 0)
			auth_login_done(ret);
		if (r < 0)
			err_wrap(err, "login for %s", host);
	}
	return r;
}

/* --- writing --- */

static int write_auth_file(const char *path, const json_t *root, struct err *err)
{
	struct buf autobuf text = BUF_INIT(AUTH_FILE_MAX);
	autofree char *dir = strdup(path);
	char *slash = dir ? strrchr(dir, '/') : NULL;
	int r;

	if (!dir)
		return err_oom(err);
	if (slash && slash != dir) {
		*slash = '\0';
		r = fs_make_dirs(AT_FDCWD, dir, 0700, err);
		if (r < 0)
			return r;
	}
	r = json_write_pretty(root, &text, err);
	if (r >= 0)
		r = fs_write_file(AT_FDCWD, path, text.data, text.len, 0600, FS_SYNC, err);
	return r;
}

static json_t *entry_of(const struct auth_login *login)
{
	autofree char *plain =
		login->username && login->password ? str_format("%s:%s", login->username, login->password) : NULL;
	autofree char *encoded = plain ? auth_encode_base64(plain) : NULL;
	json_t *entry = json_object();

	json_add_string(entry, "auth", encoded);
	json_add_string(entry, "identitytoken", login->identity_token);
	json_add_string(entry, "registrytoken", login->bearer);
	return entry;
}

/* The place to write to, with what it has: owned, never NULL on success. */
static int open_for_change(const char *authfile, char **ret_path, json_t **ret_root, struct err *err)
{
	autostrv struct strv places = { 0 };
	int r = list_places(authfile, &places) < 0 ? err_oom(err) : 0;

	if (r >= 0 && places.len == 0)
		return err_set(err, ENOENT, "there is no place for logins: $HOME is not set");
	if (r >= 0)
		r = read_auth_file(places.items[0], ret_root, err);
	if (r < 0)
		return r;
	if (!*ret_root)
		*ret_root = json_object();
	*ret_path = strdup(places.items[0]);
	return *ret_path && *ret_root ? 0 : err_oom(err);
}

int auth_store(const char *authfile, const char *host, const struct auth_login *login, struct err *err)
{
	autofree char *path = NULL, *helper = NULL;
	autojson json_t *root = NULL;
	const char *key = strcmp(host, "docker.io") == 0 ? DOCKER_KEY : host;
	struct json_at top;
	json_t *auths;
	int r = open_for_change(authfile, &path, &root, err);

	if (r < 0)
		return r;
	top = json_top(root, path);
	r = helper_for(&top, host, &helper, err);
	if (r >= 0 && helper && *helper)
		return credential_helper_store(helper, key, login, err);
	if (r < 0)
		return r;
	auths = json_object_get(root, "auths");
	if (!json_is_object(auths)) {
		auths = json_object();
		if (json_object_set_new(root, "auths", auths) < 0)
			return err_oom(err);
	}
	/* The entry replaces whatever form of the same name there was. */
	if (json_object_set_new(auths, strcmp(host, "docker.io") == 0 ? "docker.io" : host, entry_of(login)) < 0)
		return err_oom(err);
	return write_auth_file(path, root, err);
}

static bool forget_entries(json_t *auths, const char *host)
{
	const char *key;
	json_t *value;
	void *next;
	bool any = false;

	json_object_foreach_safe(auths, next, key, value)
	{
		char plain[512];

		plain_key(key, plain);
		if (!host || strcmp(plain, host) == 0) {
			json_object_del(auths, key);
			any = true;
		}
	}
	return any;
}

int auth_forget(const char *authfile, const char *host, struct err *err)
{
	autofree char *path = NULL, *helper = NULL;
	autojson json_t *root = NULL;
	struct json_at top;
	bool any;
	int r = open_for_change(authfile, &path, &root, err);

	if (r < 0)
		return r;
	top = json_top(root, path);
	if (host)
		r = helper_for(&top, host, &helper, err);
	if (r >= 0 && helper && *helper)
		return credential_helper_erase(helper, strcmp(host, "docker.io") == 0 ? DOCKER_KEY : host, err);
	if (r < 0)
		return r;
	any = forget_entries(json_object_get(root, "auths"), host);
	r = any ? write_auth_file(path, root, err) : 0;
	return r < 0 ? r : any;
}
