#include "codec/dbus.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The header's fields, of which each is a struct of a byte and a variant. */
enum {
	FIELD_PATH = 1,
	FIELD_INTERFACE = 2,
	FIELD_MEMBER = 3,
	FIELD_ERROR = 4,
	FIELD_REPLY = 5,
	FIELD_DESTINATION = 6,
	FIELD_SENDER = 7,
	FIELD_SIGNATURE = 8,
};

/* --- writing --- */

void dbus_put_align(struct buf *b, size_t alignment)
{
	while (!b->error && b->len % alignment)
		buf_add_char(b, '\0');
}

static void put_raw(struct buf *b, uint32_t value)
{
	const uint8_t bytes[] = { (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
				  (uint8_t)(value >> 24) };

	buf_add(b, bytes, sizeof(bytes));
}

void dbus_put_u32(struct buf *b, uint32_t value)
{
	dbus_put_align(b, 4);
	put_raw(b, value);
}

void dbus_put_string(struct buf *b, const char *s)
{
	dbus_put_u32(b, (uint32_t)strlen(s));
	buf_add(b, s, strlen(s) + 1);
}

void dbus_put_signature(struct buf *b, const char *s)
{
	buf_add_char(b, (char)strlen(s));
	buf_add(b, s, strlen(s) + 1);
}

static void patch(struct buf *b, size_t at, uint32_t value)
{
	if (b->error)
		return;
	for (int i = 0; i < 4; i++)
		b->data[at + (size_t)i] = (char)(value >> 8 * i);
}

size_t dbus_begin_array(struct buf *b, size_t alignment, size_t *ret_start)
{
	size_t at;

	dbus_put_align(b, 4);
	at = b->len;
	put_raw(b, 0);
	dbus_put_align(b, alignment);
	*ret_start = b->len;
	return at;
}

/* The padding before the first element does not count. */
void dbus_end_array(struct buf *b, size_t at, size_t start)
{
	patch(b, at, (uint32_t)(b->len - start));
}

static void put_field(struct buf *b, int code, const char *type, const char *value)
{
	if (!value || !*value)
		return;
	dbus_put_align(b, 8);
	buf_add_char(b, (char)code);
	dbus_put_signature(b, type);
	if (type[0] == 'g')
		dbus_put_signature(b, value);
	else
		dbus_put_string(b, value);
}

void dbus_write_call(struct buf *out, const struct dbus_call *call, const struct buf *body)
{
	struct buf b = BUF_INIT(DBUS_MESSAGE_MAX);
	size_t at, start;

	buf_add(&b, (const char[]){ 'l', DBUS_CALL, 0, 1 }, 4);
	put_raw(&b, body ? (uint32_t)body->len : 0);
	put_raw(&b, call->serial);
	at = dbus_begin_array(&b, 8, &start);
	put_field(&b, FIELD_PATH, "o", call->path);
	put_field(&b, FIELD_DESTINATION, "s", call->destination);
	put_field(&b, FIELD_INTERFACE, "s", call->interface);
	put_field(&b, FIELD_MEMBER, "s", call->member);
	put_field(&b, FIELD_SIGNATURE, "g", call->signature);
	dbus_end_array(&b, at, start);
	dbus_put_align(&b, 8);
	if (body && body->len)
		buf_add(&b, body->data, body->len);
	if (b.error || (body && body->error))
		out->error = b.error ? b.error : body->error;
	else
		buf_add(out, b.data, b.len);
	buf_done(&b);
}

/* --- reading --- */

static uint32_t get_raw(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool align(struct dbus_reader *r, size_t alignment)
{
	size_t at = (r->at + alignment - 1) / alignment * alignment;

	if (at > r->len)
		return false;
	r->at = at;
	return true;
}

bool dbus_get_u32(struct dbus_reader *r, uint32_t *ret)
{
	struct dbus_reader here = *r;

	if (!align(&here, 4) || here.len - here.at < 4)
		return false;
	*ret = get_raw(here.data + here.at);
	r->at = here.at + 4;
	return true;
}

bool dbus_get_string(struct dbus_reader *r, char *dst, size_t size)
{
	struct dbus_reader here = *r;
	uint32_t len;

	if (!dbus_get_u32(&here, &len) || len >= here.len - here.at || here.data[here.at + len] != '\0')
		return false;
	snprintf(dst, size, "%s", (const char *)here.data + here.at);
	r->at = here.at + len + 1;
	return true;
}

static bool get_signature(struct dbus_reader *r, char *dst, size_t size)
{
	size_t len;

	if (r->at >= r->len)
		return false;
	len = r->data[r->at];
	if (len >= r->len - r->at - 1 || r->data[r->at + 1 + len] != '\0')
		return false;
	snprintf(dst, size, "%s", (const char *)r->data + r->at + 1);
	r->at += len + 2;
	return true;
}

int dbus_message_size(const uint8_t *data, size_t *ret)
{
	uint64_t body = get_raw(data + 4), fields = get_raw(data + 12);
	uint64_t size = DBUS_HEADER + (fields + 7) / 8 * 8 + body;

	if (data[0] != 'l' || data[3] != 1)
		return -EBADMSG;
	if (size > DBUS_MESSAGE_MAX)
		return -E2BIG;
	*ret = (size_t)size;
	return 0;
}

/* One field; those whose type isn't that of the specification end the message. */
static bool read_field(struct dbus_reader *r, struct dbus_message *m)
{
	char type[8], other[DBUS_STRING_MAX];
	uint8_t code;

	if (!align(r, 8) || r->at >= r->len)
		return false;
	code = r->data[r->at++];
	if (!get_signature(r, type, sizeof(type)))
		return false;
	if (strcmp(type, "g") == 0)
		return get_signature(r, code == FIELD_SIGNATURE ? m->signature : other, sizeof(m->signature));
	if (strcmp(type, "u") == 0) {
		uint32_t value;

		if (!dbus_get_u32(r, &value))
			return false;
		if (code == FIELD_REPLY)
			m->reply_serial = value;
		return true;
	}
	if (strcmp(type, "s") != 0 && strcmp(type, "o") != 0)
		return false;
	return dbus_get_string(r,
			       code == FIELD_MEMBER  ? m->member
			       : code == FIELD_ERROR ? m->error
						     : other,
			       DBUS_STRING_MAX);
}

int dbus_read(const uint8_t *data, size_t len, struct dbus_message *ret)
{
	struct dbus_message m = { 0 };
	struct dbus_reader r = { .data = data };
	size_t size, fields;

	if (len < DBUS_HEADER || dbus_message_size(data, &size) < 0 || size != len)
		return -EBADMSG;
	if (data[1] < DBUS_CALL || data[1] > DBUS_SIGNAL)
		return -EBADMSG;
	m.type = data[1];
	m.body_len = get_raw(data + 4);
	m.body = data + len - m.body_len;
	m.serial = get_raw(data + 8);
	fields = get_raw(data + 12);
	r.at = DBUS_HEADER;
	r.len = DBUS_HEADER + fields;
	while (r.at < r.len)
		if (!read_field(&r, &m))
			return -EBADMSG;
	*ret = m;
	return 0;
}
