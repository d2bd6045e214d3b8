#include "engine/image/find.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "engine/image/pull.h"

#include <errno.h>
#include <string.h>

int pull_policy_parse(const char *word, enum pull_policy unsaid, enum pull_policy *ret, struct err *err)
{
	static const struct {
		const char *word;
		enum pull_policy policy;
	} words[] = { { "missing", PULL_MISSING }, { "never", PULL_NEVER },   { "always", PULL_ALWAYS },
		      { "true", PULL_ALWAYS },	   { "false", PULL_MISSING }, { "newer", PULL_ALWAYS } };

	*ret = unsaid;
	if (!word || !*word)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(words[i].word, word) != 0)
			continue;
		*ret = words[i].policy;
		return 0;
	}
	return err_set(err, EINVAL, "--pull takes missing, never or always, not '%s'", word);
}

/* Whether a registry may have it: not what was named here only, nor the beginning of an ID. */
static bool may_be_elsewhere(const char *text, struct reference *ref)
{
	if (reference_parse(text, ref, NULL) < 0 || str_starts_with(ref->name, "localhost/"))
		return false;
	return strlen(text) < 12 || strspn(text, "0123456789abcdef") != strlen(text);
}

bool image_may_be_elsewhere(const char *text)
{
	struct reference ref;

	return may_be_elsewhere(text, &ref);
}

static void tell_begin(const struct reference *ref, void (*on_notice)(const char *text, void *arg), void *arg)
{
	char name[REFERENCE_MAX + 256];
	autofree char *notice = NULL;

	reference_format(ref, name);
	notice = str_format("pulling %s", name);
	if (on_notice && notice)
		on_notice(notice, arg);
}

static int bring(struct engine *e, const char *text, const struct reference *ref,
		 void (*on_notice)(const char *text, void *arg), void *arg, struct err *err)
{
	const struct remote_options options = { 0 };
	struct pull_result result;

	tell_begin(ref, on_notice, arg);
	return engine_pull(e, &options, text, NULL, NULL, &result, err);
}

/* The store's own answer comes first: where there is no network, it is the one that helps. */
static int not_anywhere(const struct err *here, const struct err *there, const char *text, struct err *err)
{
	err_set(err, here->code, "%s, and it can't be pulled: %s", here->msg, there->msg);
	if (there->hint[0] && there->code != ENOENT)
		return err_hint(err, "%s", there->hint);
	return err_hint(err,
			"'cloche images' lists what is here; 'cloche load' and 'cloche import' bring images without a "
			"registry; is '%s' spelled right?",
			text);
}

int image_find(struct engine *e, const char *text, enum pull_policy policy,
	       void (*on_notice)(const char *text, void *arg), void *arg, struct store_image *ret, struct err *err)
{
	struct err here = { 0 }, there = { 0 };
	struct reference ref;
	int r = -ENOENT;

	if (policy == PULL_ALWAYS && may_be_elsewhere(text, &ref)) {
		r = bring(e, text, &ref, on_notice, arg, err);
		return r < 0 ? r : store_image_open(e->store, text, ret, err);
	}
	r = store_image_open(e->store, text, ret, &here);
	if (r >= 0)
		return r;
	if (r != -ENOENT || policy == PULL_NEVER || !may_be_elsewhere(text, &ref)) {
		err_set(err, here.code, "%s", here.msg);
		return err_hint(err, "%s",
				here.hint[0] ? here.hint
					     : "'cloche images' lists what is here; 'cloche pull' brings more");
	}
	r = bring(e, text, &ref, on_notice, arg, &there);
	if (r < 0)
		return not_anywhere(&here, &there, text, err);
	return store_image_open(e->store, text, ret, err);
}
