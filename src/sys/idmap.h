/*
 * Which user and group ids a container has, and what they are outside.
 *
 * There are three ways, chosen by what the machine offers (docs/ARCHITECTURE.md, "Ids"): we are root and
 * map all that we have; an ordinary user with a range in /etc/subuid and newuidmap; or an ordinary user
 * with nothing, who maps one id. CLOCHE_IDS=single, or =range, in the environment asks for one of the
 * latter two; asking for a range that isn't there is an error.
 */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum id_mode { ID_MODE_ROOT, ID_MODE_RANGE, ID_MODE_SINGLE };

/* A line of /proc/PID/uid_map. */
struct id_range {
	uint32_t inside, outside, count;
};

enum { IDMAP_RANGES_MAX = 32 };

struct idmap {
	enum id_mode mode;
	struct id_range uids[IDMAP_RANGES_MAX], gids[IDMAP_RANGES_MAX];
	size_t uids_len, gids_len;
};

/*
 * What this process may map. Costs two small reads for a range or root, a failed access for neither.
 * -EPERM: CLOCHE_IDS=range where there is none, with the remedy as hint. -EBADMSG: CLOCHE_IDS says
 * something else.
 */
int idmap_detect(struct idmap *ret, struct err *err);

/* Only the mode of idmap_detect, for those who name a folder by it. */
int idmap_detect_mode(enum id_mode *ret, struct err *err);

/* One id: 0 inside is UID and GID outside. */
void idmap_single(struct idmap *ret, uid_t uid, gid_t gid);

/*
 * In such a map: the user's own id, which is no id of the container. Processes of ours that work on its files need it to get
 * at what is the user's; the container's own map is made without it.
 */
#define IDMAP_HIDDEN 2147483646u
/* Adds the own ids (UID, GID) to MAP as hidden ones, where it doesn't have them. -ERANGE: too many ranges. */
int idmap_hide(struct idmap *map, uid_t uid, gid_t gid);

/* "root", "range", "single". */
const char *id_mode_name(enum id_mode mode);

/*
 * RANGES as detected (the own id as 0, then others) with the own id at INSIDE instead, and the others in order around it. RET holds
 * IDMAP_RANGES_MAX. -ERANGE: there are fewer others than ids below INSIDE, or too many ranges.
 */
int idmap_keep(const struct id_range *ranges, size_t len, uint32_t inside, struct id_range *ret, size_t *ret_len);

/* The ranges of the file (/proc/PID/uid_map), as its reader sees them; 0 if it can't be read. */
size_t idmap_read_proc(const char *file, struct id_range ret[static IDMAP_RANGES_MAX]);

/* The outside id of INSIDE, or -1 if it is not mapped. */
int64_t idmap_outside(const struct id_range *ranges, size_t len, uint32_t inside);
/* The inside id of OUTSIDE, or -1 if it is not mapped. */
int64_t idmap_inside(const struct id_range *ranges, size_t len, uint32_t outside);

/*
 * The ranges that a subuid(5) text gives to the user, by NAME or UID in digits; lines that are malformed
 * are skipped, as shadow does. Appends at most MAX ranges whose `inside` continues at *INSIDE, which is
 * moved on. Returns how many.
 */
size_t idmap_parse_subids(const char *text, const char *name, uid_t uid, uint32_t *inside, struct id_range *ret,
			  size_t max);

/*
 * The text for /proc/PID/uid_map: "inside outside count\n" for each range. DST holds IDMAP_TEXT_MAX.
 * Returns its length.
 */
enum { IDMAP_TEXT_MAX = IDMAP_RANGES_MAX * 36 };
size_t idmap_text(const struct id_range *ranges, size_t len, char *dst);
