/* Words, flags, and the exec form's JSON. */
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "codec/dockerfile_impl.h"

#include <string.h>

DEFINE_VEC(arg_list, struct dockerfile_arg)
DEFINE_VEC(flag_list, struct dockerfile_flag)

int dockerfile_add_arg(struct dockerfile_args *args, char *text, char *value, size_t offset)
{
	struct arg_list list = { args->items, args->len, args->cap };
	int r = -E2BIG;

	if (!text)
		r = -ENOMEM;
	else if (args->len < DOCKERFILE_WORDS_MAX)
		r = arg_list_push(&list, (struct dockerfile_arg){ text, value, offset });
	if (r < 0) {
		free(text);
		free(value);
		return r;
	}
	*args = (struct dockerfile_args){ list.items, list.len, list.cap };
	return 0;
}

void dockerfile_args_done(struct dockerfile_args *args)
{
	for (size_t i = 0; i < args->len; i++) {
		free(args->items[i].text);
		free(args->items[i].value);
	}
	free(args->items);
	*args = (struct dockerfile_args){ 0 };
}

size_t dockerfile_word_length(const char *p, char escape)
{
	const char *start = p;
	char quote = 0;

	for (; *p && (quote || !dockerfile_blank(*p)); p++) {
		if (quote) {
			if (*p == quote)
				quote = 0;
			else if (*p == escape && quote == '"' && p[1])
				p++;
		} else if (*p == '\'' || *p == '"') {
			quote = *p;
		} else if (*p == escape && p[1]) {
			p++;
		}
	}
	return (size_t)(p - start);
}

/* The text of a flag without the quotes and escapes that stand in it. */
static char *unquote(const char *p, size_t len, char escape)
{
	char *out = malloc(len + 1), *end = out, quote = 0;

	if (!out)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		if (quote ? p[i] == quote : p[i] == '\'' || p[i] == '"')
			quote = quote ? 0 : p[i];
		else if (p[i] == escape && quote != '\'' && i + 1 < len)
			*end++ = p[++i];
		else
			*end++ = p[i];
	}
	*end = '\0';
	return out;
}

static bool flag_is_known(const struct dockerfile_instruction *in, const char *name)
{
	const char *const *known = dockerfile_rules[in->keyword].flags;

	for (; known && *known; known++)
		if (strcmp(*known, name) == 0)
			return true;
	return false;
}

static int add_flag(const struct dockerfile *df, struct dockerfile_instruction *in, const char *word, size_t len,
		    struct err *err)
{
	struct flag_list list = { in->flags.items, in->flags.len, in->flags.cap };
	struct dockerfile_flag flag = { .offset = (size_t)(word - in->text) };
	autofree char *text = unquote(word + 2, len - 2, df->escape);
	char *equals;
	int r;

	if (!text)
		return err_oom(err);
	equals = strchr(text, '=');
	if (equals)
		*equals = '\0';
	if (!flag_is_known(in, text))
		return dockerfile_error(df, in, flag.offset, err, EBADMSG, "%s has no flag --%s",
					dockerfile_keyword_name(in->keyword), text);
	if (in->flags.len >= DOCKERFILE_WORDS_MAX)
		return dockerfile_error(df, in, flag.offset, err, E2BIG, "too many flags");
	flag.value = equals ? strdup(equals + 1) : NULL;
	flag.name = strdup(text);
	r = !flag.name || (equals && !flag.value) ? -ENOMEM : flag_list_push(&list, flag);
	if (r < 0) {
		free(flag.name);
		free(flag.value);
		return err_oom(err);
	}
	in->flags = (struct dockerfile_flags){ list.items, list.len, list.cap };
	return 0;
}

int dockerfile_take_flags(const struct dockerfile *df, struct dockerfile_instruction *in, size_t *offset,
			  struct err *err)
{
	const char *p = in->text + *offset;

	for (;;) {
		size_t len;
		int r;

		while (dockerfile_blank(*p))
			p++;
		*offset = (size_t)(p - in->text);
		if (p[0] != '-' || p[1] != '-')
			return 0;
		len = dockerfile_word_length(p, df->escape);
		if (len == 2) {
			for (p += 2; dockerfile_blank(*p); p++)
				;
			*offset = (size_t)(p - in->text);
			return 0;
		}
		r = add_flag(df, in, p, len, err);
		if (r < 0)
			return r;
		p += len;
	}
}

static int hex4(const char *p)
{
	int value = 0;

	for (int i = 0; i < 4; i++) {
		char c = p[i];
		int digit = c >= '0' && c <= '9'		 ? c - '0'
			    : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
								 : -1;

		if (digit < 0)
			return -1;
		value = value * 16 + digit;
	}
	return value;
}

static void add_utf8(struct buf *out, unsigned c)
{
	if (c < 0x80) {
		buf_add_char(out, (char)c);
	} else if (c < 0x800) {
		buf_add_char(out, (char)(0xc0 | c >> 6));
		buf_add_char(out, (char)(0x80 | (c & 63)));
	} else if (c < 0x10000) {
		buf_add_char(out, (char)(0xe0 | c >> 12));
		buf_add_char(out, (char)(0x80 | (c >> 6 & 63)));
		buf_add_char(out, (char)(0x80 | (c & 63)));
	} else {
		buf_add_char(out, (char)(0xf0 | c >> 18));
		buf_add_char(out, (char)(0x80 | (c >> 12 & 63)));
		buf_add_char(out, (char)(0x80 | (c >> 6 & 63)));
		buf_add_char(out, (char)(0x80 | (c & 63)));
	}
}

/* \uXXXX at P (which points at the first digit), pairs of surrogates joined; returns the end or NULL. */
static const char *json_unicode(const char *p, struct buf *out)
{
	int c = hex4(p), low;

	if (c <= 0)
		return NULL;
	p += 4;
	if (c >= 0xd800 && c < 0xdc00 && p[0] == '\\' && p[1] == 'u' && (low = hex4(p + 2)) >= 0xdc00 && low < 0xe000) {
		add_utf8(out, 0x10000 + ((unsigned)(c - 0xd800) << 10) + (unsigned)(low - 0xdc00));
		return p + 6;
	}
	add_utf8(out, c >= 0xd800 && c < 0xe000 ? 0xfffd : (unsigned)c);
	return p;
}

/* A JSON string at P (at its first quote) into OUT; returns the end, or NULL if it is none. */
static const char *json_string(const char *p, struct buf *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";

	for (p++; *p != '"';) {
		const char *escape;

		if ((unsigned char)*p < 0x20)
			return NULL;
		if (*p != '\\') {
			buf_add_char(out, *p++);
			continue;
		}
		p++;
		if (*p == 'u') {
			p = json_unicode(p + 1, out);
			if (!p)
				return NULL;
			continue;
		}
		escape = *p ? strchr(from, *p) : NULL;
		if (!escape)
			return NULL;
		buf_add_char(out, to[escape - from]);
		p++;
	}
	return p + 1;
}

static const char *skip_json_blanks(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

/* 1, 0 or negative as in dockerfile_json_strings; ARGS holds what was read so far in each case. */
static int json_items(const char *text, size_t base, struct dockerfile_args *args)
{
	const char *p = skip_json_blanks(text);

	if (*p++ != '[')
		return 0;
	p = skip_json_blanks(p);
	while (*p != ']') {
		autobuf struct buf item = BUF_INIT(DOCKERFILE_LINE_MAX);
		size_t offset = base + (size_t)(p - text);
		int r;

		if (*p != '"' || !(p = json_string(p, &item)))
			return 0;
		r = dockerfile_add_arg(args, buf_take(&item), NULL, offset);
		if (r < 0)
			return r;
		p = skip_json_blanks(p);
		if (*p == ']')
			break;
		if (*p != ',')
			return 0;
		p = skip_json_blanks(p + 1);
		if (*p == ']')
			return 0;
	}
	return *skip_json_blanks(p + 1) == '\0';
}

int dockerfile_json_strings(const char *text, size_t base, struct dockerfile_args *args)
{
	struct dockerfile_args items = { 0 };
	int r = json_items(text, base, &items);

	if (r <= 0) {
		dockerfile_args_done(&items);
		return r;
	}
	dockerfile_args_done(args);
	*args = items;
	return 1;
}
