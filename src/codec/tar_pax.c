#include "codec/tar_format.h"

#include "base/num.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A record: keyword and value, both NUL-terminated in place. */
struct record {
	const char *key;
	char *value;
	size_t len;
};

static int bad_value(const struct record *rec, struct err *err)
{
	return err_set(err, EBADMSG, "pax record '%.64s' has the value '%.64s'", rec->key, rec->value);
}

int tar_add_extent(struct tar_draft *d, uint64_t offset, uint64_t len, struct err *err)
{
	const struct tar_extent *last = d->extents_len ? &d->extents[d->extents_len - 1] : NULL;

	if (offset > INT64_MAX || len > INT64_MAX - offset)
		return err_set(err, EBADMSG, "a piece of a sparse file lies beyond 63 bits");
	if (last && offset < last->offset + last->len)
		return err_set(err, EBADMSG, "the pieces of a sparse file overlap");
	if (d->extents_len == TAR_EXTENTS_MAX)
		return err_set(err, E2BIG, "a sparse file has more than %d pieces", TAR_EXTENTS_MAX);
	if (d->extents_len == d->extents_cap) {
		size_t cap = d->extents_cap ? d->extents_cap * 2 : 16;
		struct tar_extent *grown = reallocarray(d->extents, cap, sizeof(*grown));

		if (!grown)
			return err_oom(err);
		d->extents = grown;
		d->extents_cap = cap;
	}
	d->extents[d->extents_len++] = (struct tar_extent){ offset, len };
	return 0;
}

/* "offset,len,offset,len…": GNU.sparse.map of version 0.1. */
static int read_sparse_map(struct tar_draft *d, const struct record *rec, struct err *err)
{
	char *p = rec->value;

	while (*p) {
		uint64_t numbers[2];

		for (int i = 0; i < 2; i++) {
			char *comma = strchrnul(p, ',');
			bool more = *comma == ',';

			*comma = '\0';
			if (num_parse_u64(p, 10, &numbers[i]) < 0 || (i == 0 && !more))
				return err_set(err, EBADMSG, "pax record '%s' is no list of pairs", rec->key);
			p = comma + more;
		}
		int r = tar_add_extent(d, numbers[0], numbers[1], err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* REC's keyword begins with "GNU.sparse."; KEY is the rest. */
static int read_sparse_record(struct tar_draft *d, const char *key, const struct record *rec, struct err *err)
{
	struct tar_sparse *s = &d->sparse;
	uint64_t n;

	s->present = true;
	if (strcmp(key, "name") == 0) {
		d->sparse_name = rec->value;
		return 0;
	}
	if (strcmp(key, "map") == 0)
		return read_sparse_map(d, rec, err);
	if (num_parse_u64(rec->value, 10, &n) < 0 || n > INT64_MAX)
		return bad_value(rec, err);
	if (strcmp(key, "major") == 0) {
		if (n > 1)
			return err_set(err, EBADMSG, "sparse files of version %s are not known", rec->value);
		s->major = n;
	} else if (strcmp(key, "realsize") == 0 || strcmp(key, "size") == 0) {
		s->real_size = n;
		s->has_real_size = true;
	} else if (strcmp(key, "offset") == 0) {
		s->pending_offset = n;
		s->has_pending_offset = true;
	} else if (strcmp(key, "numbytes") == 0) {
		if (!s->has_pending_offset)
			return err_set(err, EBADMSG, "pax record 'GNU.sparse.numbytes' comes without an offset");
		s->has_pending_offset = false;
		return tar_add_extent(d, s->pending_offset, n, err);
	}
	/* minor and numblocks say nothing that isn't known otherwise. */
	return 0;
}

/* Seconds with an optional sign and fraction; digits beyond nanoseconds are cut off. */
static int read_time(struct tar_draft *d, const struct record *rec, struct err *err)
{
	char *dot = strchrnul(rec->value, '.');
	bool has_fraction = *dot == '.', negative = rec->value[0] == '-';
	uint32_t nsec = 0, unit = 100000000;
	int64_t sec;

	*dot = '\0';
	if (num_parse_i64(rec->value, &sec) < 0 || sec == INT64_MIN)
		return bad_value(rec, err);
	for (const char *p = dot + 1; has_fraction && *p; p++) {
		if (*p < '0' || *p > '9')
			return bad_value(rec, err);
		nsec += unit * (uint32_t)(*p - '0');
		unit /= 10;
	}
	if (negative && nsec > 0) {
		sec--;
		nsec = 1000000000 - nsec;
	}
	d->entry.mtime = sec;
	d->entry.mtime_nsec = nsec;
	d->has_mtime = true;
	return 0;
}

static int read_number(const struct record *rec, uint64_t max, uint64_t *ret, struct err *err)
{
	uint64_t n;

	if (num_parse_u64(rec->value, 10, &n) < 0 || n > max)
		return bad_value(rec, err);
	*ret = n;
	return 0;
}

static int read_u32(const struct record *rec, uint32_t max, uint32_t *ret, bool *ret_has, struct err *err)
{
	uint64_t n;
	int r = read_number(rec, max, &n, err);

	if (r < 0)
		return r;
	*ret = (uint32_t)n;
	*ret_has = true;
	return 0;
}

static int read_name(const struct record *rec, bool global, const char **ret, bool *ret_has, struct err *err)
{
	if (global)
		return err_set(err, EBADMSG, "a global pax header gives the same '%s' to all entries", rec->key);
	if (strlen(rec->value) != rec->len)
		return err_set(err, EBADMSG, "pax record '%s' has a NUL in it", rec->key);
	*ret = rec->value;
	*ret_has = true;
	return 0;
}

static int add_xattr(struct tar_draft *d, const char *name, const struct record *rec, struct err *err)
{
	struct tar_entry *e = &d->entry;
	size_t i = 0;

	if (name[0] == '\0' || strlen(name) > TAR_XATTR_NAME_MAX)
		return err_set(err, EBADMSG, "attribute name '%.64s' is empty or longer than %d bytes", name,
			       TAR_XATTR_NAME_MAX);
	if (rec->len > TAR_XATTR_SIZE_MAX)
		return err_set(err, E2BIG, "attribute '%s' is longer than %d bytes", name, TAR_XATTR_SIZE_MAX);
	while (i < e->xattrs_len && strcmp(d->xattrs[i].name, name) != 0)
		i++;
	if (i == TAR_XATTRS_MAX)
		return err_set(err, E2BIG, "more than %d attributes on one file", TAR_XATTRS_MAX);
	d->xattrs[i] = (struct tar_xattr){ name, rec->value, rec->len };
	if (i == e->xattrs_len)
		e->xattrs_len++;
	return 0;
}

/* "An empty value deletes what an earlier header said" (pax(1)), so the ustar field counts again. */
static bool read_deletion(struct tar_draft *d, const struct record *rec)
{
	static const struct {
		const char *key;
		size_t has;
	} known[] = {
		{ "path", offsetof(struct tar_draft, has_path) }, { "linkpath", offsetof(struct tar_draft, has_link) },
		{ "size", offsetof(struct tar_draft, has_size) }, { "uid", offsetof(struct tar_draft, has_uid) },
		{ "gid", offsetof(struct tar_draft, has_gid) },	  { "mtime", offsetof(struct tar_draft, has_mtime) },
	};

	if (rec->len > 0)
		return false;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(rec->key, known[i].key) == 0) {
			*(bool *)((char *)d + known[i].has) = false;
			return true;
		}
	}
	return false;
}

static int read_record(struct tar_draft *d, const struct record *rec, bool global, struct err *err)
{
	static const char xattr[] = "SCHILY.xattr.", sparse[] = "GNU.sparse.";
	/* 2^32-1 is "no id" to the kernel. */
	const uint32_t id_max = UINT32_MAX - 1;
	const char *key = rec->key;

	if (read_deletion(d, rec))
		return 0;
	if (strcmp(key, "path") == 0)
		return read_name(rec, global, &d->entry.name, &d->has_path, err);
	if (strcmp(key, "linkpath") == 0)
		return read_name(rec, global, &d->entry.link, &d->has_link, err);
	if (strcmp(key, "size") == 0) {
		d->has_size = true;
		return read_number(rec, INT64_MAX, &d->stored_size, err);
	}
	if (strcmp(key, "uid") == 0)
		return read_u32(rec, id_max, &d->entry.uid, &d->has_uid, err);
	if (strcmp(key, "gid") == 0)
		return read_u32(rec, id_max, &d->entry.gid, &d->has_gid, err);
	if (strcmp(key, "mtime") == 0)
		return read_time(d, rec, err);
	if (strcmp(key, "SCHILY.devmajor") == 0)
		return read_u32(rec, UINT32_MAX, &d->entry.dev_major, &d->has_dev_major, err);
	if (strcmp(key, "SCHILY.devminor") == 0)
		return read_u32(rec, UINT32_MAX, &d->entry.dev_minor, &d->has_dev_minor, err);
	if (strncmp(key, xattr, sizeof(xattr) - 1) == 0)
		return add_xattr(d, key + sizeof(xattr) - 1, rec, err);
	if (strncmp(key, sparse, sizeof(sparse) - 1) == 0)
		return read_sparse_record(d, key + sizeof(sparse) - 1, rec, err);
	/* Others (atime, comment, uname …) say nothing that we keep. */
	return 0;
}

/* "LEN KEY=VALUE\n", LEN in decimal and counting all of it. Returns LEN. */
static int64_t split_record(char *p, size_t left, struct record *ret, struct err *err)
{
	char *equals, *end;
	size_t digits = 0, len = 0;

	while (digits < left && digits < 8 && p[digits] >= '0' && p[digits] <= '9')
		len = len * 10 + (size_t)(p[digits++] - '0');
	if (digits == 0 || digits == left || p[digits] != ' ' || len <= digits + 2 || len > left || p[len - 1] != '\n')
		return err_set(err, EBADMSG, "a pax header is malformed");
	end = p + len - 1;
	equals = memchr(p + digits + 1, '=', (size_t)(end - p) - digits - 1);
	if (!equals || equals == p + digits + 1)
		return err_set(err, EBADMSG, "a pax record has no keyword");
	*equals = *end = '\0';
	*ret = (struct record){ p + digits + 1, equals + 1, (size_t)(end - equals - 1) };
	if (strlen(ret->key) != (size_t)(equals - ret->key))
		return err_set(err, EBADMSG, "a pax keyword has a NUL in it");
	return (int64_t)len;
}

int tar_read_pax(struct tar_draft *d, struct buf *records, bool global, struct err *err)
{
	size_t at = 0;

	while (at < records->len) {
		struct record rec = { 0 };
		int64_t len = split_record(records->data + at, records->len - at, &rec, err);
		int r = len < 0 ? (int)len : read_record(d, &rec, global, err);

		if (r < 0)
			return r;
		at += (size_t)len;
	}
	return 0;
}
