#include "engine/image/remote.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "registry/certs.h"
#include "registry/conf.h"

#include <errno.h>
#include <string.h>

void remote_done(struct remote *r)
{
	registry_close(r->registry);
	auth_login_done(&r->login);
	certs_done(&r->certs);
	*r = (struct remote){ 0 };
}

int remote_split_creds(const char *creds, struct auth_login *ret, struct err *err)
{
	const char *colon = strchr(creds, ':');

	if (!colon || colon == creds)
		return err_set(err, EINVAL, "--creds takes NAME:PASSWORD");
	ret->username = strndup(creds, (size_t)(colon - creds));
	ret->password = strdup(colon + 1);
	return ret->username && ret->password ? 0 : err_oom(err);
}

static int find_login(const struct remote_options *o, struct remote *r, struct err *err)
{
	int e;

	if (o->creds)
		return remote_split_creds(o->creds, &r->login, err);
	e = auth_find(o->authfile, r->host, r->repo[0] ? r->repo : NULL, &r->login, err);
	return e < 0 ? e : 0;
}

static int open_as(const struct remote_options *o, struct remote *r, bool skip_verify, bool plain_http, struct err *err)
{
	const struct registry_options options = {
		.host = r->host,
		.plain_http = plain_http,
		.skip_verify = skip_verify,
		.ca = r->certs.ca,
		.client_cert = r->certs.cert,
		.client_key = r->certs.key,
		.login = { r->login.username, r->login.password, r->login.identity_token, r->login.bearer },
		.on_progress = o->on_progress,
		.arg = o->arg,
	};

	return registry_open(&options, &r->registry, err);
}

/*
 * A registry that may be insecure is asked by TLS first, without verification, and in plain text if it doesn't know that:
 * docker's and podman's order. The first request tells.
 */
static int open_insecure(const struct remote_options *o, struct remote *r, struct err *err)
{
	struct err why = { 0 };
	int e = open_as(o, r, true, false, err);

	if (e < 0)
		return e;
	e = registry_check_login(r->registry, &why);
	if (e != -EBADMSG && e != -ECONNREFUSED && e != -ECONNRESET)
		return 0;
	registry_close(TAKE_PTR(r->registry));
	return open_as(o, r, false, true, err);
}

static int parse_verify(const struct remote_options *o, bool *ret_insecure, struct err *err)
{
	if (!o->tls_verify)
		return 0;
	if (strcmp(o->tls_verify, "false") == 0 || strcmp(o->tls_verify, "0") == 0)
		*ret_insecure = true;
	else if (strcmp(o->tls_verify, "true") == 0 || strcmp(o->tls_verify, "1") == 0)
		*ret_insecure = false;
	else
		return err_set(err, EINVAL, "--tls-verify takes true or false, not '%s'", o->tls_verify);
	return 0;
}

/* LOCATION ("!host/path": insecure) instead of PREFIX, in front of what is left of HOST/REPO. */
static int relocate(struct remote *r, const char *location, const char *prefix, bool *insecure, struct err *err)
{
	autofree char *full = str_format("%s%s%s", r->host, r->repo[0] ? "/" : "", r->repo), *moved = NULL;
	const char *rest = full ? str_skip_prefix(full, prefix) : NULL, *slash;

	if (location[0] == '!')
		*insecure = true, location++;
	/* "*.example.org" stands for the host alone. */
	if (!rest)
		rest = r->repo[0] && full ? full + strlen(r->host) : "";
	moved = str_format("%s%s", location, rest);
	if (!full || !moved)
		return err_oom(err);
	slash = strchr(moved, '/');
	if (strlen(moved) >= REFERENCE_MAX)
		return err_set(err, E2BIG, "the location '%.60s…' of registries.conf is too long", location);
	snprintf(r->host, sizeof(r->host), "%.*s", slash ? (int)(slash - moved) : (int)strlen(moved), moved);
	snprintf(r->repo, sizeof(r->repo), "%s", slash ? slash + 1 : "");
	return 0;
}

/* Sets host and repo to where PLACE is. */
static int choose_place(const struct registry_conf *c, unsigned place, struct remote *r, bool *insecure,
			struct err *err)
{
	const char *prefix = c->prefix ? c->prefix : c->location ? c->location : r->host;

	if (place < c->mirrors.len) {
		r->is_mirror = true;
		*insecure = false;
		return relocate(r, c->mirrors.items[place], prefix, insecure, err);
	}
	if (place > c->mirrors.len && place != REMOTE_ITSELF)
		return -ENXIO;
	return c->location ? relocate(r, c->location, prefix, insecure, err) : 0;
}

static int open_place(const struct remote_options *o, unsigned place, struct remote *r, struct err *err)
{
	struct registry_conf conf = { 0 };
	bool insecure;
	int e = registry_conf_find(r->host, r->repo, &conf, err);

	if (e < 0)
		return e;
	insecure = conf.insecure;
	e = conf.blocked ? err_set(err, EACCES, "%s is blocked by registries.conf", r->host)
			 : choose_place(&conf, place, r, &insecure, err);
	registry_conf_done(&conf);
	if (e >= 0)
		e = parse_verify(o, &insecure, err);
	if (e >= 0)
		e = find_login(o, r, err);
	if (e >= 0)
		e = certs_find(o->cert_dir, r->host, &r->certs, err);
	if (e >= 0)
		e = insecure ? open_insecure(o, r, err) : open_as(o, r, false, false, err);
	return e;
}

int remote_open_host(const struct remote_options *o, const char *host, const char *repo, struct remote *ret,
		     struct err *err)
{
	int e;

	snprintf(ret->host, sizeof(ret->host), "%s", host);
	snprintf(ret->repo, sizeof(ret->repo), "%s", repo);
	e = open_place(o, REMOTE_ITSELF, ret, err);
	if (e < 0)
		remote_done(ret);
	return e;
}

int remote_open(const struct remote_options *o, const char *text, unsigned place, struct remote *ret, struct err *err)
{
	const char *slash;
	int e;

	*ret = (struct remote){ 0 };
	e = reference_parse(text, &ret->ref, err);
	if (e < 0)
		return e;
	slash = strchr(ret->ref.name, '/');
	if (!slash)
		return err_set(err, EINVAL, "'%s' names no registry", text);
	snprintf(ret->host, sizeof(ret->host), "%.*s", (int)(slash - ret->ref.name), ret->ref.name);
	snprintf(ret->repo, sizeof(ret->repo), "%s", slash + 1);
	e = open_place(o, place, ret, err);
	if (e < 0) {
		bool was_mirror = ret->is_mirror;

		remote_done(ret);
		ret->is_mirror = was_mirror;
	}
	return e;
}

void remote_tag(const struct remote *r, char dst[static REMOTE_TAG_MAX])
{
	if (r->ref.has_digest)
		digest_format(&r->ref.digest, dst);
	else
		snprintf(dst, REMOTE_TAG_MAX, "%s", r->ref.tag);
}
