/*
 * The reader is a machine with one state for each kind of thing that can come next. tar_reader_next runs
 * it until it has an event or the fed bytes are used up. Headers and their extensions are gathered in the
 * draft; the draft becomes an entry when the header that it belongs to has come.
 */
#include "codec/tar_format.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum state {
	STATE_HEADER,  /* a block: header or zeros */
	STATE_META,    /* payload of a pax or GNU extended header, with its padding */
	STATE_OLD_MAP, /* further blocks of GNU's old sparse map */
	STATE_NEW_MAP, /* sparse map at the start of the data (GNU.sparse 1.0) */
	STATE_ENTRY,   /* the entry is complete and is to be told */
	STATE_DATA,
	STATE_PADDING, /* zeros behind the data */
	STATE_END_OF_ENTRY,
	STATE_ENDED, /* behind the end mark */
};

struct tar_reader {
	enum state state;
	const uint8_t *in; /* borrowed: what was fed and is not used up */
	size_t in_len;
	uint64_t position;

	uint8_t block[TAR_BLOCK_SIZE]; /* a block that straddles two feeds */
	size_t block_len;
	bool saw_zero_block;
	uint64_t trailing; /* bytes behind the end mark */
	bool entry_is_old; /* its end has been told; the draft is to be emptied */

	char meta_type;	    /* of the extended header whose payload is read */
	uint64_t meta_left; /* payload bytes to come */
	size_t padding;	    /* zeros to come behind payload or data */
	struct buf pax, global_pax, global_copy, long_name, long_link;

	char name[100 + 155 + 2], link[100 + 1]; /* from the header itself */
	struct tar_draft draft;
	char map_digits[24]; /* a number of a 1.0 map that straddles blocks */
	size_t map_digits_len;
	uint64_t map_numbers_left; /* 0 before the count is known */
	bool map_counted;
	uint64_t map_offset;

	uint64_t data_left; /* stored bytes to come */
	size_t extent;	    /* the piece that is being read */
	uint64_t extent_done;
};

struct tar_reader *tar_reader_new(void)
{
	struct tar_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->pax = BUF_INIT(TAR_META_MAX);
	r->global_pax = BUF_INIT(TAR_META_MAX);
	r->global_copy = BUF_INIT(TAR_META_MAX);
	r->long_name = BUF_INIT(TAR_META_MAX);
	r->long_link = BUF_INIT(TAR_META_MAX);
	return r;
}

void tar_reader_free(struct tar_reader *r)
{
	if (!r)
		return;
	buf_done(&r->pax);
	buf_done(&r->global_pax);
	buf_done(&r->global_copy);
	buf_done(&r->long_name);
	buf_done(&r->long_link);
	free(r->draft.extents);
	free(r);
}

void tar_reader_feed(struct tar_reader *r, const void *data, size_t len)
{
	r->in = data;
	r->in_len = len;
}

uint64_t tar_reader_position(const struct tar_reader *r)
{
	return r->position;
}

bool tar_reader_ended(const struct tar_reader *r)
{
	return r->state == STATE_ENDED;
}

static const uint8_t *take(struct tar_reader *r, size_t n)
{
	const uint8_t *p = r->in;

	r->in += n;
	r->in_len -= n;
	r->position += n;
	return p;
}

/* The next whole block, or NULL if more has to be fed first. */
static const uint8_t *take_block(struct tar_reader *r)
{
	size_t n = TAR_BLOCK_SIZE - r->block_len;

	if (r->block_len == 0 && r->in_len >= TAR_BLOCK_SIZE)
		return take(r, TAR_BLOCK_SIZE);
	if (n > r->in_len)
		n = r->in_len;
	memcpy(r->block + r->block_len, take(r, n), n);
	r->block_len += n;
	if (r->block_len < TAR_BLOCK_SIZE)
		return NULL;
	r->block_len = 0;
	return r->block;
}

/* --- headers --- */

static bool is_zero(const uint8_t *block)
{
	static const uint8_t zeros[TAR_BLOCK_SIZE];

	return block[0] == 0 && memcmp(block, zeros, TAR_BLOCK_SIZE) == 0;
}

static void copy_text(char *dst, const char *field, size_t len)
{
	size_t n = strnlen(field, len);

	memcpy(dst, field, n);
	dst[n] = '\0';
}

static bool is_posix(const struct tar_header *h)
{
	return memcmp(h->magic, "ustar\0", 6) == 0;
}

static bool is_gnu(const struct tar_header *h)
{
	return memcmp(h->magic, "ustar ", 6) == 0;
}

/* Forgets all about the last entry but global records. */
static void reset_draft(struct tar_reader *r)
{
	struct tar_draft *d = &r->draft;
	struct tar_extent *extents = d->extents;
	size_t cap = d->extents_cap;

	memset(d, 0, offsetof(struct tar_draft, xattrs));
	d->extents = extents;
	d->extents_cap = cap;
	d->extents_len = 0;
	buf_reset(&r->pax);
	buf_reset(&r->long_name);
	buf_reset(&r->long_link);
	r->map_counted = false;
	r->map_digits_len = 0;
	r->extent = 0;
	r->extent_done = 0;
}

static void read_names(struct tar_reader *r, const struct tar_header *h)
{
	struct tar_entry *e = &r->draft.entry;
	size_t prefix = 0;

	if (is_posix(h) && h->prefix[0] != '\0') {
		copy_text(r->name, h->prefix, sizeof(h->prefix));
		prefix = strlen(r->name);
		r->name[prefix++] = '/';
	}
	copy_text(r->name + prefix, h->name, sizeof(h->name));
	copy_text(r->link, h->link, sizeof(h->link));
	if (!r->draft.has_path)
		e->name = r->long_name.len ? r->long_name.data : r->name;
	if (r->draft.sparse_name)
		e->name = r->draft.sparse_name;
	if (!r->draft.has_link)
		e->link = r->long_link.len ? r->long_link.data : r->link;
}

/* Owner, mode and time, as far as pax records haven't given them. */
static int read_numbers(struct tar_draft *d, const struct tar_header *h, struct err *err)
{
	struct tar_entry *e = &d->entry;
	int64_t mode, uid = 0, gid = 0, mtime = 0;

	/* The upper bits are the file type in some old archives. */
	if (READ_BOUNDED(h, mode, "mode", INT32_MAX, &mode, err) < 0)
		return -EBADMSG;
	e->mode = (uint32_t)mode & 07777;
	if (!d->has_uid && READ_BOUNDED(h, uid, "owner", UINT32_MAX - 1, &uid, err) < 0)
		return -EBADMSG;
	if (!d->has_uid)
		e->uid = (uint32_t)uid;
	if (!d->has_gid && READ_BOUNDED(h, gid, "group", UINT32_MAX - 1, &gid, err) < 0)
		return -EBADMSG;
	if (!d->has_gid)
		e->gid = (uint32_t)gid;
	if (!d->has_mtime && READ_FIELD(h, mtime, &mtime) < 0)
		return err_set(err, EBADMSG, "the time in a header is no number");
	if (!d->has_mtime)
		e->mtime = mtime;
	return 0;
}

static int read_device(struct tar_draft *d, const struct tar_header *h, struct err *err)
{
	int64_t n;

	if (!is_posix(h) && !is_gnu(h))
		return err_set(err, EBADMSG, "device without numbers in an archive of an old format");
	if (!d->has_dev_major) {
		if (READ_BOUNDED(h, dev_major, "device number", UINT32_MAX, &n, err) < 0)
			return -EBADMSG;
		d->entry.dev_major = (uint32_t)n;
	}
	if (!d->has_dev_minor) {
		if (READ_BOUNDED(h, dev_minor, "device number", UINT32_MAX, &n, err) < 0)
			return -EBADMSG;
		d->entry.dev_minor = (uint32_t)n;
	}
	return 0;
}

static int read_type(struct tar_draft *d, const struct tar_header *h, struct err *err)
{
	size_t name_len = strlen(d->entry.name);

	switch (h->type) {
	case '\0':
	case '0':
	case '7':
		/* v7 has no type for folders, and some writers of later formats do as it does. */
		d->entry.type = name_len > 0 && d->entry.name[name_len - 1] == '/' ? TAR_FOLDER : TAR_FILE;
		return 0;
	case 'S':
		d->entry.type = TAR_FILE;
		return 0;
	case '1':
		d->entry.type = TAR_HARDLINK;
		return 0;
	case '2':
		d->entry.type = TAR_SYMLINK;
		return 0;
	case '3':
		d->entry.type = TAR_CHAR;
		return read_device(d, h, err);
	case '4':
		d->entry.type = TAR_BLOCK;
		return read_device(d, h, err);
	case '5':
		d->entry.type = TAR_FOLDER;
		return 0;
	case '6':
		d->entry.type = TAR_FIFO;
		return 0;
	default:
		return err_set(err, EBADMSG, "'%.256s' is of the type '%c' (0x%02x), which is not known", d->entry.name,
			       h->type >= ' ' && h->type < 0x7f ? h->type : '?', (uint8_t)h->type);
	}
}

static int add_gnu_pieces(struct tar_reader *r, const struct tar_gnu_piece *pieces, size_t len, struct err *err)
{
	for (size_t i = 0; i < len && pieces[i].offset[0] != '\0'; i++) {
		int64_t offset, size;

		if (READ_BOUNDED(&pieces[i], offset, "place of a piece", INT64_MAX, &offset, err) < 0 ||
		    READ_BOUNDED(&pieces[i], len, "size of a piece", INT64_MAX, &size, err) < 0)
			return -EBADMSG;
		int n = tar_add_extent(&r->draft, (uint64_t)offset, (uint64_t)size, err);

		if (n < 0)
			return n;
	}
	return 0;
}

/* Type 'S'. Returns the next state. */
static int start_old_sparse(struct tar_reader *r, const struct tar_header *h, struct err *err)
{
	const struct tar_gnu_tail *tail = (const struct tar_gnu_tail *)(const void *)h->prefix;
	int64_t real_size;
	int n;

	if (READ_BOUNDED(tail, real_size, "size of a sparse file", INT64_MAX, &real_size, err) < 0)
		return -EBADMSG;
	r->draft.sparse.present = true;
	r->draft.sparse.has_real_size = true;
	r->draft.sparse.real_size = (uint64_t)real_size;
	n = add_gnu_pieces(r, tail->pieces, GNU_HEADER_PIECES, err);
	if (n < 0)
		return n;
	return tail->is_extended ? STATE_OLD_MAP : STATE_ENTRY;
}

/* A header of a file, folder, link or device: the draft gets complete. Returns the next state. */
static int read_entry_header(struct tar_reader *r, const struct tar_header *h, struct err *err)
{
	struct tar_draft *d = &r->draft;
	int64_t size = 0;
	int n;

	/* Reading writes into the records, and the global ones are read again for the next entry. */
	buf_reset(&r->global_copy);
	if (buf_add(&r->global_copy, r->global_pax.data, r->global_pax.len) < 0)
		return err_oom(err);
	n = tar_read_pax(d, &r->global_copy, true, err);
	if (n >= 0)
		n = tar_read_pax(d, &r->pax, false, err);
	if (n < 0)
		return n;
	read_names(r, h);
	n = read_numbers(d, h, err);
	if (n >= 0)
		n = read_type(d, h, err);
	if (n < 0)
		return n;
	if (!d->has_size) {
		if (READ_BOUNDED(h, size, "size", INT64_MAX, &size, err) < 0)
			return -EBADMSG;
		d->stored_size = (uint64_t)size;
	}
	d->entry.xattrs = d->xattrs;
	/* Only files have data; others state a size at times, and no data follows (as GNU tar and Go read it). */
	if (d->entry.type != TAR_FILE)
		d->stored_size = 0;
	if (d->entry.type != TAR_HARDLINK && d->entry.type != TAR_SYMLINK)
		d->entry.link = "";
	r->data_left = d->stored_size;
	r->padding = tar_padding(d->stored_size);
	if (h->type == 'S' && is_gnu(h))
		return start_old_sparse(r, h, err);
	if (d->sparse.present && d->sparse.major == 1 && d->entry.type == TAR_FILE)
		return STATE_NEW_MAP;
	return STATE_ENTRY;
}

/* Extended headers: their payload is read first. Returns the next state. */
static int start_meta(struct tar_reader *r, const struct tar_header *h, struct err *err)
{
	int64_t size;

	if (READ_BOUNDED(h, size, "size of an extended header", INT64_MAX, &size, err) < 0)
		return -EBADMSG;
	if (size > TAR_META_MAX)
		return err_set(err, E2BIG, "an extended header of %" PRId64 " bytes; the limit is %d", size,
			       TAR_META_MAX);
	r->meta_type = h->type;
	r->meta_left = (uint64_t)size;
	r->padding = tar_padding((uint64_t)size);
	/* Of repeated long names the last counts; pax records add up. */
	if (h->type == 'L')
		buf_reset(&r->long_name);
	if (h->type == 'K')
		buf_reset(&r->long_link);
	return STATE_META;
}

static int read_header(struct tar_reader *r, const uint8_t *block, struct err *err)
{
	const struct tar_header *h = (const struct tar_header *)(const void *)block;

	if (is_zero(block)) {
		bool second = r->saw_zero_block;

		r->saw_zero_block = true;
		return second ? STATE_ENDED : STATE_HEADER;
	}
	if (r->saw_zero_block)
		return err_set(err, EBADMSG, "a lone block of zeros at byte %" PRIu64 ", and more behind it",
			       r->position - 2 * TAR_BLOCK_SIZE);
	if (!tar_checksum_is_right(h) && r->position == TAR_BLOCK_SIZE)
		return err_set(err, EBADMSG, "this is no tar archive: it does not begin with a header");
	if (!tar_checksum_is_right(h))
		return err_set(err, EBADMSG, "no tar header at byte %" PRIu64 ": the checksum is wrong",
			       r->position - TAR_BLOCK_SIZE);
	switch (h->type) {
	case 'x':
	case 'X': /* Solaris' name for it */
	case 'g':
	case 'L':
	case 'K':
		return start_meta(r, h, err);
	case 'V': /* GNU's name for the whole archive */
		return STATE_HEADER;
	default:
		return read_entry_header(r, h, err);
	}
}

/* --- payloads --- */

static struct buf *meta_target(struct tar_reader *r)
{
	switch (r->meta_type) {
	case 'g':
		return &r->global_pax;
	case 'L':
		return &r->long_name;
	case 'K':
		return &r->long_link;
	default:
		return &r->pax;
	}
}

/* GNU's long names count their NUL. One inside would make two readers see two names. */
static int check_long_name(struct buf *b, struct err *err)
{
	if (b->len > 0 && b->data[b->len - 1] == '\0')
		b->len--;
	if (memchr(b->data ? b->data : "", '\0', b->len))
		return err_set(err, EBADMSG, "a long name has a NUL in it");
	return 0;
}

static int read_meta(struct tar_reader *r, struct err *err)
{
	struct buf *target = meta_target(r);
	size_t n = r->meta_left < r->in_len ? (size_t)r->meta_left : r->in_len;

	if (buf_add(target, take(r, n), n) < 0)
		return target->error == -E2BIG
			       ? err_set(err, E2BIG, "extended headers of more than %d bytes", TAR_META_MAX)
			       : err_oom(err);
	r->meta_left -= n;
	if (r->meta_left > 0)
		return STATE_META;
	n = r->padding < r->in_len ? r->padding : r->in_len;
	take(r, n);
	r->padding -= n;
	if (r->padding > 0)
		return STATE_META;
	if (r->meta_type == 'L' || r->meta_type == 'K') {
		int bad = check_long_name(target, err);

		if (bad < 0)
			return bad;
	}
	return STATE_HEADER;
}

static int read_old_map(struct tar_reader *r, struct err *err)
{
	const struct tar_gnu_sparse_block *block = (const void *)take_block(r);
	int n;

	if (!block)
		return STATE_OLD_MAP;
	n = add_gnu_pieces(r, block->pieces, GNU_BLOCK_PIECES, err);
	if (n < 0)
		return n;
	return block->is_extended ? STATE_OLD_MAP : STATE_ENTRY;
}

/* One number of a 1.0 map: first how many pieces there are, then offset and length of each. */
static int take_map_number(struct tar_reader *r, struct err *err)
{
	uint64_t n = 0;

	if (r->map_digits_len == 0 || r->map_digits_len > 19)
		return err_set(err, EBADMSG, "the map of a sparse file has no number where one must be");
	for (size_t i = 0; i < r->map_digits_len; i++)
		n = n * 10 + (uint64_t)(r->map_digits[i] - '0');
	r->map_digits_len = 0;
	if (!r->map_counted) {
		if (n > TAR_EXTENTS_MAX)
			return err_set(err, E2BIG, "a sparse file has more than %d pieces", TAR_EXTENTS_MAX);
		r->map_counted = true;
		r->map_numbers_left = 2 * n;
		return 0;
	}
	if (--r->map_numbers_left % 2 == 1) {
		r->map_offset = n;
		return 0;
	}
	return tar_add_extent(&r->draft, r->map_offset, n, err);
}

static int read_new_map(struct tar_reader *r, struct err *err)
{
	const uint8_t *block;

	if (r->block_len == 0 && r->data_left < TAR_BLOCK_SIZE)
		return err_set(err, EBADMSG, "the map of a sparse file does not fit its size");
	block = take_block(r);
	if (!block)
		return STATE_NEW_MAP;
	r->data_left -= TAR_BLOCK_SIZE;
	for (size_t i = 0; i < TAR_BLOCK_SIZE && (!r->map_counted || r->map_numbers_left > 0); i++) {
		if (block[i] >= '0' && block[i] <= '9' && r->map_digits_len < sizeof(r->map_digits)) {
			r->map_digits[r->map_digits_len++] = (char)block[i];
			continue;
		}
		int n = block[i] == '\n' ? take_map_number(r, err)
					 : err_set(err, EBADMSG, "the map of a sparse file is malformed");

		if (n < 0)
			return n;
	}
	return r->map_counted && r->map_numbers_left == 0 ? STATE_ENTRY : STATE_NEW_MAP;
}

/* The sizes must agree before anything is told. */
static int check_entry(struct tar_reader *r, struct err *err)
{
	struct tar_draft *d = &r->draft;
	uint64_t sum = 0, end = 0;

	if (d->entry.type != TAR_FILE) {
		d->entry.size = 0;
		return 0;
	}
	if (!d->sparse.present) {
		d->entry.size = d->stored_size;
		return 0;
	}
	if (!d->sparse.has_real_size)
		return err_set(err, EBADMSG, "'%.256s': a sparse file without its size", d->entry.name);
	for (size_t i = 0; i < d->extents_len; i++) {
		sum += d->extents[i].len; /* no overflow: pieces don't overlap and end below 2^63 */
		end = d->extents[i].offset + d->extents[i].len;
	}
	if (sum != r->data_left || end > d->sparse.real_size)
		return err_set(err, EBADMSG, "'%.256s': the pieces of a sparse file do not add up to its size",
			       d->entry.name);
	d->entry.size = d->sparse.real_size;
	return 0;
}

/* --- data --- */

static void tell_data(struct tar_reader *r, struct tar_event *ret)
{
	const struct tar_draft *d = &r->draft;
	size_t n = r->data_left < r->in_len ? (size_t)r->data_left : r->in_len;
	uint64_t offset = d->stored_size - r->data_left;

	if (d->sparse.present) {
		const struct tar_extent *x;

		while (r->extent_done == d->extents[r->extent].len) {
			r->extent++;
			r->extent_done = 0;
		}
		x = &d->extents[r->extent];
		if (n > x->len - r->extent_done)
			n = (size_t)(x->len - r->extent_done);
		offset = x->offset + r->extent_done;
		r->extent_done += n;
	}
	*ret = (struct tar_event){ TAR_EVENT_DATA, &d->entry, take(r, n), n, offset };
	r->data_left -= n;
}

uint64_t tar_reader_skip(struct tar_reader *r)
{
	uint64_t n = r->data_left + r->padding;

	r->in_len = 0;
	r->position += n;
	r->data_left = 0;
	r->padding = 0;
	r->state = STATE_END_OF_ENTRY;
	return n;
}

/* Runs the state once. 1: RET is set; 0: go on; negative: an error. There is at least one byte, or the state needs none. */
static int step(struct tar_reader *r, struct tar_event *ret, struct err *err)
{
	const uint8_t *block;
	int next;
	size_t n;

	switch (r->state) {
	case STATE_HEADER:
		block = take_block(r);
		next = block ? read_header(r, block, err) : STATE_HEADER;
		break;
	case STATE_META:
		next = read_meta(r, err);
		break;
	case STATE_OLD_MAP:
		next = read_old_map(r, err);
		break;
	case STATE_NEW_MAP:
		next = read_new_map(r, err);
		break;
	case STATE_ENTRY:
		next = check_entry(r, err);
		if (next < 0)
			return next;
		r->state = STATE_DATA;
		*ret = (struct tar_event){ TAR_EVENT_ENTRY, .entry = &r->draft.entry };
		return 1;
	case STATE_DATA:
		if (r->data_left == 0) {
			next = STATE_END_OF_ENTRY;
			break;
		}
		tell_data(r, ret);
		return 1;
	case STATE_PADDING:
		n = r->padding < r->in_len ? r->padding : r->in_len;
		take(r, n);
		r->padding -= n;
		next = r->padding ? STATE_PADDING : STATE_HEADER;
		break;
	case STATE_END_OF_ENTRY:
		*ret = (struct tar_event){ TAR_EVENT_END_OF_ENTRY, .entry = &r->draft.entry };
		r->entry_is_old = true;
		r->state = r->padding ? STATE_PADDING : STATE_HEADER;
		return 1;
	default:
		r->trailing += r->in_len;
		take(r, r->in_len);
		if (r->trailing > TAR_TRAILING_MAX)
			return err_set(err, E2BIG, "more than %d MiB follow the archive's end mark",
				       TAR_TRAILING_MAX >> 20);
		next = STATE_ENDED;
	}
	if (next < 0)
		return next;
	r->state = (enum state)next;
	return 0;
}

/* True if the state can go on without a byte of input. */
static bool needs_no_input(const struct tar_reader *r)
{
	switch (r->state) {
	case STATE_ENTRY:
	case STATE_END_OF_ENTRY:
		return true;
	case STATE_META:
		return r->meta_left == 0 && r->padding == 0;
	case STATE_DATA:
		return r->data_left == 0;
	case STATE_PADDING:
		return r->padding == 0;
	default:
		return false;
	}
}

int tar_reader_next(struct tar_reader *r, struct tar_event *ret, struct err *err)
{
	if (r->entry_is_old) {
		reset_draft(r);
		r->entry_is_old = false;
	}
	while (r->in_len > 0 || needs_no_input(r)) {
		int n = step(r, ret, err);

		if (n != 0)
			return n;
	}
	return 0;
}

int tar_reader_finish(const struct tar_reader *r, struct err *err)
{
	if (r->state == STATE_ENDED || (r->state == STATE_HEADER && r->saw_zero_block && r->block_len == 0))
		return 1;
	if (r->state == STATE_HEADER && r->block_len == 0 && r->pax.len == 0 && r->long_name.len == 0)
		return 0;
	/* All data of the last entry is there. Writers that are not closed (umoci insert) leave out what follows it. */
	if (r->state == STATE_PADDING)
		return 0;
	return err_set(err, EBADMSG, "the archive is cut off at byte %" PRIu64 ", in the middle of an entry",
		       r->position);
}
