#include "codec/tree_record.h"

#include "base/num.h"
#include "base/str.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const char first_words[] = "cloche-tree 1 ";

/* --- writing --- */

static void add_path(struct buf *out, const char *path)
{
	for (const char *p = path; *p; p++) {
		uint8_t c = (uint8_t)*p;

		if (c > ' ' && c < 127 && c != '\\')
			buf_add_char(out, *p);
		else
			buf_addf(out, "\\%03o", c);
	}
}

static void add_time(struct buf *out, const struct tree_record_time *t)
{
	buf_addf(out, " %" PRId64 ".%09" PRIu32, t->sec, t->nsec);
}

int tree_record_begin(struct buf *out, const struct tree_record_time *made)
{
	buf_addf(out, "%.*s", (int)sizeof(first_words) - 2, first_words);
	add_time(out, made);
	return buf_add_char(out, '\n');
}

int tree_record_write(struct buf *out, const struct tree_record_entry *e)
{
	buf_addf(out, "%c %" PRIo32 " %" PRIu32 ":%" PRIu32, e->type, e->mode, e->uid, e->gid);
	if (e->type == 'c' || e->type == 'b')
		buf_addf(out, " %" PRIu32 ":%" PRIu32, e->major, e->minor);
	else
		buf_addf(out, " %" PRIu64, e->size);
	add_time(out, &e->mtime);
	add_time(out, &e->ctime);
	buf_addf(out, " %" PRIu64 " %" PRIu64 " %" PRIx64 " %" PRIx64 " ", e->inode, e->links, e->content,
		 e->attributes);
	add_path(out, *e->path ? e->path : ".");
	if (*e->link) {
		buf_add_char(out, ' ');
		add_path(out, e->link);
	}
	return buf_add_char(out, '\n');
}

/* --- reading --- */

static int bad(struct err *err, const char *what)
{
	return err_set(err, EBADMSG, "the record of the tree: %s", what);
}

/* "<seconds>.<nanoseconds>"; seconds may be negative. */
static int parse_time(char *word, struct tree_record_time *ret)
{
	bool negative = word && word[0] == '-';
	char *digits = negative ? word + 1 : word, *rest = digits, *whole = digits ? strsep(&rest, ".") : NULL;
	uint64_t sec;

	if (!rest || num_parse_u64(whole, 10, &sec) < 0 || sec > INT64_MAX || strlen(rest) != 9 ||
	    num_parse_u32(rest, 999999999, &ret->nsec) < 0)
		return -EBADMSG;
	ret->sec = negative ? -(int64_t)sec : (int64_t)sec;
	return 0;
}

static int parse_pair(char *word, uint32_t *first, uint32_t *second)
{
	char *rest = word, *whole = word ? strsep(&rest, ":") : NULL;

	return rest && num_parse_u32(whole, UINT32_MAX, first) >= 0 && num_parse_u32(rest, UINT32_MAX, second) >= 0
		       ? 0
		       : -EBADMSG;
}

static int parse_number(const char *word, int base, uint64_t *ret)
{
	return word && num_parse_u64(word, base, ret) >= 0 ? 0 : -EBADMSG;
}

static int octal(const char *p)
{
	int value = 0;

	for (int i = 0; i < 3; i++) {
		if (p[i] < '0' || p[i] > '7')
			return -1;
		value = value * 8 + p[i] - '0';
	}
	return value > 0 && value < 256 ? value : -1;
}

/* In place. */
static int unescape(char *word)
{
	char *to = word;

	if (!word)
		return -EBADMSG;
	for (const char *from = word; *from; from++) {
		int c;

		if (*from != '\\') {
			*to++ = *from;
			continue;
		}
		c = octal(from + 1);
		if (c < 0)
			return -EBADMSG;
		*to++ = (char)c;
		from += 3;
	}
	*to = '\0';
	return *word && to - word <= TREE_RECORD_PATH_MAX ? 0 : -EBADMSG;
}

/* Relative, without "." and ".." and empty parts. */
static bool is_clean(const char *path)
{
	for (const char *p = path; *p;) {
		size_t len = strcspn(p, "/");

		if (len == 0 || (p[0] == '.' && (len == 1 || (len == 2 && p[1] == '.'))))
			return false;
		p += len;
		if (*p == '/' && !*++p)
			return false;
	}
	return true;
}

int tree_record_parse_first(char *line, struct tree_record_time *ret, struct err *err)
{
	if (!str_starts_with(line, first_words))
		return bad(err, "it is none, or one of another version");
	return parse_time(line + sizeof(first_words) - 1, ret) < 0 ? bad(err, "its time is none") : 0;
}

static int parse_names(char *line, struct tree_record_entry *e)
{
	char *path = strsep(&line, " ");

	if (unescape(path) < 0)
		return -EBADMSG;
	if (strcmp(path, ".") == 0)
		path[0] = '\0';
	e->path = path;
	e->link = "";
	if (!is_clean(path))
		return -EBADMSG;
	if (!line)
		return e->type == 'h' || e->type == 'l' ? -EBADMSG : 0;
	if ((e->type != 'h' && e->type != 'l') || unescape(line) < 0)
		return -EBADMSG;
	e->link = line;
	return e->type == 'h' && !is_clean(line) ? -EBADMSG : 0;
}

int tree_record_parse(char *line, struct tree_record_entry *ret, struct err *err)
{
	struct tree_record_entry e = { 0 };
	char *type = strsep(&line, " "), *mode = strsep(&line, " "), *owner = strsep(&line, " "),
	     *size = strsep(&line, " "), *mtime = strsep(&line, " "), *ctime = strsep(&line, " ");
	uint64_t bits;

	if (strlen(type) != 1 || !strchr("fdlcbph", type[0]))
		return bad(err, "a line does not begin with a type");
	e.type = type[0];
	if (parse_number(mode, 8, &bits) < 0 || bits > 07777 || parse_pair(owner, &e.uid, &e.gid) < 0)
		return bad(err, "mode or owner is none");
	e.mode = (uint32_t)bits;
	if (e.type == 'c' || e.type == 'b' ? parse_pair(size, &e.major, &e.minor) < 0
					   : parse_number(size, 10, &e.size) < 0)
		return bad(err, "a size is none");
	if (parse_time(mtime, &e.mtime) < 0 || parse_time(ctime, &e.ctime) < 0)
		return bad(err, "a time is none");
	if (parse_number(strsep(&line, " "), 10, &e.inode) < 0 || parse_number(strsep(&line, " "), 10, &e.links) < 0 ||
	    parse_number(strsep(&line, " "), 16, &e.content) < 0 ||
	    parse_number(strsep(&line, " "), 16, &e.attributes) < 0)
		return bad(err, "a number is none");
	if (parse_names(line, &e) < 0)
		return bad(err, "a path is none");
	*ret = e;
	return 0;
}

/* --- order --- */

/* A slash comes before all that may stand in a name, the end before a slash. */
static int rank(char c)
{
	return c == '\0' ? 0 : c == '/' ? 1 : (uint8_t)c + 1;
}

int tree_record_order(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return rank(*a) - rank(*b);
}

bool tree_record_is_below(const char *path, const char *folder)
{
	const char *rest = str_skip_prefix(path, folder);

	return rest && (*folder ? *rest == '/' : *rest != '\0');
}
