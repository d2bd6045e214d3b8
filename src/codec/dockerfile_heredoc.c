/* Here-documents behind ADD, COPY and RUN: `<<NAME`, `<<-NAME`, `<<"NAME"`, with an optional descriptor in front. */
#include "base/buf.h"
#include "base/cleanup.h"
#include "codec/dockerfile_impl.h"

#include <string.h>

DEFINE_VEC(heredoc_list, struct dockerfile_heredoc)

/* What a word like 3<<-"NAME" announces. */
struct announcement {
	char *name; /* owned */
	bool expand, strip_tabs;
};

/* 1 if the word of LEN bytes at P announces a heredoc, else 0; -ENOMEM. */
static int read_announcement(const char *p, size_t len, char escape, struct announcement *ret)
{
	const char *end = p + len;
	char *out;

	while (p < end && *p >= '0' && *p <= '9')
		p++;
	if (end - p < 3 || p[0] != '<' || p[1] != '<')
		return 0;
	p += 2;
	ret->strip_tabs = *p == '-';
	p += ret->strip_tabs;
	if (p == end || memchr(p, '<', (size_t)(end - p)))
		return 0;
	ret->expand = true;
	ret->name = out = malloc((size_t)(end - p) + 1);
	if (!out)
		return -ENOMEM;
	for (; p < end; p++) {
		if (*p == '\'' || *p == '"' || *p == escape)
			ret->expand = false;
		else
			*out++ = *p;
	}
	*out = '\0';
	return *ret->name ? 1 : 0;
}

static int read_content(const struct dockerfile *df, struct dockerfile_reader *r,
			const struct dockerfile_instruction *in, size_t offset, const struct announcement *a,
			struct buf *content, struct err *err)
{
	struct dockerfile_line line;

	while (dockerfile_next_line(r, &line)) {
		while (a->strip_tabs && line.len > 0 && *line.text == '\t') {
			line.text++;
			line.len--;
		}
		if (line.len == strlen(a->name) && memcmp(line.text, a->name, line.len) == 0)
			return 0;
		if (buf_add(content, line.text, line.len) < 0 || buf_add_char(content, '\n') < 0)
			return dockerfile_error(df, in, offset, err, -content->error,
						"the heredoc is longer than 1 MiB");
	}
	return dockerfile_error(df, in, offset, err, EBADMSG, "the heredoc is not ended: no line says '%.100s'",
				a->name);
}

static int add_heredoc(struct dockerfile_instruction *in, const struct announcement *a, struct buf *content)
{
	struct heredoc_list list = { in->heredocs.items, in->heredocs.len, in->heredocs.cap };
	struct dockerfile_heredoc h = { .name = strdup(a->name), .content = buf_take(content), .expand = a->expand };

	if (!h.name || !h.content || heredoc_list_push(&list, h) < 0) {
		free(h.name);
		free(h.content);
		return -ENOMEM;
	}
	in->heredocs = (struct dockerfile_heredocs){ list.items, list.len, list.cap };
	return 0;
}

static int read_one(const struct dockerfile *df, struct dockerfile_reader *r, struct dockerfile_instruction *in,
		    size_t offset, const struct announcement *a, struct err *err)
{
	autobuf struct buf content = BUF_INIT(DOCKERFILE_LINE_MAX);
	int res;

	if (in->heredocs.len >= DOCKERFILE_HEREDOCS_MAX)
		return dockerfile_error(df, in, offset, err, E2BIG, "more than %d heredocs", DOCKERFILE_HEREDOCS_MAX);
	res = read_content(df, r, in, offset, a, &content, err);
	if (res < 0)
		return res;
	return add_heredoc(in, a, &content) < 0 ? err_oom(err) : 0;
}

int dockerfile_read_heredocs(const struct dockerfile *df, struct dockerfile_reader *r,
			     struct dockerfile_instruction *in, struct err *err)
{
	const char *p = in->text + in->rest;

	if (!strstr(p, "<<"))
		return 0;
	for (;;) {
		struct announcement a = { 0 };
		size_t len;
		int found, res = 0;

		while (dockerfile_blank(*p))
			p++;
		len = dockerfile_word_length(p, df->escape);
		if (len == 0)
			return 0;
		found = read_announcement(p, len, df->escape, &a);
		if (found == 1)
			res = read_one(df, r, in, (size_t)(p - in->text), &a, err);
		free(a.name);
		if (found < 0)
			return err_oom(err);
		if (res < 0)
			return res;
		p += len;
	}
}
