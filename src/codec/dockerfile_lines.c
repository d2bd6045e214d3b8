/*
 * Physical lines to instructions. The rules of BuildKit's parser:
 * - a line whose first character other than a blank is '#' is a comment, also between continued lines;
 * - a blank line between continued lines is skipped;
 * - a line goes on in the next one if it ends in one escape character (not two) and blanks;
 * - nothing is put in place of the line end; blanks at the start are removed on the first line only.
 */
#include "base/buf.h"
#include "base/cleanup.h"
#include "codec/dockerfile_impl.h"

#include <string.h>
#include <strings.h>

DEFINE_VEC(segment_list, struct dockerfile_segment)

bool dockerfile_next_line(struct dockerfile_reader *r, struct dockerfile_line *ret)
{
	const char *newline;

	if (r->at >= r->end)
		return false;
	newline = memchr(r->at, '\n', (size_t)(r->end - r->at));
	ret->text = r->at;
	ret->len = (size_t)((newline ? newline : r->end) - r->at);
	ret->number = ++r->line;
	r->at = newline ? newline + 1 : r->end;
	if (ret->len > 0 && ret->text[ret->len - 1] == '\r')
		ret->len--;
	return true;
}

static size_t leading_blanks(const struct dockerfile_line *line)
{
	size_t n = 0;

	while (n < line->len && dockerfile_blank(line->text[n]))
		n++;
	return n;
}

/* Whether LINE ends in the escape character; *RET_LEN is what stands before that. */
static bool is_continued(const struct dockerfile_line *line, char escape, size_t *ret_len)
{
	size_t len = line->len;

	while (len > 0 && (line->text[len - 1] == ' ' || line->text[len - 1] == '\t'))
		len--;
	if (len == 0 || line->text[len - 1] != escape || (len > 1 && line->text[len - 2] == escape)) {
		*ret_len = line->len;
		return false;
	}
	*ret_len = len - 1;
	return true;
}

static int add_segment(struct dockerfile_instruction *in, size_t offset, unsigned line, size_t column)
{
	struct dockerfile_segment segment = { offset, line, (unsigned)column };
	struct segment_list list = { in->segments.items, in->segments.len, in->segments.cap };
	int r = segment_list_push(&list, segment);

	in->segments = (struct dockerfile_segments){ list.items, list.len, list.cap };
	return r;
}

int dockerfile_next_logical(const struct dockerfile *df, struct dockerfile_reader *r,
			    struct dockerfile_instruction *ret, struct err *err)
{
	autobuf struct buf text = BUF_INIT(DOCKERFILE_LINE_MAX);
	struct dockerfile_line line;
	bool more = true, any = false;

	while (more && dockerfile_next_line(r, &line)) {
		size_t skip = leading_blanks(&line), len;

		if (skip == line.len || line.text[skip] == '#')
			continue;
		more = is_continued(&line, df->escape, &len);
		if (any)
			skip = 0;
		if (len > skip && buf_add(&text, line.text + skip, len - skip) < 0) {
			if (text.error == -ENOMEM)
				return err_oom(err);
			return dockerfile_error_at(df, line.number, 1, err, E2BIG,
						   "the instruction is longer than 1 MiB");
		}
		if (add_segment(ret, text.len - (len > skip ? len - skip : 0), line.number, skip + 1) < 0)
			return err_oom(err);
		any = true;
	}
	if (!any)
		return 0;
	ret->text = buf_take(&text);
	ret->end_line = r->line;
	return ret->text ? 1 : err_oom(err);
}

/* "# name = value" at P: the parts of it, or false. */
static bool split_directive(const char *p, const char *end, const char **name, size_t *name_len, const char **value,
			    size_t *value_len)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (p >= end || *p++ != '#')
		return false;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	*name = p;
	while (p < end && ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9')))
		p++;
	*name_len = (size_t)(p - *name);
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (*name_len == 0 || p >= end || *p++ != '=')
		return false;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*value = p;
	*value_len = (size_t)(end - p);
	return *value_len > 0;
}

static int set_directive(struct dockerfile *df, const struct dockerfile_line *line, const char *value, size_t len,
			 char **slot, struct err *err)
{
	if (*slot)
		return dockerfile_error_at(df, line->number, 1, err, EBADMSG,
					   "only one directive of this kind is allowed");
	*slot = strndup(value, len);
	return *slot ? 1 : err_oom(err);
}

/* 1 if LINE is a directive, else 0. */
static int read_directive(struct dockerfile *df, const struct dockerfile_line *line, char **escape, struct err *err)
{
	const char *name, *value;
	size_t name_len, value_len;

	if (!split_directive(line->text, line->text + line->len, &name, &name_len, &value, &value_len))
		return 0;
	if (name_len == 6 && strncasecmp(name, "syntax", 6) == 0)
		return set_directive(df, line, value, value_len, &df->syntax, err);
	if (name_len == 5 && strncasecmp(name, "check", 5) == 0)
		return set_directive(df, line, value, value_len, &df->check, err);
	if (name_len != 6 || strncasecmp(name, "escape", 6) != 0)
		return 0;
	if (value_len != 1 || (*value != '\\' && *value != '`'))
		return dockerfile_error_at(df, line->number, (unsigned)(value - line->text) + 1, err, EBADMSG,
					   "the escape character can only be \\ or `");
	df->escape = *value;
	return set_directive(df, line, value, value_len, escape, err);
}

int dockerfile_read_directives(struct dockerfile *df, struct dockerfile_reader *r, struct err *err)
{
	autofree char *escape = NULL;

	for (;;) {
		struct dockerfile_reader before = *r;
		struct dockerfile_line line;
		int found;

		if (!dockerfile_next_line(r, &line))
			return 0;
		found = read_directive(df, &line, &escape, err);
		if (found < 0)
			return found;
		if (!found) {
			*r = before;
			return 0;
		}
	}
}
