#include "engine/container/userns.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"
#include "engine/container/auto_ids.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* "uid=N,gid=N" */
static int parse_keep(const char *text, struct container_keep *keep, struct err *err)
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

static int keep_id(const char *options, struct idmap *ids, struct container_keep *keep, struct err *err)
{
	struct container_keep k = { true, geteuid(), getegid() };
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

int container_userns_apply(const char *word, struct idmap *ids, struct container_keep *ret, struct err *err)
{
	const char *options = word ? str_skip_prefix(word, "keep-id") : NULL;
	int r;

	*ret = (struct container_keep){ 0 };
	if (options && (!*options || *options == ':')) {
		r = keep_id(*options ? options + 1 : NULL, ids, ret, err);
		return r < 0 ? err_wrap(err, "--userns '%s'", word) : 0;
	}
	if (word && strcmp(word, "nomap") == 0) {
		err_set(err, EOPNOTSUPP,
			"--userns nomap: a container without our own id could not open its image in our store");
		return err_hint(err, "leave --userns out; --user runs the program as another id");
	}
	return 0;
}

/* Each map has layers of its own. FNV-1a, since only what this user chooses is told apart. */
static uint64_t hash_map(const struct idmap *ids)
{
	char text[2 * IDMAP_TEXT_MAX];
	size_t len = idmap_text(ids->uids, ids->uids_len, text);
	uint64_t h = 0xcbf29ce484222325;

	text[len++] = '/';
	len += idmap_text(ids->gids, ids->gids_len, text + len);
	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)text[i]) * 0x100000001b3;
	return h;
}

/* Where one id is mapped the files are the same for all: the emulation makes the difference. */
void container_userns_use(struct store *s, const struct idmap *ids, const struct container_keep *keep)
{
	s->single = ids->mode == ID_MODE_SINGLE;
	s->variant[0] = '\0';
	if (keep->set && ids->mode == ID_MODE_RANGE)
		snprintf(s->variant, sizeof(s->variant), ".keep-%u-%u", keep->uid, keep->gid);
	if (keep->is_auto)
		snprintf(s->variant, sizeof(s->variant), ".keep-%016llx", (unsigned long long)hash_map(ids));
}

static int match_mode(const char *wanted, struct idmap *ids, struct err *err)
{
	const char *have = id_mode_name(ids->mode);

	if (!wanted || strcmp(wanted, have) == 0)
		return 0;
	if (strcmp(wanted, id_mode_name(ID_MODE_SINGLE)) == 0 && ids->mode == ID_MODE_RANGE) {
		idmap_single(ids, geteuid(), getegid());
		return 0;
	}
	err_set(err, EPERM, "it was made with a range of ids ('%s'), and now there is only '%s'", wanted, have);
	return err_hint(err,
			"its files belong to ids of that range: give it back in /etc/subuid and /etc/subgid, and unset "
			"CLOCHE_IDS");
}

/* The ids that were chosen for it; our own may be another than that of then. */
static int use_recorded_map(const char *word, struct idmap *ids, struct container_keep *ret, struct err *err)
{
	int r;

	if (ids->mode == ID_MODE_SINGLE) {
		err_set(err, EPERM, "it was made with ids of a range, and now there is none");
		return err_hint(err, "give it back in /etc/subuid and /etc/subgid, and unset CLOCHE_IDS");
	}
	r = auto_ids_read(word, ids, err);
	*ret = (struct container_keep){ .is_auto = true };
	return r < 0 ? r : idmap_hide(ids, geteuid(), getegid());
}

int container_userns_of(const struct container_record *record, struct store *s, struct idmap *ids,
			struct container_keep *ret, struct err *err)
{
	bool is_auto = record->userns && str_starts_with(record->userns, "map:");
	int r = is_auto ? use_recorded_map(record->userns, ids, ret, err) : match_mode(record->ids, ids, err);

	if (r >= 0 && !is_auto)
		r = container_userns_apply(record->userns, ids, ret, err);
	if (r >= 0)
		container_userns_use(s, ids, ret);
	return r;
}

int container_userns_enter(struct engine *e, const char *id, struct err *err)
{
	autorecord struct container_record record = { 0 };
	struct container_keep keep;
	int r = container_record_read(e->store, id, &record, err);

	return r < 0 ? r : container_userns_of(&record, e->store, &e->ids, &keep, err);
}
