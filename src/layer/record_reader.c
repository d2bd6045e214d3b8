#include "layer/record_reader.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { READ_SIZE = 64 * 1024 };

void record_reader_done(struct record_reader *r)
{
	buf_done(&r->text);
	buf_done(&r->line);
}

/* More text behind what is left: 0 at the end. */
static ssize_t fill(struct record_reader *r, struct err *err)
{
	ssize_t n;

	buf_consume(&r->text, r->used);
	r->used = 0;
	if (buf_reserve(&r->text, READ_SIZE) < 0)
		return r->text.error == -E2BIG ? err_set(err, EBADMSG, "the record of the tree: a line is too long")
					       : err_oom(err);
	do
		n = read(r->fd, r->text.data + r->text.len, READ_SIZE);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_errno(err, errno, "read the record of the tree");
	r->text.len += (size_t)n;
	return n;
}

/* 1: r->line is the next; 0: the end. */
static int next_line(struct record_reader *r, struct err *err)
{
	const char *newline;

	while (!(newline = memchr(r->text.data + r->used, '\n', r->text.len - r->used))) {
		ssize_t n = fill(r, err);

		if (n < 0)
			return (int)n;
		if (n == 0 && r->text.len > 0)
			return err_set(err, EBADMSG, "the record of the tree is cut off");
		if (n == 0)
			return 0;
	}
	if (++r->lines > TREE_RECORD_LINES_MAX)
		return err_set(err, E2BIG, "the record of the tree has more than %d lines", TREE_RECORD_LINES_MAX);
	buf_reset(&r->line);
	buf_add(&r->line, r->text.data + r->used, (size_t)(newline - r->text.data) - r->used);
	r->used = (size_t)(newline - r->text.data) + 1;
	/* A NUL would end a name early. */
	if (r->line.error || strlen(buf_str(&r->line)) != r->line.len)
		return err_set(err, EBADMSG, "the record of the tree: a line is too long, or no text");
	return 1;
}

int record_reader_next(struct record_reader *r, struct err *err)
{
	int n;

	snprintf(r->last, sizeof(r->last), "%s", r->entry.path);
	n = next_line(r, err);
	r->ended = n == 0;
	if (n <= 0)
		return n;
	n = tree_record_parse(r->line.data, &r->entry, err);
	if (n >= 0 && tree_record_order(r->last, r->entry.path) >= 0)
		n = err_set(err, EBADMSG, "the record of the tree is not in order at '%.200s'", r->entry.path);
	return n < 0 ? n : 0;
}

int record_reader_open(struct record_reader *r, int fd, struct err *err)
{
	int n;

	*r = (struct record_reader){ .fd = fd, .entry = { .path = "", .link = "" } };
	r->text = BUF_INIT(READ_SIZE + TREE_RECORD_LINE_MAX);
	r->line = BUF_INIT(TREE_RECORD_LINE_MAX);
	if (buf_reserve(&r->text, 1) < 0 || buf_add_str(&r->line, "") < 0)
		return err_oom(err);
	n = next_line(r, err);
	if (n == 0)
		return err_set(err, EBADMSG, "the record of the tree is empty");
	if (n >= 0)
		n = tree_record_parse_first(r->line.data, &r->made, err);
	if (n >= 0)
		n = next_line(r, err);
	if (n >= 0)
		n = n == 0 ? err_set(err, EBADMSG, "the record of the tree has no files")
			   : tree_record_parse(r->line.data, &r->entry, err);
	if (n >= 0 && (r->entry.path[0] || r->entry.type != 'd'))
		n = err_set(err, EBADMSG, "the record of the tree does not begin with its root");
	return n < 0 ? n : 0;
}
