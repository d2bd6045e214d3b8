#include "codec/log_line.h"

#include "base/timefmt.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

/* --- writing --- */

/* The length of the UTF-8 character at S (at most LEN bytes), 0 if there is none. */
static size_t utf8_length(const unsigned char *s, size_t len)
{
	static const unsigned char least_second[] = { 0xa0, 0x90 };
	size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : 0;

	if (s[0] >= 0xf0 && s[0] < 0xf5)
		n = 4;
	if (n == 0 || n > len)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* Longer than need be, halves of surrogate pairs, and beyond U+10FFFF. */
	if ((s[0] == 0xe0 && s[1] < least_second[0]) || (s[0] == 0xf0 && s[1] < least_second[1]) ||
	    (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

static void add_escaped(struct buf *out, unsigned char c)
{
	switch (c) {
	case '"':
	case '\\':
		buf_add_char(out, '\\');
		buf_add_char(out, (char)c);
		break;
	case '\n':
		buf_add(out, "\\n", 2);
		break;
	case '\r':
		buf_add(out, "\\r", 2);
		break;
	case '\t':
		buf_add(out, "\\t", 2);
		break;
	default:
		buf_addf(out, "\\u%04x", c);
	}
}

int json_text_format(struct buf *out, const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t from = 0, at = 0;

	buf_add_char(out, '"');
	while (at < len) {
		size_t n = is_plain(p[at]) ? 1 : p[at] >= 0x80 ? utf8_length(p + at, len - at) : 0;

		if (n > 0) {
			at += n;
			continue;
		}
		buf_add(out, s + from, at - from);
		if (p[at] >= 0x80)
			buf_add(out, "\\ufffd", 6);
		else
			add_escaped(out, p[at]);
		from = ++at;
	}
	buf_add(out, s + from, at - from);
	return buf_add_char(out, '"');
}

int log_line_format(struct buf *out, const char *text, size_t len, const struct log_line *line)
{
	char time[TIME_RFC3339_MAX];

	time_format_rfc3339(line->time, time);
	buf_add_str(out, "{\"log\":");
	json_text_format(out, text, len);
	buf_addf(out, ",\"stream\":\"%s\"", line->is_stderr ? "stderr" : "stdout");
	if (line->attrs) {
		buf_add_str(out, ",\"attrs\":");
		buf_add(out, line->attrs, line->attrs_len);
	}
	return buf_addf(out, ",\"time\":\"%s\"}\n", time);
}

/* --- reading --- */

struct reader {
	const char *at, *end;
};

static bool take(struct reader *r, char c)
{
	if (r->at == r->end || *r->at != c)
		return false;
	r->at++;
	return true;
}

static void skip_blanks(struct reader *r)
{
	while (r->at < r->end && (*r->at == ' ' || *r->at == '\t'))
		r->at++;
}

static bool read_hex4(struct reader *r, uint32_t *ret)
{
	uint32_t value = 0;

	if (r->end - r->at < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		char c = *r->at++;
		int digit = c >= '0' && c <= '9'   ? c - '0'
			    : c >= 'a' && c <= 'f' ? c - 'a' + 10
			    : c >= 'A' && c <= 'F' ? c - 'A' + 10
						   : -1;

		if (digit < 0)
			return false;
		value = value << 4 | (uint32_t)digit;
	}
	*ret = value;
	return true;
}

static void add_utf8(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_add_char(out, (char)c);
	} else if (c < 0x800) {
		buf_add_char(out, (char)(0xc0 | c >> 6));
		buf_add_char(out, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buf_add_char(out, (char)(0xe0 | c >> 12));
		buf_add_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_add_char(out, (char)(0x80 | (c & 0x3f)));
	} else {
		buf_add_char(out, (char)(0xf0 | c >> 18));
		buf_add_char(out, (char)(0x80 | (c >> 12 & 0x3f)));
		buf_add_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_add_char(out, (char)(0x80 | (c & 0x3f)));
	}
}

static bool read_unicode(struct reader *r, struct buf *out)
{
	uint32_t c, low;

	if (!read_hex4(r, &c))
		return false;
	if (c >= 0xd800 && c < 0xdc00) {
		if (!take(r, '\\') || !take(r, 'u') || !read_hex4(r, &low) || low < 0xdc00 || low > 0xdfff)
			return false;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	} else if (c >= 0xdc00 && c < 0xe000) {
		return false;
	}
	add_utf8(out, c);
	return true;
}

static bool read_escape(struct reader *r, struct buf *out)
{
	static const char letters[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	const char *found;

	if (r->at == r->end)
		return false;
	if (take(r, 'u'))
		return read_unicode(r, out);
	found = *r->at ? strchr(letters, *r->at) : NULL;
	if (!found)
		return false;
	r->at++;
	buf_add_char(out, values[found - letters]);
	return true;
}

static bool read_string(struct reader *r, struct buf *out)
{
	if (!take(r, '"'))
		return false;
	for (;;) {
		const char *from = r->at;

		while (r->at < r->end && *r->at != '"' && *r->at != '\\')
			r->at++;
		buf_add(out, from, (size_t)(r->at - from));
		if (take(r, '"'))
			return out->error == 0;
		if (!take(r, '\\') || !read_escape(r, out))
			return false;
	}
}

/* An object of strings, as it stands: "attrs" is handed on. */
static bool skip_object(struct reader *r)
{
	struct buf ignored = BUF_INIT(LOG_ATTRS_MAX);
	bool ok = take(r, '{');

	skip_blanks(r);
	for (bool first = true; ok && !take(r, '}'); first = false) {
		ok = first || take(r, ',');
		skip_blanks(r);
		ok = ok && read_string(r, &ignored);
		skip_blanks(r);
		ok = ok && take(r, ':');
		skip_blanks(r);
		ok = ok && read_string(r, &ignored);
		skip_blanks(r);
	}
	buf_done(&ignored);
	return ok;
}

static bool read_member(struct reader *r, struct buf *text, struct log_line *ret)
{
	struct buf key = BUF_INIT(64), value = BUF_INIT(TIME_RFC3339_MAX + 32);
	const char *from;
	bool ok = read_string(r, &key);

	skip_blanks(r);
	ok = ok && take(r, ':');
	skip_blanks(r);
	from = r->at;
	if (ok && strcmp(buf_str(&key), "log") == 0) {
		ok = read_string(r, text);
	} else if (ok && strcmp(buf_str(&key), "attrs") == 0) {
		ok = skip_object(r);
		ret->attrs = from;
		ret->attrs_len = (size_t)(r->at - from);
	} else if (ok) {
		ok = read_string(r, &value);
		if (ok && strcmp(buf_str(&key), "time") == 0)
			ok = time_parse_rfc3339(buf_str(&value), &ret->time) == 0;
		else if (ok && strcmp(buf_str(&key), "stream") == 0)
			ret->is_stderr = strcmp(buf_str(&value), "stderr") == 0;
	}
	buf_done(&key);
	buf_done(&value);
	return ok;
}

int log_line_parse(const char *line, size_t len, struct buf *text, struct log_line *ret)
{
	struct reader r = { line, line + len };
	struct log_line out = { 0 };
	size_t before = text->len;
	bool ok = len <= LOG_LINE_MAX && take(&r, '{');

	skip_blanks(&r);
	for (bool first = true; ok && !take(&r, '}'); first = false) {
		ok = first || take(&r, ',');
		skip_blanks(&r);
		ok = ok && read_member(&r, text, &out);
		skip_blanks(&r);
	}
	if (!ok || r.at != r.end) {
		if (text->data) {
			text->len = before;
			text->data[before] = '\0';
		}
		return -EBADMSG;
	}
	*ret = out;
	return 0;
}
