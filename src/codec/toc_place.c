#include "codec/toc_place.h"

#include "base/num.h"
#include "base/str.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum { EXTRA_AT = 16, DIGITS = 16 };

static bool fits(const struct toc_place *p, uint64_t size)
{
	return p->size > 0 && p->offset > 0 && p->offset < size && p->size <= size - p->offset;
}

int estargz_footer_parse(const uint8_t footer[static ESTARGZ_FOOTER_SIZE], uint64_t size, struct toc_place *ret,
			 struct err *err)
{
	/* RFC 1952: magic, deflate, FEXTRA; the extra field's length, then the subfield's name and length. */
	static const uint8_t begin[] = { 0x1f, 0x8b, 8, 4 }, field[] = { 26, 0, 'S', 'G', 22, 0 };
	struct toc_place place;
	char digits[DIGITS + 1];

	memcpy(digits, footer + EXTRA_AT, DIGITS);
	digits[DIGITS] = '\0';
	if (memcmp(footer, begin, sizeof(begin)) != 0 || memcmp(footer + 10, field, sizeof(field)) != 0 ||
	    memcmp(footer + EXTRA_AT + DIGITS, "STARGZ", 6) != 0 || num_parse_u64(digits, 16, &place.offset) < 0 ||
	    size < ESTARGZ_FOOTER_SIZE || place.offset > size - ESTARGZ_FOOTER_SIZE)
		return err_set(err, EBADMSG, "the layer does not end like an eStargz");
	place.size = size - ESTARGZ_FOOTER_SIZE - place.offset;
	if (!fits(&place, size))
		return err_set(err, EBADMSG, "the layer says that its table of contents is outside of it");
	*ret = place;
	return 0;
}

int chunked_position_parse(const char *text, uint64_t size, struct toc_place *ret, struct err *err)
{
	char copy[128], *rest = copy, *words[4] = { 0 };
	struct toc_place place;
	uint64_t plain;

	snprintf(copy, sizeof(copy), "%s", text);
	for (size_t i = 0; i < 4; i++)
		words[i] = strsep(&rest, ":");
	if (rest || !words[3] || strlen(text) >= sizeof(copy) || num_parse_u64(words[0], 10, &place.offset) < 0 ||
	    num_parse_u64(words[1], 10, &place.size) < 0 || num_parse_u64(words[2], 10, &plain) < 0 ||
	    strcmp(words[3], "1") != 0)
		return err_set(err, EBADMSG, "'%.100s' is no position of a table of contents", text);
	if (!fits(&place, size))
		return err_set(err, EBADMSG, "the manifest says that a layer's table of contents is outside of it");
	*ret = place;
	return 0;
}
