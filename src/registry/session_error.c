/*
 * What a registry says when it says no: a status and, if it keeps to the specification ("Error Codes"), a list of codes
 * and messages in JSON.
 */
#include "base/cleanup.h"
#include "oci/json.h"
#include "registry/session.h"

#include <errno.h>
#include <string.h>

/* "manifest unknown (MANIFEST_UNKNOWN)" of the first error; "" if the body is something else. */
static void registry_words(const struct http_response *r, char *dst, size_t size)
{
	autojson json_t *root = NULL;
	autofree char *code = NULL, *message = NULL;
	struct json_at top, list, first;

	dst[0] = '\0';
	if (r->body.len == 0 || json_parse(r->body.data, r->body.len, "errors", &root, NULL) < 0)
		return;
	top = json_top(root, "errors");
	if (json_check(&top, JSON_WANT_OBJECT, NULL) < 0)
		return;
	if (json_get(&top, "errors", JSON_WANT_ARRAY, &list, NULL) <= 0 || json_array_size(list.value) == 0) {
		if (json_get_string(&top, "details", &message, NULL) >= 0 && message)
			snprintf(dst, size, ": %.200s", message);
		return;
	}
	if (json_element(&list, 0, JSON_WANT_OBJECT, &first, NULL) < 0)
		return;
	json_get_string(&first, "code", &code, NULL);
	json_get_string(&first, "message", &message, NULL);
	if (code || message)
		snprintf(dst, size, ": %.200s%s%.60s%s", message ? message : "", message && code ? " (" : "",
			 code ? code : "", message && code ? ")" : "");
}

static int refused(const struct session *s, const struct session_request *q, const struct http_response *r,
		   const char *words, struct err *err)
{
	const char *host = strstr(s->base, "://") + 3;
	bool anonymous = !s->username && !s->identity_token && !s->bearer;

	if (r->status == 401 && anonymous)
		err_set(err, EACCES, "%s wants a login%s", host, words);
	else if (r->status == 401)
		err_set(err, EACCES, "%s doesn't accept the login of '%s'%s", host,
			s->username ? s->username : "the token", words);
	else
		err_set(err, EACCES, "%s doesn't allow to %s '%s'%s", host,
			q->push	    ? "write to"
			: q->remove ? "remove from"
				    : "read",
			q->repo ? q->repo : "/", words);
	return err_hint(err, "'cloche login %s'%s", host,
			anonymous ? "; some registries answer so for images that don't exist" : " as somebody who may");
}

int session_explain(const struct session *s, const struct session_request *q, const struct http_response *r,
		    struct err *err)
{
	const char *host = strstr(s->base, "://") + 3;
	char words[320];

	registry_words(r, words, sizeof(words));
	switch (r->status) {
	case 401:
	case 403:
		return refused(s, q, r, words, err);
	case 404:
		return err_set(err, ENOENT, "%s doesn't have it%s", host, words);
	case 405:
		return err_set(err, EOPNOTSUPP, "%s doesn't allow that%s", host, words);
	case 413:
		return err_set(err, E2BIG, "%s takes nothing that large%s", host, words);
	case 416:
		return err_set(err, EBADMSG, "%s has less bytes than were asked for%s", host, words);
	case 429:
		err_set(err, EBUSY, "%s has had too many requests from here%s", host, words);
		return err_hint(err, "wait, or log in: registries allow more to those that they know");
	default:
		break;
	}
	return err_set(err, EBADMSG, "%s answers %ld%s", host, r->status, words);
}
