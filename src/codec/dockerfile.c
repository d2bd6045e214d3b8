#include "codec/dockerfile.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "codec/dockerfile_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

DEFINE_VEC(instruction_list, struct dockerfile_instruction)

enum { SHOWN_MAX = 120 }; /* bytes of a line that an error shows */

void dockerfile_instruction_done(struct dockerfile_instruction *in)
{
	free(in->text);
	free(in->segments.items);
	for (size_t i = 0; i < in->flags.len; i++) {
		free(in->flags.items[i].name);
		free(in->flags.items[i].value);
	}
	free(in->flags.items);
	dockerfile_args_done(&in->args);
	for (size_t i = 0; i < in->heredocs.len; i++) {
		free(in->heredocs.items[i].name);
		free(in->heredocs.items[i].content);
	}
	free(in->heredocs.items);
	if (in->trigger) {
		dockerfile_instruction_done(in->trigger);
		free(in->trigger);
	}
	*in = (struct dockerfile_instruction){ 0 };
}

void dockerfile_done(struct dockerfile *df)
{
	for (size_t i = 0; i < df->instructions.len; i++)
		dockerfile_instruction_done(&df->instructions.items[i]);
	free(df->instructions.items);
	free(df->name);
	free(df->source);
	free(df->syntax);
	free(df->check);
	*df = DOCKERFILE_INIT;
}

const struct dockerfile_flag *dockerfile_flag(const struct dockerfile_instruction *in, const char *name)
{
	const struct dockerfile_flag *found = NULL;

	for (size_t i = 0; i < in->flags.len; i++)
		if (strcmp(in->flags.items[i].name, name) == 0)
			found = &in->flags.items[i];
	return found;
}

void dockerfile_position(const struct dockerfile_instruction *in, size_t offset, unsigned *ret_line,
			 unsigned *ret_column)
{
	const struct dockerfile_segment *segment = in->segments.items;

	for (size_t i = 1; i < in->segments.len && in->segments.items[i].offset <= offset; i++)
		segment = &in->segments.items[i];
	*ret_line = segment->line;
	*ret_column = segment->column + (unsigned)(offset - segment->offset);
}

/* Line NUMBER of the source, without its end. */
static const char *source_line(const struct dockerfile *df, unsigned number, size_t *ret_len)
{
	const char *p = df->source ? df->source : "";

	for (unsigned i = 1; i < number && p; i++) {
		p = strchr(p, '\n');
		p = p ? p + 1 : NULL;
	}
	*ret_len = p ? strcspn(p, "\r\n") : 0;
	return p ? p : "";
}

int dockerfile_error_at(const struct dockerfile *df, unsigned line, unsigned column, struct err *err, int code,
			const char *message)
{
	char pad[SHOWN_MAX + 1] = "";
	size_t len, before = column - 1, n;
	const char *text = source_line(df, line, &len);

	if (before > len)
		before = len;
	/* A long line is shown from shortly before the place. */
	if (before > SHOWN_MAX * 3 / 4) {
		size_t cut = before - SHOWN_MAX / 2;

		text += cut;
		len -= cut;
		before -= cut;
	}
	if (len > SHOWN_MAX)
		len = SHOWN_MAX;
	for (n = 0; n < before; n++)
		pad[n] = text[n] == '\t' ? '\t' : ' ';
	return err_set(err, code, "%s:%u:%u: %s\n%5u | %.*s\n      | %s^", df->name ? df->name : "Dockerfile", line,
		       column, message, line, (int)len, text, pad);
}

int dockerfile_error(const struct dockerfile *df, const struct dockerfile_instruction *in, size_t offset,
		     struct err *err, int code, const char *fmt, ...)
{
	char message[800];
	unsigned line, column;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	dockerfile_position(in, offset, &line, &column);
	return dockerfile_error_at(df, line, column, err, code, message);
}

/* Reads the instruction whose keyword stands at OFFSET of IN's text, up to its flags. */
static int parse_head(const struct dockerfile *df, struct dockerfile_instruction *in, size_t offset, struct err *err)
{
	const char *word = in->text + offset, *nearest;
	size_t len = 0;
	int keyword;

	while (word[len] && !dockerfile_blank(word[len]))
		len++;
	keyword = dockerfile_find_keyword(word, len);
	if (keyword < 0) {
		nearest = dockerfile_nearest_keyword(word, len);
		return dockerfile_error(df, in, offset, err, EBADMSG, "unknown instruction '%.*s'%s%s%s",
					len > 40 ? 40 : (int)len, word, nearest ? " (did you mean " : "",
					nearest ? nearest : "", nearest ? "?)" : "");
	}
	in->keyword = (enum dockerfile_keyword)keyword;
	in->rest = offset + len;
	return dockerfile_take_flags(df, in, &in->rest, err);
}

static int copy_text(const struct dockerfile_instruction *from, struct dockerfile_instruction *to)
{
	size_t size = from->segments.len * sizeof(*from->segments.items);

	to->text = strdup(from->text);
	to->segments.items = malloc(size ? size : 1);
	if (!to->text || !to->segments.items)
		return -ENOMEM;
	memcpy(to->segments.items, from->segments.items, size);
	to->segments.len = to->segments.cap = from->segments.len;
	to->end_line = from->end_line;
	return 0;
}

static int parse_trigger(const struct dockerfile *df, struct dockerfile_instruction *in, struct err *err)
{
	int r;

	if (!in->text[in->rest])
		return dockerfile_error(df, in, 0, err, EBADMSG, "ONBUILD needs an instruction behind it");
	in->trigger = calloc(1, sizeof(*in->trigger));
	if (!in->trigger || copy_text(in, in->trigger) < 0)
		return err_oom(err);
	r = parse_head(df, in->trigger, in->rest, err);
	if (r < 0)
		return r;
	switch (in->trigger->keyword) {
	case DOCKERFILE_ONBUILD:
	case DOCKERFILE_FROM:
	case DOCKERFILE_MAINTAINER:
		return dockerfile_error(df, in, in->rest, err, EBADMSG, "%s may not stand behind ONBUILD",
					dockerfile_keyword_name(in->trigger->keyword));
	default:
		return 0;
	}
}

static int parse_instruction(const struct dockerfile *df, struct dockerfile_reader *reader,
			     struct dockerfile_instruction *in, struct err *err)
{
	struct dockerfile_instruction *inner = in;
	int r = parse_head(df, in, 0, err);

	if (r >= 0 && in->keyword == DOCKERFILE_ONBUILD) {
		r = parse_trigger(df, in, err);
		inner = in->trigger;
	}
	if (r >= 0 && dockerfile_rules[inner->keyword].heredocs)
		r = dockerfile_read_heredocs(df, reader, inner, err);
	if (r >= 0)
		r = dockerfile_rules[inner->keyword].parse(df, inner, err);
	in->end_line = reader->line;
	return r == -ENOMEM && err && err->code != ENOMEM ? err_oom(err) : r;
}

static int parse_all(struct dockerfile *df, struct dockerfile_reader *reader, struct err *err)
{
	struct instruction_list list = { 0 };
	int r = dockerfile_read_directives(df, reader, err);

	while (r >= 0) {
		struct dockerfile_instruction in = { 0 };

		r = dockerfile_next_logical(df, reader, &in, err);
		if (r == 1)
			r = parse_instruction(df, reader, &in, err) < 0 ? -EBADMSG : 1;
		if (r == 1 && list.len >= DOCKERFILE_INSTRUCTIONS_MAX)
			r = dockerfile_error(df, &in, 0, err, E2BIG, "more than %d instructions",
					     DOCKERFILE_INSTRUCTIONS_MAX);
		if (r == 1 && instruction_list_push(&list, in) < 0)
			r = err_oom(err);
		if (r <= 0)
			dockerfile_instruction_done(&in);
		if (r == 0)
			break;
	}
	df->instructions = (struct dockerfile_instructions){ list.items, list.len, list.cap };
	return r;
}

int dockerfile_parse(const char *name, const char *text, size_t len, struct dockerfile *ret, struct err *err)
{
	struct dockerfile_reader reader;
	const char *nul;

	if (len > DOCKERFILE_MAX)
		return err_set(err, E2BIG, "%s: larger than %d MiB", name, DOCKERFILE_MAX >> 20);
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* byte order mark */
		text += 3;
		len -= 3;
	}
	ret->name = strdup(name);
	ret->source = malloc(len + 1);
	if (!ret->name || !ret->source)
		return err_oom(err);
	memcpy(ret->source, text, len);
	ret->source[len] = '\0';
	nul = memchr(text, '\0', len);
	if (nul)
		return err_set(err, EBADMSG, "%s: holds a NUL byte at offset %zu: is this a text file?", name,
			       (size_t)(nul - text));
	reader = (struct dockerfile_reader){ ret->source, ret->source + len, 0 };
	return parse_all(ret, &reader, err);
}

int dockerfile_parse_line(const char *name, const char *line, struct dockerfile *ret, struct err *err)
{
	int r = dockerfile_parse(name, line, strlen(line), ret, err);

	if (r >= 0 && ret->instructions.len != 1)
		return err_set(err, EBADMSG, "%s: '%s' is not one instruction", name, line);
	return r;
}
