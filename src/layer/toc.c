#include "layer/toc.h"

#include "base/cleanup.h"
#include "base/timefmt.h"
#include "layer/limits.h"
#include "oci/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Strings, attributes and their values, which entries point to. */
struct owned {
	json_t *root;
	void **blocks;
	size_t len, cap;
};

struct parsing {
	struct toc toc;
	struct owned *owned;
	size_t entries_cap, chunks_cap;
	uint64_t data_end;
	uint64_t covered; /* of the last entry, by its chunks so far */
	uint64_t *starts; /* of all chunks: where a chunk ends that doesn't say so */
	size_t starts_len, starts_cap;
};

/* --- memory --- */

static void *keep(struct parsing *p, void *block)
{
	struct owned *o = p->owned;

	if (block && o->len == o->cap) {
		size_t cap = o->cap ? 2 * o->cap : 16;
		void **blocks = reallocarray(o->blocks, cap, sizeof(*blocks));

		if (!blocks) {
			free(block);
			return NULL;
		}
		o->blocks = blocks;
		o->cap = cap;
	}
	if (block)
		o->blocks[o->len++] = block;
	return block;
}

void toc_done(struct toc *t)
{
	struct owned *o = t->owned;

	for (size_t i = 0; o && i < o->len; i++)
		free(o->blocks[i]);
	if (o) {
		free(o->blocks);
		json_decref(o->root);
	}
	free(o);
	free(t->entries);
	free(t->chunks);
	*t = (struct toc){ 0 };
}

/* Room for one more of SIZE bytes behind LEN. */
static int grow(void *items, size_t len, size_t *cap, size_t size, struct err *err)
{
	size_t more = *cap ? 2 * *cap : 64;
	void *old, *new;

	if (len < *cap)
		return 0;
	memcpy(&old, items, sizeof(old));
	new = reallocarray(old, more, size);
	if (!new)
		return err_oom(err);
	memcpy(items, &new, sizeof(new));
	*cap = more;
	return 0;
}

/* --- members of an entry --- */

static int bad(const char *name, const char *what, struct err *err)
{
	return err_set(err, EBADMSG, "the table of contents: '%.200s': %s", name, what);
}

/* "" where it is missing. Borrowed from the document. */
static int text(const json_t *e, const char *key, const char **ret, struct err *err)
{
	const json_t *v = json_object_get(e, key);

	*ret = "";
	if (!v || json_is_null(v))
		return 0;
	if (!json_is_string(v) || strlen(json_string_value(v)) != json_string_length(v))
		return bad(key, "not a string without NUL", err);
	*ret = json_string_value(v);
	return 0;
}

static int number(const json_t *e, const char *key, uint64_t max, uint64_t *ret, struct err *err)
{
	const json_t *v = json_object_get(e, key);

	*ret = 0;
	if (!v || json_is_null(v))
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < 0 || (uint64_t)json_integer_value(v) > max)
		return bad(key, "not a number, or out of range", err);
	*ret = (uint64_t)json_integer_value(v);
	return 0;
}

static int number32(const json_t *e, const char *key, uint32_t max, uint32_t *ret, struct err *err)
{
	uint64_t v;
	int r = number(e, key, max, &v, err);

	if (r >= 0)
		*ret = (uint32_t)v;
	return r;
}

static int base64_value(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* IN may end with "=". Returns the length, or -EBADMSG. OUT has room for strlen(IN) bytes. */
static ssize_t decode_base64(const char *in, uint8_t *out)
{
	size_t len = strlen(in), n = 0;
	uint32_t bits = 0;
	unsigned have = 0;

	while (len > 0 && in[len - 1] == '=')
		len--;
	for (size_t i = 0; i < len; i++) {
		int v = base64_value(in[i]);

		if (v < 0)
			return -EBADMSG;
		bits = bits << 6 | (uint32_t)v;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (uint8_t)(bits >> have);
		}
	}
	return (ssize_t)n;
}

static int read_xattrs(struct parsing *p, json_t *e, struct tar_entry *t, struct err *err)
{
	json_t *xattrs = json_object_get(e, "xattrs"), *value;
	size_t len = json_object_size(xattrs), n = 0;
	struct tar_xattr *list;
	const char *key;

	if (len == 0)
		return 0;
	if (len > TAR_XATTRS_MAX)
		return err_set(err, E2BIG, "'%.200s' has more than %d attributes", t->name, TAR_XATTRS_MAX);
	list = keep(p, calloc(len, sizeof(*list)));
	if (!list)
		return err_oom(err);
	json_object_foreach(xattrs, key, value)
	{
		const char *encoded = json_string_value(value);
		uint8_t *bytes;
		ssize_t size;

		if (!encoded || strlen(key) > TAR_XATTR_NAME_MAX || strlen(encoded) > 2 * TAR_XATTR_SIZE_MAX)
			return bad(t->name, "an attribute that no file can have", err);
		bytes = keep(p, malloc(strlen(encoded) + 1));
		if (!bytes)
			return err_oom(err);
		size = decode_base64(encoded, bytes);
		if (size < 0 || size > TAR_XATTR_SIZE_MAX)
			return bad(t->name, "an attribute that no file can have", err);
		list[n++] = (struct tar_xattr){ key, bytes, (size_t)size };
	}
	t->xattrs = list;
	t->xattrs_len = n;
	return 0;
}

static int read_times(const json_t *e, struct tar_entry *t, struct err *err)
{
	struct timespec when = { 0 };
	const char *word;
	int r = text(e, "modtime", &word, err);

	if (r < 0)
		return r;
	if (*word && time_parse_rfc3339(word, &when) < 0)
		return bad(t->name, "a time that is none", err);
	t->mtime = when.tv_sec;
	t->mtime_nsec = (uint32_t)when.tv_nsec;
	return 0;
}

static int read_metadata(struct parsing *p, json_t *e, struct tar_entry *t, struct err *err)
{
	uint64_t mode;
	int r = text(e, "linkName", &t->link, err);

	if (r >= 0)
		r = number(e, "mode", INT64_MAX, &mode, err);
	if (r >= 0)
		r = number(e, "size", INT64_MAX, &t->size, err);
	if (r >= 0)
		r = number32(e, "uid", UINT32_MAX, &t->uid, err);
	if (r >= 0)
		r = number32(e, "gid", UINT32_MAX, &t->gid, err);
	if (r >= 0)
		r = number32(e, "devMajor", UINT32_MAX, &t->dev_major, err);
	if (r >= 0)
		r = number32(e, "devMinor", UINT32_MAX, &t->dev_minor, err);
	if (r >= 0)
		r = read_times(e, t, err);
	if (r < 0)
		return r;
	t->mode = (uint32_t)mode & 07777;
	if (t->type != TAR_FILE)
		t->size = 0;
	return read_xattrs(p, e, t, err);
}

/* --- chunks --- */

/* The next chunk of the last entry. */
static int add_chunk(struct parsing *p, const json_t *e, struct err *err)
{
	struct toc_entry *file = &p->toc.entries[p->toc.len - 1];
	struct toc_chunk chunk;
	uint64_t at, offset, end, inner;
	const char *digest;
	uint64_t left = file->e.size - p->covered;
	int r = number(e, "chunkOffset", INT64_MAX, &at, err);

	if (r >= 0)
		r = number(e, "chunkSize", INT64_MAX, &chunk.size, err);
	if (r >= 0)
		r = number(e, "offset", INT64_MAX, &offset, err);
	if (r >= 0)
		r = number(e, "endOffset", INT64_MAX, &end, err);
	if (r >= 0)
		r = number(e, "innerOffset", TOC_SKIP_MAX, &inner, err);
	if (r >= 0)
		r = text(e, "chunkDigest", &digest, err);
	/* One that says no size goes to the end of the file. */
	if (r >= 0 && chunk.size == 0)
		chunk.size = left;
	if (r >= 0 && !*digest && p->covered == 0 && chunk.size == file->e.size)
		r = text(e, "digest", &digest, err);
	if (r < 0)
		return r;
	if (!*digest)
		return err_set(err, EOPNOTSUPP, "the table of contents has no digest for '%.200s'", file->e.name);
	if (at != p->covered || chunk.size == 0 || chunk.size > left || offset >= p->data_end || offset < file->from ||
	    (end && (end <= offset || end > p->data_end)))
		return bad(file->e.name, "chunks that don't follow one another", err);
	r = digest_parse(digest, &chunk.digest, err);
	if (r >= 0)
		r = grow(&p->toc.chunks, p->toc.chunks_len, &p->chunks_cap, sizeof(*p->toc.chunks), err);
	if (r >= 0)
		r = grow(&p->starts, p->starts_len, &p->starts_cap, sizeof(*p->starts), err);
	if (r < 0)
		return r;
	if (file->chunks_len++ == 0) {
		file->from = offset;
		file->skip = inner;
	}
	/* What doesn't say its end, ends where the next begins, which isn't known yet. */
	file->says_end = end > 0;
	file->end = end ? end : offset;
	p->covered += chunk.size;
	p->starts[p->starts_len++] = offset;
	p->toc.chunks[p->toc.chunks_len++] = chunk;
	return 0;
}

static int add_entry(struct parsing *p, json_t *e, enum tar_type type, struct err *err)
{
	struct toc_entry entry = { .e = { .type = type }, .chunks_from = p->toc.chunks_len };
	int r = text(e, "name", &entry.e.name, err);

	if (r >= 0)
		r = read_metadata(p, e, &entry.e, err);
	if (r >= 0)
		r = grow(&p->toc.entries, p->toc.len, &p->entries_cap, sizeof(*p->toc.entries), err);
	if (r < 0)
		return r;
	p->toc.entries[p->toc.len++] = entry;
	p->covered = 0;
	if (entry.e.size == 0)
		return 0;
	p->toc.files++;
	return add_chunk(p, e, err);
}

static int check_whole(const struct parsing *p, struct err *err)
{
	const struct toc_entry *last = p->toc.len ? &p->toc.entries[p->toc.len - 1] : NULL;

	if (last && last->e.size > 0 && p->covered != last->e.size)
		return bad(last->e.name, "chunks that don't cover it", err);
	return 0;
}

static int take(struct parsing *p, json_t *e, struct err *err)
{
	static const struct {
		const char *word;
		enum tar_type type;
	} types[] = { { "reg", TAR_FILE },   { "hardlink", TAR_HARDLINK }, { "symlink", TAR_SYMLINK },
		      { "dir", TAR_FOLDER }, { "char", TAR_CHAR },	   { "block", TAR_BLOCK },
		      { "fifo", TAR_FIFO } };
	const char *type, *name;
	int r = json_is_object(e) ? text(e, "type", &type, err) : bad("entries", "not an object", err);

	if (r >= 0)
		r = text(e, "name", &name, err);
	if (r < 0)
		return r;
	if (strcmp(type, "chunk") == 0) {
		const struct toc_entry *last = p->toc.len ? &p->toc.entries[p->toc.len - 1] : NULL;

		if (!last || last->e.size == 0 || strcmp(name, last->e.name) != 0)
			return bad(name, "a chunk of no file", err);
		return add_chunk(p, e, err);
	}
	r = check_whole(p, err);
	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(types); i++)
		if (strcmp(type, types[i].word) == 0)
			return add_entry(p, e, types[i].type, err);
	return r < 0 ? r : bad(name, "a type that no entry has", err);
}

/* --- where chunks end --- */

static int order(const void *a, const void *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

/* The first start behind OFFSET, or the end of all. */
static uint64_t next_start(const struct parsing *p, uint64_t offset)
{
	size_t low = 0, high = p->starts_len;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (p->starts[middle] <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low < p->starts_len ? p->starts[low] : p->data_end;
}

static void find_ends(struct parsing *p)
{
	if (p->starts_len)
		qsort(p->starts, p->starts_len, sizeof(*p->starts), order);
	for (size_t i = 0; i < p->toc.len; i++) {
		struct toc_entry *f = &p->toc.entries[i];

		if (f->chunks_len && !f->says_end)
			f->end = next_start(p, f->end);
	}
}

static int parse_all(struct parsing *p, struct err *err)
{
	json_t *entries = json_object_get(p->owned->root, "entries"), *e;
	size_t i;
	int r;

	if (!json_is_array(entries))
		return bad("entries", "not an array", err);
	if (json_array_size(entries) > LAYER_ENTRIES_MAX)
		return err_set(err, E2BIG, "the table of contents has more than %llu entries",
			       (unsigned long long)LAYER_ENTRIES_MAX);
	json_array_foreach(entries, i, e)
	{
		r = take(p, e, err);
		if (r < 0)
			return r;
	}
	r = check_whole(p, err);
	if (r >= 0)
		find_ends(p);
	return r;
}

int toc_parse(const char *data, size_t len, uint64_t data_end, struct toc *ret, struct err *err)
{
	struct parsing p = { .data_end = data_end, .owned = calloc(1, sizeof(*p.owned)) };
	json_error_t why;
	int r;

	if (!p.owned)
		return err_oom(err);
	p.toc.owned = p.owned;
	if (len > TOC_SIZE_MAX)
		r = err_set(err, E2BIG, "the table of contents has more than %d bytes", TOC_SIZE_MAX);
	else if (!(p.owned->root = json_loadb(data, len, JSON_REJECT_DUPLICATES, &why)))
		r = err_set(err, EBADMSG, "the table of contents is no JSON: %s", why.text);
	else
		r = parse_all(&p, err);
	free(p.starts);
	if (r < 0)
		toc_done(&p.toc);
	else
		*ret = p.toc;
	return r;
}
