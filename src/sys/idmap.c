#include "sys/idmap.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { SUBID_FILE_MAX = 1 << 20, FIELD_MAX = 256 };

const char *id_mode_name(enum id_mode mode)
{
	static const char *const names[] = {
		[ID_MODE_ROOT] = "root",
		[ID_MODE_RANGE] = "range",
		[ID_MODE_SINGLE] = "single",
	};

	return names[mode];
}

void idmap_single(struct idmap *ret, uid_t uid, gid_t gid)
{
	memset(ret, 0, sizeof(*ret));
	ret->mode = ID_MODE_SINGLE;
	ret->uids[0] = (struct id_range){ 0, uid, 1 };
	ret->gids[0] = (struct id_range){ 0, gid, 1 };
	ret->uids_len = ret->gids_len = 1;
}

static int hide(struct id_range *ranges, size_t *len, uint32_t own)
{
	if (idmap_inside(ranges, *len, own) >= 0)
		return 0;
	if (*len == IDMAP_RANGES_MAX)
		return -ERANGE;
	ranges[(*len)++] = (struct id_range){ IDMAP_HIDDEN, own, 1 };
	return 0;
}

int idmap_hide(struct idmap *map, uid_t uid, gid_t gid)
{
	int r = hide(map->uids, &map->uids_len, uid);

	return r < 0 ? r : hide(map->gids, &map->gids_len, gid);
}

int64_t idmap_outside(const struct id_range *ranges, size_t len, uint32_t inside)
{
	for (size_t i = 0; i < len; i++)
		if (inside >= ranges[i].inside && inside - ranges[i].inside < ranges[i].count)
			return (int64_t)ranges[i].outside + (inside - ranges[i].inside);
	return -1;
}

int64_t idmap_inside(const struct id_range *ranges, size_t len, uint32_t outside)
{
	for (size_t i = 0; i < len; i++)
		if (outside >= ranges[i].outside && outside - ranges[i].outside < ranges[i].count)
			return (int64_t)ranges[i].inside + (outside - ranges[i].outside);
	return -1;
}

int idmap_keep(const struct id_range *ranges, size_t len, uint32_t inside, struct id_range *ret, size_t *ret_len)
{
	struct id_range made[IDMAP_RANGES_MAX];
	uint32_t next = 0;
	size_t n = 0;

	for (size_t i = 1; i < len; i++) {
		uint32_t outside = ranges[i].outside, left = ranges[i].count;

		while (left > 0) {
			uint32_t count = next < inside && left > inside - next ? inside - next : left;

			if (n + 2 > IDMAP_RANGES_MAX)
				return -ERANGE;
			made[n++] = (struct id_range){ next, outside, count };
			next += count;
			outside += count;
			left -= count;
			if (next == inside)
				made[n++] = (struct id_range){ next++, ranges[0].outside, 1 };
		}
	}
	if (next < inside)
		return -ERANGE;
	memcpy(ret, made, n * sizeof(made[0]));
	*ret_len = n;
	return 0;
}

size_t idmap_text(const struct id_range *ranges, size_t len, char *dst)
{
	size_t at = 0;

	for (size_t i = 0; i < len; i++)
		at += (size_t)snprintf(dst + at, IDMAP_TEXT_MAX - at, "%u %u %u\n", ranges[i].inside, ranges[i].outside,
				       ranges[i].count);
	return at;
}

/* Takes the text up to DELIMITER off the front of *LINE; false if it is too long or there is no delimiter. */
static bool take_field(const char **line, const char *end, char delimiter, char dst[static FIELD_MAX])
{
	const char *stop = memchr(*line, delimiter, (size_t)(end - *line));
	size_t len;

	if (!stop)
		return false;
	len = (size_t)(stop - *line);
	if (len >= FIELD_MAX)
		return false;
	memcpy(dst, *line, len);
	dst[len] = '\0';
	*line = stop + 1;
	return true;
}

/* One line "name:start:count" of subuid(5), without its newline. */
static bool parse_subid_line(const char *line, const char *end, const char *name, uid_t uid, struct id_range *ret)
{
	char owner[FIELD_MAX], start[FIELD_MAX], count[FIELD_MAX];
	size_t len;
	uint32_t owner_uid;

	if (!take_field(&line, end, ':', owner) || !take_field(&line, end, ':', start))
		return false;
	len = (size_t)(end - line);
	if (len >= FIELD_MAX)
		return false;
	memcpy(count, line, len);
	count[len] = '\0';
	if (!(name && strcmp(owner, name) == 0) &&
	    (num_parse_u32(owner, UINT32_MAX, &owner_uid) < 0 || owner_uid != uid))
		return false;
	if (num_parse_u32(start, UINT32_MAX, &ret->outside) < 0 || num_parse_u32(count, UINT32_MAX, &ret->count) < 0)
		return false;
	return ret->count > 0 && ret->outside <= UINT32_MAX - ret->count;
}

size_t idmap_parse_subids(const char *text, const char *name, uid_t uid, uint32_t *inside, struct id_range *ret,
			  size_t max)
{
	size_t found = 0;

	while (*text && found < max) {
		const char *end = strchrnul(text, '\n');
		struct id_range r;

		if (parse_subid_line(text, end, name, uid, &r) && r.count <= UINT32_MAX - *inside) {
			r.inside = *inside;
			*inside += r.count;
			ret[found++] = r;
		}
		text = *end ? end + 1 : end;
	}
	return found;
}

/*
 * The name of UID in /etc/passwd, else what $USER says: newuidmap makes sure that it is true. No
 * getpwuid: a static program would load plug-ins for it.
 */
static char *own_name(uid_t uid)
{
	autobuf struct buf text = BUF_INIT(8 << 20);
	const char *user = getenv("USER"), *at;

	if (fs_read_file(AT_FDCWD, "/etc/passwd", text.max, &text, NULL) < 0)
		return user ? strdup(user) : NULL;
	for (at = buf_str(&text); *at;) {
		const char *end = strchrnul(at, '\n'), *line = at;
		char name[FIELD_MAX], field[FIELD_MAX];
		uint32_t id;

		if (take_field(&line, end, ':', name) && take_field(&line, end, ':', field) &&
		    take_field(&line, end, ':', field) && num_parse_u32(field, UINT32_MAX, &id) == 0 && id == uid)
			return strdup(name);
		at = *end ? end + 1 : end;
	}
	return user ? strdup(user) : NULL;
}

static bool have_map_programs(void)
{
	return access("/usr/bin/newuidmap", X_OK) == 0 && access("/usr/bin/newgidmap", X_OK) == 0 &&
	       prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0;
}

/* 0 -> ID, 1.. -> what FILE gives; the number of ranges, 0 if FILE gives none. */
static size_t read_subids(const char *file, const char *name, uid_t uid, uint32_t id, struct id_range *ret)
{
	autobuf struct buf text = BUF_INIT(SUBID_FILE_MAX);
	uint32_t inside = 1;
	size_t n;

	if (fs_read_file(AT_FDCWD, file, text.max, &text, NULL) < 0)
		return 0;
	ret[0] = (struct id_range){ 0, id, 1 };
	n = idmap_parse_subids(buf_str(&text), name, uid, &inside, ret + 1, IDMAP_RANGES_MAX - 1);
	return n > 0 ? n + 1 : 0;
}

/* True if there is a range, which is then in RET. */
static bool detect_range(struct idmap *ret)
{
	autofree char *name = NULL;
	uid_t uid = geteuid();

	if (access("/etc/subuid", R_OK) < 0 || !have_map_programs())
		return false;
	name = own_name(uid);
	memset(ret, 0, sizeof(*ret));
	ret->mode = ID_MODE_RANGE;
	ret->uids_len = read_subids("/etc/subuid", name, uid, uid, ret->uids);
	if (ret->uids_len > 0)
		ret->gids_len = read_subids("/etc/subgid", name, uid, getegid(), ret->gids);
	return ret->uids_len > 0 && ret->gids_len > 0;
}

/* The next number of *AT, blanks before it skipped; false at the end or at anything else. */
static bool take_number(const char **at, uint32_t *ret)
{
	char digits[16];
	size_t len;

	*at += strspn(*at, " \n");
	len = strspn(*at, "0123456789");
	if (len == 0 || len >= sizeof(digits))
		return false;
	memcpy(digits, *at, len);
	digits[len] = '\0';
	*at += len;
	return num_parse_u32(digits, UINT32_MAX, ret) == 0;
}

size_t idmap_read_proc(const char *file, struct id_range ret[static IDMAP_RANGES_MAX])
{
	autobuf struct buf text = BUF_INIT(65536);
	size_t n = 0;
	const char *at;

	if (fs_read_file(AT_FDCWD, file, text.max, &text, NULL) < 0)
		return 0;
	at = buf_str(&text);
	while (n < IDMAP_RANGES_MAX && take_number(&at, &ret[n].inside) && take_number(&at, &ret[n].outside) &&
	       take_number(&at, &ret[n].count))
		n++;
	return n;
}

/* What FILE (/proc/self/uid_map) has, as an identity map; the number of ids in it. */
static uint64_t read_identity(const char *file, struct id_range *ret, size_t *ret_len)
{
	uint64_t ids = 0;

	*ret_len = idmap_read_proc(file, ret);
	for (size_t i = 0; i < *ret_len; i++) {
		ret[i].outside = ret[i].inside;
		ids += ret[i].count;
	}
	return ids;
}

/* True if we are root of more than one id; RET then maps all of them. */
static bool detect_root(struct idmap *ret)
{
	if (geteuid() != 0)
		return false;
	memset(ret, 0, sizeof(*ret));
	ret->mode = ID_MODE_ROOT;
	return read_identity("/proc/self/uid_map", ret->uids, &ret->uids_len) > 1 &&
	       read_identity("/proc/self/gid_map", ret->gids, &ret->gids_len) > 1;
}

int idmap_detect(struct idmap *ret, struct err *err)
{
	const char *wish = getenv("CLOCHE_IDS");
	struct idmap map;

	if (wish && *wish && strcmp(wish, "single") != 0 && strcmp(wish, "range") != 0) {
		err_set(err, EBADMSG, "CLOCHE_IDS is '%s'", wish);
		return err_hint(err, "set it to 'single' or 'range', or leave it out");
	}
	if (!wish || !*wish) {
		if (!detect_root(&map) && !detect_range(&map))
			idmap_single(&map, geteuid(), getegid());
	} else if (strcmp(wish, "single") == 0) {
		idmap_single(&map, geteuid(), getegid());
	} else if (!detect_range(&map)) {
		err_set(err, EPERM, "CLOCHE_IDS=range: no range of ids for user %u", (unsigned)geteuid());
		return err_hint(err, "install newuidmap (Debian: uidmap) and give the user a range: "
				     "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 NAME");
	}
	*ret = map;
	return 0;
}

int idmap_detect_mode(enum id_mode *ret, struct err *err)
{
	struct idmap map;
	int r = idmap_detect(&map, err);

	if (r < 0)
		return r;
	*ret = map.mode;
	return 0;
}
