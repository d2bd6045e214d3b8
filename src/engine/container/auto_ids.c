#include "engine/container/auto_ids.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"
#include "engine/container/record.h"
#include "store/containers.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SUBIDS_MAX = 1 << 20, RECORD_MAX = 16 << 20 };

/* Ids of the kind that is looked at: 0 users, 1 groups. */
struct ranges {
	struct id_range *items;
	size_t len, cap;
};

static int add_range(struct id_range *ranges, size_t *len, struct id_range add)
{
	if (*len == IDMAP_RANGES_MAX - 2)
		return -E2BIG;
	ranges[(*len)++] = add;
	return 0;
}

/* --- words --- */

/* "INSIDE:OUTSIDE:COUNT" */
static int parse_range(const char *text, struct id_range *ret)
{
	char copy[64], *rest = copy, *word;
	uint32_t *const to[] = { &ret->inside, &ret->outside, &ret->count };
	size_t n = 0;

	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	snprintf(copy, sizeof(copy), "%s", text);
	while ((word = strsep(&rest, ":")))
		if (n == ARRAY_SIZE(to) || num_parse_u32(word, UINT32_MAX - 1, to[n++]) < 0)
			return -EINVAL;
	return n == ARRAY_SIZE(to) && ret->count > 0 && ret->inside < IDMAP_HIDDEN &&
			       ret->count <= IDMAP_HIDDEN - ret->inside && ret->outside <= UINT32_MAX - ret->count
		       ? 0
		       : -EINVAL;
}

static bool overlaps(uint32_t a, uint32_t a_count, uint32_t b, uint32_t b_count)
{
	return (uint64_t)a < (uint64_t)b + b_count && (uint64_t)b < (uint64_t)a + a_count;
}

static int add_wanted(const char *word, const char *text, struct id_range *ranges, size_t *len, struct err *err)
{
	struct id_range range;

	if (parse_range(text, &range) < 0)
		return err_set(err, EINVAL, "'%s': it is INSIDE:OUTSIDE:COUNT, three numbers", word);
	for (size_t i = 0; i < *len; i++)
		if (overlaps(ranges[i].inside, ranges[i].count, range.inside, range.count) ||
		    overlaps(ranges[i].outside, ranges[i].count, range.outside, range.count))
			return err_set(err, EINVAL, "'%s': an id of it is mapped twice", word);
	return add_range(ranges, len, range) < 0 ? err_set(err, E2BIG, "'%s': too many mappings", word) : 0;
}

static int parse_word(const char *word, struct auto_ids *ids, struct err *err)
{
	const char *value;

	if ((value = str_skip_prefix(word, "uidmapping=")))
		return add_wanted(word, value, ids->wanted.uids, &ids->wanted.uids_len, err);
	if ((value = str_skip_prefix(word, "gidmapping=")))
		return add_wanted(word, value, ids->wanted.gids, &ids->wanted.gids_len, err);
	value = str_skip_prefix(word, "size=");
	if (!value)
		return err_set(err, EINVAL, "'%s': size=, uidmapping= and gidmapping= are known", word);
	if (num_parse_u32(value, IDMAP_HIDDEN, &ids->size) < 0 || !ids->size)
		return err_set(err, EINVAL, "'%s': not a number of ids", word);
	return 0;
}

int auto_ids_parse(const char *word, struct auto_ids *ret, struct err *err)
{
	autofree char *copy = strdup(*word ? word + 1 : "");
	struct auto_ids ids = { 0 };
	char *rest = copy, *part;

	if (!copy)
		return err_oom(err);
	while (*copy && (part = strsep(&rest, ","))) {
		int r = parse_word(part, &ids, err);

		if (r < 0)
			return r;
	}
	*ret = ids;
	return 0;
}

static int format_map(const struct idmap *map, char **ret, struct err *err)
{
	autobuf struct buf text = BUF_INIT(4096);

	buf_addf(&text, "map:");
	for (size_t i = 0; i < map->uids_len; i++)
		buf_addf(&text, "%su%u:%u:%u", i ? "," : "", map->uids[i].inside, map->uids[i].outside,
			 map->uids[i].count);
	for (size_t i = 0; i < map->gids_len; i++)
		buf_addf(&text, ",g%u:%u:%u", map->gids[i].inside, map->gids[i].outside, map->gids[i].count);
	*ret = text.error ? NULL : buf_take(&text);
	return *ret ? 0 : err_oom(err);
}

static int read_part(const char *part, struct idmap *map)
{
	struct id_range range;

	if ((*part != 'u' && *part != 'g') || parse_range(part + 1, &range) < 0)
		return -EBADMSG;
	return *part == 'u' ? add_range(map->uids, &map->uids_len, range) : add_range(map->gids, &map->gids_len, range);
}

int auto_ids_read(const char *word, struct idmap *ret, struct err *err)
{
	const char *text = str_skip_prefix(word, "map:");
	autofree char *copy = text ? strdup(text) : NULL;
	struct idmap map = { .mode = ID_MODE_RANGE };
	char *rest = copy, *part;
	int r = text ? 0 : -EBADMSG;

	if (text && !copy)
		return err_oom(err);
	while (r >= 0 && (part = strsep(&rest, ",")))
		r = read_part(part, &map);
	if (r < 0 || !map.uids_len || !map.gids_len)
		return err_set(err, EBADMSG, "its record's map of ids '%s' can't be read", word);
	*ret = map;
	return 0;
}

/* --- what there is --- */

static int read_subids(const char *file, struct id_range *ret, size_t *ret_len, struct err *err)
{
	autobuf struct buf text = BUF_INIT(SUBIDS_MAX);
	uint32_t inside = 0;
	int r = fs_read_file(AT_FDCWD, file, SUBIDS_MAX, &text, err);

	if (r < 0 && r != -ENOENT)
		return r;
	err_clear(err);
	/* No user has the last number: only the name counts. */
	*ret_len =
		r < 0 ? 0 : idmap_parse_subids(buf_str(&text), "containers", (uid_t)-1, &inside, ret, IDMAP_RANGES_MAX);
	if (*ret_len)
		return 0;
	err_set(err, EPERM, "%s gives no ids to 'containers'", file);
	return err_hint(
		err,
		"as podman does, add the line 'containers:2147483648:1073741824' to /etc/subuid and to /etc/subgid");
}

/* What may be given away; IDS is what the machine offers. */
static int find_offer(const struct idmap *ids, struct idmap *ret, struct err *err)
{
	int r;

	*ret = (struct idmap){ .mode = ID_MODE_RANGE };
	if (ids->mode == ID_MODE_ROOT) {
		r = read_subids("/etc/subuid", ret->uids, &ret->uids_len, err);
		return r < 0 ? r : read_subids("/etc/subgid", ret->gids, &ret->gids_len, err);
	}
	if (ids->mode == ID_MODE_SINGLE) {
		err_set(err, EPERM, "there is no range of ids for user %u to take them from", (unsigned)geteuid());
		return err_hint(err,
				"leave --userns out: each container has a user namespace of its own anyway; or install "
				"newuidmap (Debian: uidmap), and as root: usermod --add-subuids 100000-165535 "
				"--add-subgids 100000-165535 NAME");
	}
	ret->uids_len = ids->uids_len - 1;
	ret->gids_len = ids->gids_len - 1;
	memcpy(ret->uids, ids->uids + 1, ret->uids_len * sizeof(ret->uids[0]));
	memcpy(ret->gids, ids->gids + 1, ret->gids_len * sizeof(ret->gids[0]));
	return 0;
}

/* As podman means them, an ordinary user's numbers are those of the usual map: 0 is the user, 1 the first of the range. */
static int translate(const struct id_range *map, size_t map_len, struct id_range *wanted, size_t len, struct err *err)
{
	for (size_t i = 0; i < len; i++) {
		uint32_t first = wanted[i].outside, last = first + wanted[i].count - 1;
		int64_t begin = idmap_outside(map, map_len, first), end = idmap_outside(map, map_len, last);

		if (begin < 0 || end < 0 || end - begin != last - first) {
			err_set(err, ERANGE, "the ids %u to %u are not in the usual map", first, last);
			return err_hint(err,
					"0 is yourself there, 1 and up are your range in /etc/subuid and /etc/subgid");
		}
		wanted[i].outside = (uint32_t)begin;
	}
	return 0;
}

static int translate_wanted(const struct idmap *ids, struct idmap *wanted, struct err *err)
{
	int r;

	if (ids->mode != ID_MODE_RANGE)
		return 0;
	r = translate(ids->uids, ids->uids_len, wanted->uids, wanted->uids_len, err);
	return r < 0 ? r : translate(ids->gids, ids->gids_len, wanted->gids, wanted->gids_len, err);
}

/* --- what is taken --- */

static int push(struct ranges *to, struct id_range range)
{
	if (to->len == to->cap) {
		size_t cap = to->cap ? to->cap * 2 : 16;
		struct id_range *items = reallocarray(to->items, cap, sizeof(*items));

		if (!items)
			return -ENOMEM;
		to->items = items;
		to->cap = cap;
	}
	to->items[to->len++] = range;
	return 0;
}

static int add_map(const struct idmap *map, struct ranges used[static 2])
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < map->uids_len; i++)
		r = push(&used[0], map->uids[i]);
	for (size_t i = 0; r >= 0 && i < map->gids_len; i++)
		r = push(&used[1], map->gids[i]);
	return r;
}

/* Only a record that has such a word is worth parsing. */
static int add_container(struct store *s, const char *id, struct ranges used[static 2], struct err *err)
{
	autobuf struct buf text = BUF_INIT(RECORD_MAX);
	autorecord struct container_record record = { 0 };
	autoclose int dir = container_open(s, id, NULL);
	struct idmap map;
	int r = 0;

	if (dir < 0 || fs_read_file(dir, "state.json", RECORD_MAX, &text, NULL) < 0 ||
	    !strstr(buf_str(&text), "\"map:u"))
		return 0;
	if (container_record_read_at(dir, id, &record, NULL) < 0 || !record.userns ||
	    !str_starts_with(record.userns, "map:"))
		return 0;
	r = auto_ids_read(record.userns, &map, err);
	if (r >= 0 && add_map(&map, used) < 0)
		r = err_oom(err);
	return r;
}

/* Of all containers; WANTED is what the new one has already. */
static int find_used(struct store *s, const struct idmap *wanted, struct ranges used[static 2], struct err *err)
{
	autostrv struct strv all = { 0 };
	int r = containers_list(s, &all, err);

	used[0].len = used[1].len = 0;
	if (r >= 0 && add_map(wanted, used) < 0)
		r = err_oom(err);
	for (size_t i = 0; r >= 0 && i < all.len; i++)
		r = add_container(s, all.items[i], used, err);
	return r;
}

/* --- the choice --- */

/* The end of one that stands in the way of COUNT ids from START on; 0: none does. */
static uint64_t find_obstacle(const struct ranges *used, uint32_t start, uint32_t count)
{
	for (size_t i = 0; i < used->len; i++)
		if (overlaps(used->items[i].outside, used->items[i].count, start, count))
			return (uint64_t)used->items[i].outside + used->items[i].count;
	return 0;
}

/* Locks the numbers; false if somebody is just choosing one of them. */
static bool lock_ids(int fd, int kind, uint32_t start, uint32_t count)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = ((off_t)kind << 32) + start, .l_len = count
	};

	return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

/* The first COUNT ids in a row of OFFER that nobody has and nobody is taking; locked. */
static int take(int fd, int kind, const struct id_range *offer, size_t len, struct ranges *used, uint32_t count,
		uint32_t *ret)
{
	for (size_t i = 0; i < len; i++) {
		uint64_t at = offer[i].outside, end = at + offer[i].count;

		while (at + count <= end) {
			uint64_t obstacle = find_obstacle(used, (uint32_t)at, count);

			if (!obstacle && lock_ids(fd, kind, (uint32_t)at, count)) {
				*ret = (uint32_t)at;
				return 0;
			}
			at = obstacle ? obstacle : at + count;
		}
	}
	return -ENOSPC;
}

/* Fills in RET from 0 to SIZE: where nothing else is wanted, ids from START on. */
static int fill(const struct id_range *wanted, size_t wanted_len, uint32_t size, uint32_t start, struct id_range *ret,
		size_t *ret_len)
{
	uint32_t inside = 0;
	int r = 0;

	*ret_len = 0;
	for (size_t i = 0; r >= 0 && i < wanted_len; i++)
		r = add_range(ret, ret_len, wanted[i]);
	while (r >= 0 && inside < size) {
		uint32_t stop = size, skip = 0;

		for (size_t i = 0; i < wanted_len; i++) {
			if (inside >= wanted[i].inside && inside - wanted[i].inside < wanted[i].count)
				skip = wanted[i].inside + wanted[i].count;
			else if (wanted[i].inside > inside && wanted[i].inside < stop)
				stop = wanted[i].inside;
		}
		if (!skip) {
			r = add_range(ret, ret_len, (struct id_range){ inside, start, stop - inside });
			start += stop - inside;
		}
		inside = skip ? skip : stop;
	}
	return r;
}

struct choice {
	struct auto_ids want;
	struct idmap offer, map;
	uint32_t start[2];
	struct ranges used[2];
};

static void choice_done(struct choice *c)
{
	free(c->used[0].items);
	free(c->used[1].items);
}

static int no_room(const struct choice *c, int kind, struct err *err)
{
	uint64_t all = 0;

	for (size_t i = 0; i < (kind ? c->offer.gids_len : c->offer.uids_len); i++)
		all += (kind ? c->offer.gids : c->offer.uids)[i].count;
	err_set(err, ENOSPC, "no %u ids in a row are free of the %llu in %s", c->want.size, (unsigned long long)all,
		kind ? "/etc/subgid" : "/etc/subuid");
	return err_hint(err,
			"containers keep theirs until they are removed: remove one that was made with --userns auto, "
			"say auto:size=N for fewer, or lengthen the range");
}

static int take_both(struct choice *c, int fd, struct err *err)
{
	uint32_t size = c->want.size;

	if (take(fd, 0, c->offer.uids, c->offer.uids_len, &c->used[0], size, &c->start[0]) < 0)
		return no_room(c, 0, err);
	if (take(fd, 1, c->offer.gids, c->offer.gids_len, &c->used[1], size, &c->start[1]) < 0)
		return no_room(c, 1, err);
	if (fill(c->want.wanted.uids, c->want.wanted.uids_len, size, c->start[0], c->map.uids, &c->map.uids_len) < 0 ||
	    fill(c->want.wanted.gids, c->want.wanted.gids_len, size, c->start[1], c->map.gids, &c->map.gids_len) < 0)
		return err_set(err, E2BIG, "too many mappings");
	return 0;
}

/* Who had the lock before us may have written its record since we looked. */
static bool is_still_free(const struct choice *c)
{
	return !find_obstacle(&c->used[0], c->start[0], c->want.size) &&
	       !find_obstacle(&c->used[1], c->start[1], c->want.size);
}

int auto_ids_choose(struct store *s, const struct auto_ids *want, struct idmap *ids, char **ret_word, struct err *err)
{
	CLEANUP(choice_done)
	struct choice c = { .want = *want, .map = { .mode = ID_MODE_RANGE } };
	int r = find_offer(ids, &c.offer, err);

	if (r >= 0)
		r = translate_wanted(ids, &c.want.wanted, err);
	if (r >= 0)
		r = find_used(s, &c.want.wanted, c.used, err);
	while (r >= 0) {
		autoclose int fd = openat(s->root_fd, "lock/ids", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

		r = fd < 0 ? err_errno(err, errno, "open '%s/lock/ids'", s->root) : take_both(&c, fd, err);
		if (r >= 0)
			r = find_used(s, &c.want.wanted, c.used, err);
		if (r < 0 || !is_still_free(&c))
			continue;
		r = format_map(&c.map, ret_word, err);
		if (r < 0)
			return r;
		*ids = c.map;
		r = idmap_hide(ids, geteuid(), getegid());
		return r < 0 ? err_set(err, E2BIG, "too many mappings") : TAKE_FD(fd);
	}
	return r;
}
