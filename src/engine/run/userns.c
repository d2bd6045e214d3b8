#include "engine/run/userns.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* "uid=N,gid=N" */
static int parse_keep(const char *text, struct run_keep *keep, struct err *err)
{
	autofree char *copy = strdup(text);
	char *rest = copy, *word;

	if (!copy)
		return err_oom(err);
	while ((word = strsep(&rest, ","))) {
		const char *uid = str_skip_prefix(word, "uid="), *gid = str_skip_prefix(word, "gid=");

		if (!(uid && num_parse_u32(uid, INT32_MAX, &keep->uid) >= 0) &&
		    !(gid && num_parse_u32(gid, INT32_MAX, &keep->gid) >= 0))
			return err_set(err, EINVAL, "'%s': uid=NUMBER and gid=NUMBER are known", word);
	}
	return 0;
}

static int keep_id(const char *options, struct idmap *ids, struct run_keep *keep, struct err *err)
{
	struct run_keep k = { true, geteuid(), getegid() };
	struct idmap map = *ids;
	int r = options ? parse_keep(options, &k, err) : 0;

	if (r < 0)
		return r;
	if (ids->mode == ID_MODE_ROOT) {
		err_set(err, EINVAL, "keep-id is for ordinary users: root's id is the same inside and outside anyway");
		return err_hint(err, "leave --userns out, and say --user");
	}
	if (ids->mode == ID_MODE_RANGE && (idmap_keep(ids->uids, ids->uids_len, k.uid, map.uids, &map.uids_len) < 0 ||
					   idmap_keep(ids->gids, ids->gids_len, k.gid, map.gids, &map.gids_len) < 0)) {
		err_set(err, ERANGE,
			"keep-id: the range of ids in /etc/subuid or /etc/subgid is too short to reach %u:%u", k.uid,
			k.gid);
		return err_hint(err, "a longer range, keep-id:uid=N,gid=N with smaller numbers, or CLOCHE_IDS=single");
	}
	*ids = map;
	*keep = k;
	return 0;
}

int run_userns_apply(const char *word, struct idmap *ids, struct run_keep *ret, struct err *err)
{
	const char *options = word ? str_skip_prefix(word, "keep-id") : NULL;
	int r;

	*ret = (struct run_keep){ 0 };
	if (options && (!*options || *options == ':')) {
		r = keep_id(*options ? options + 1 : NULL, ids, ret, err);
		return r < 0 ? err_wrap(err, "--userns '%s'", word) : 0;
	}
	if (word && strcmp(word, "nomap") == 0) {
		err_set(err, EOPNOTSUPP,
			"--userns nomap: a container without our own id could not open its image in our store");
		return err_hint(err, "leave --userns out; --user runs the program as another id");
	}
	if (word && (strcmp(word, "auto") == 0 || str_starts_with(word, "auto:"))) {
		err_set(err, EOPNOTSUPP,
			"--userns auto: the unpacked images have the owners of one map, not of one for "
			"each container");
		return err_hint(err, "leave --userns out: each container has a user namespace of its own anyway");
	}
	return 0;
}
