#include "codec/tar_format.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The largest numbers that fit the octal fields (one character is the NUL). */
static const uint64_t octal_max_7 = 07777777, octal_max_11 = 077777777777;

static char type_flag(enum tar_type type)
{
	switch (type) {
	case TAR_HARDLINK:
		return '1';
	case TAR_SYMLINK:
		return '2';
	case TAR_CHAR:
		return '3';
	case TAR_BLOCK:
		return '4';
	case TAR_FOLDER:
		return '5';
	case TAR_FIFO:
		return '6';
	default:
		return '0';
	}
}

/* LEN - 1 digits and a NUL. */
static void put_octal(char *field, size_t len, uint64_t n)
{
	field[--len] = '\0';
	while (len > 0) {
		field[--len] = (char)('0' + (n & 7));
		n >>= 3;
	}
}

#define PUT_OCTAL(h, name, n) put_octal((h)->name, sizeof((h)->name), n)

static size_t decimal_digits(size_t n)
{
	size_t digits = 1;

	while (n >= 10) {
		n /= 10;
		digits++;
	}
	return digits;
}

/* "LEN KEY=VALUE\n"; LEN counts itself. PREFIX and KEY are joined. */
static void add_record(struct buf *out, const char *prefix, const char *key, const void *value, size_t len)
{
	size_t rest = strlen(prefix) + strlen(key) + len + 3, total = rest + decimal_digits(rest);

	if (decimal_digits(total) > decimal_digits(rest))
		total = rest + decimal_digits(total);
	buf_addf(out, "%zu %s%s=", total, prefix, key);
	buf_add(out, value, len);
	buf_add_char(out, '\n');
}

static void add_number(struct buf *out, const char *key, uint64_t n)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%" PRIu64, n);

	add_record(out, "", key, text, (size_t)len);
}

/* "-1.5" is half a second before -1: the fraction goes away from zero, as POSIX reads it. */
static void add_time(struct buf *out, int64_t sec, uint32_t nsec)
{
	const char *sign = "";
	uint64_t whole = (uint64_t)sec;
	char text[40];
	int len;

	if (sec < 0) {
		sign = "-";
		whole = 0 - (uint64_t)sec;
		if (nsec > 0) {
			whole--;
			nsec = 1000000000 - nsec;
		}
	}
	len = snprintf(text, sizeof(text), "%s%" PRIu64, sign, whole);
	if (nsec > 0) {
		len += snprintf(text + len, sizeof(text) - (size_t)len, ".%09u", nsec);
		while (text[len - 1] == '0')
			len--;
	}
	add_record(out, "", "mtime", text, (size_t)len);
}

/*
 * Where NAME can be cut so that both parts fit ustar's fields: the length of the prefix, 0 if it all
 * fits into the name field, -1 if neither.
 */
static int split_name(const char *name, size_t len)
{
	const size_t name_max = sizeof(((struct tar_header *)0)->name);
	const size_t prefix_max = sizeof(((struct tar_header *)0)->prefix);

	if (len <= name_max)
		return 0;
	/* The shortest prefix that leaves a name which fits, and isn't empty. */
	for (size_t i = len - name_max - 1; i <= prefix_max && i < len - 1; i++) {
		if (name[i] == '/' && i > 0)
			return (int)i;
	}
	return -1;
}

static bool is_utf8(const char *s)
{
	const uint8_t *p = (const uint8_t *)s;

	while (*p) {
		int more = *p < 0x80		 ? 0
			   : (*p & 0xe0) == 0xc0 ? 1
			   : (*p & 0xf0) == 0xe0 ? 2
			   : (*p & 0xf8) == 0xf0 ? 3
						 : -1;

		if (more < 0)
			return false;
		for (p++; more > 0; more--, p++)
			if ((*p & 0xc0) != 0x80)
				return false;
	}
	return true;
}

/* The records that ustar has no room for. */
static int add_records(struct buf *out, const struct tar_entry *e, int name_split)
{
	const size_t link_max = sizeof(((struct tar_header *)0)->link);
	bool long_link = strlen(e->link) > link_max;

	/* pax text is UTF-8 unless it says otherwise; ustar fields are bytes, so short names need no word. */
	if ((name_split < 0 && !is_utf8(e->name)) || (long_link && !is_utf8(e->link)))
		add_record(out, "", "hdrcharset", "BINARY", 6);
	if (name_split < 0)
		add_record(out, "", "path", e->name, strlen(e->name));
	if (long_link)
		add_record(out, "", "linkpath", e->link, strlen(e->link));
	if (e->size > octal_max_11)
		add_number(out, "size", e->size);
	if (e->uid > octal_max_7)
		add_number(out, "uid", e->uid);
	if (e->gid > octal_max_7)
		add_number(out, "gid", e->gid);
	if (e->mtime_nsec > 0 || e->mtime < 0 || (uint64_t)e->mtime > octal_max_11)
		add_time(out, e->mtime, e->mtime_nsec);
	if (e->dev_major > octal_max_7)
		add_number(out, "SCHILY.devmajor", e->dev_major);
	if (e->dev_minor > octal_max_7)
		add_number(out, "SCHILY.devminor", e->dev_minor);
	for (size_t i = 0; i < e->xattrs_len; i++) {
		if (strchr(e->xattrs[i].name, '='))
			return -EINVAL;
		add_record(out, "SCHILY.xattr.", e->xattrs[i].name, e->xattrs[i].value, e->xattrs[i].len);
	}
	return out->error;
}

static uint64_t or_zero(uint64_t n, uint64_t max)
{
	return n <= max ? n : 0;
}

static void put_name(struct tar_header *h, const char *name, int split)
{
	size_t len = strlen(name);

	if (split > 0) {
		memcpy(h->prefix, name, (size_t)split);
		name += split + 1;
		len -= (size_t)split + 1;
	}
	memcpy(h->name, name, len < sizeof(h->name) ? len : sizeof(h->name));
}

static void put_checksum(struct tar_header *h)
{
	uint32_t sum;
	int32_t ignored;

	tar_checksum(h, &sum, &ignored);
	put_octal(h->checksum, sizeof(h->checksum) - 1, sum);
	h->checksum[sizeof(h->checksum) - 1] = ' ';
}

/* Digits alone, and nothing at all for 0: readers take an empty field for it. */
static void put_short(char *field, uint64_t n)
{
	char digits[24];
	int len = n ? snprintf(digits, sizeof(digits), "%" PRIo64, n) : 0;

	memcpy(field, digits, (size_t)len);
}

/*
 * v7's form where v7 has words for it: no magic, no version, no names of owners. Go's reader (docker, podman) and GNU's,
 * BSD's and ours take it.
 */
static void fill_smallest(struct tar_header *h, const struct tar_entry *e, char type, int name_split)
{
	const size_t link_len = strlen(e->link);
	const bool is_v7 = name_split == 0 && strchr("0125", type);
	int32_t ignored;
	uint32_t sum;

	memset(h, 0, sizeof(*h));
	put_name(h, e->name, name_split);
	memcpy(h->link, e->link, link_len < sizeof(h->link) ? link_len : sizeof(h->link));
	put_short(h->mode, e->mode & 07777);
	put_short(h->uid, or_zero(e->uid, octal_max_7));
	put_short(h->gid, or_zero(e->gid, octal_max_7));
	put_short(h->size, or_zero(e->size, octal_max_11));
	put_short(h->mtime, e->mtime < 0 ? 0 : or_zero((uint64_t)e->mtime, octal_max_11));
	h->type = type == '0' ? '\0' : type;
	if (!is_v7) {
		memcpy(h->magic, "ustar", sizeof(h->magic));
		memcpy(h->version, "00", sizeof(h->version));
		put_short(h->dev_major, or_zero(e->dev_major, octal_max_7));
		put_short(h->dev_minor, or_zero(e->dev_minor, octal_max_7));
	}
	tar_checksum(h, &sum, &ignored);
	put_short(h->checksum, sum);
}

static void fill_header(struct tar_header *h, const struct tar_entry *e, char type, int name_split)
{
	size_t link_len = strlen(e->link);

	memset(h, 0, sizeof(*h));
	put_name(h, e->name, name_split);
	memcpy(h->link, e->link, link_len < sizeof(h->link) ? link_len : sizeof(h->link));
	PUT_OCTAL(h, mode, e->mode & 07777);
	PUT_OCTAL(h, uid, or_zero(e->uid, octal_max_7));
	PUT_OCTAL(h, gid, or_zero(e->gid, octal_max_7));
	PUT_OCTAL(h, size, or_zero(e->size, octal_max_11));
	PUT_OCTAL(h, mtime, e->mtime < 0 ? 0 : or_zero((uint64_t)e->mtime, octal_max_11));
	PUT_OCTAL(h, dev_major, or_zero(e->dev_major, octal_max_7));
	PUT_OCTAL(h, dev_minor, or_zero(e->dev_minor, octal_max_7));
	h->type = type;
	memcpy(h->magic, "ustar", sizeof(h->magic));
	memcpy(h->version, "00", sizeof(h->version));
	put_checksum(h);
}

static int add_zeros(struct buf *out, size_t n)
{
	static const char zeros[2 * TAR_BLOCK_SIZE];

	return buf_add(out, zeros, n);
}

/* The extended header in front: its size is known only when its records are there, so it's filled in afterwards. */
static int add_pax_header(struct buf *out, const struct tar_entry *e, int name_split, bool smallest)
{
	struct tar_entry x = {
		.type = TAR_FILE, .name = smallest ? "x" : "././@PaxHeader", .link = "", .mode = smallest ? 0 : 0644
	};
	size_t at = out->len;
	int r;

	r = add_zeros(out, TAR_BLOCK_SIZE);
	if (r == 0)
		r = add_records(out, e, name_split);
	if (r < 0)
		return r;
	x.size = out->len - at - TAR_BLOCK_SIZE;
	if (x.size == 0) {
		out->len = at;
		return 0;
	}
	r = add_zeros(out, tar_padding(x.size));
	if (r == 0)
		(smallest ? fill_smallest : fill_header)((struct tar_header *)(void *)(out->data + at), &x, 'x', 0);
	return r;
}

static int write_header(struct buf *out, const struct tar_entry *e, bool smallest)
{
	int name_split = split_name(e->name, strlen(e->name));
	size_t before = out->len;
	struct tar_header h;
	int r = add_pax_header(out, e, name_split, smallest);

	if (r == 0) {
		(smallest ? fill_smallest : fill_header)(&h, e, type_flag(e->type), name_split);
		r = buf_add(out, &h, sizeof(h));
	}
	if (r < 0 && !out->error)
		out->len = before;
	return r;
}

int tar_write_header(struct buf *out, const struct tar_entry *e)
{
	return write_header(out, e, false);
}

int tar_write_smallest(struct buf *out, const struct tar_entry *e)
{
	return write_header(out, e, true);
}

int tar_write_end(struct buf *out)
{
	return add_zeros(out, 2 * TAR_BLOCK_SIZE);
}
