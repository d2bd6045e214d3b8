/*
 * Messages of D-Bus, as bytes: what a client of a few calls needs. No I/O. The D-Bus specification 0.43, "Marshaling" and
 * "Message protocol"; little endian only (a bus sends each message in the order of whoever wrote it: others are refused).
 *
 * Writing: begin, then values in the order of the signature, then end.
 */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DBUS_HEADER = 16, /* so many bytes tell how long a message is */
	DBUS_MESSAGE_MAX = 1 << 20,
	DBUS_STRING_MAX = 1024, /* of those that we look at */
};

enum dbus_type { DBUS_CALL = 1, DBUS_RETURN = 2, DBUS_ERROR = 3, DBUS_SIGNAL = 4 };

/* --- writing --- */

struct dbus_call {
	const char *destination, *path, *interface, *member;
	const char *signature; /* of the body; "" or NULL: empty */
	uint32_t serial;       /* not 0 */
};

/* Appends the message to OUT; BODY (may be NULL) was made by dbus_put_*. Errors stick in OUT. */
void dbus_write_call(struct buf *out, const struct dbus_call *call, const struct buf *body);

/* Values, each aligned as it has to be; the body begins at an offset that is a multiple of 8. */
void dbus_put_align(struct buf *b, size_t alignment);
void dbus_put_u32(struct buf *b, uint32_t value);
void dbus_put_string(struct buf *b, const char *s);
void dbus_put_signature(struct buf *b, const char *s);
/* An array of elements with ALIGNMENT: returns what dbus_end_array has to be given. */
size_t dbus_begin_array(struct buf *b, size_t alignment, size_t *ret_start);
void dbus_end_array(struct buf *b, size_t at, size_t start);

/* --- reading --- */

struct dbus_message {
	enum dbus_type type;
	uint32_t serial, reply_serial;
	char member[DBUS_STRING_MAX], error[DBUS_STRING_MAX], signature[256];
	const uint8_t *body; /* borrowed */
	size_t body_len;
};

/* From the first DBUS_HEADER bytes: how long the whole message is; -EBADMSG, -E2BIG. */
int dbus_message_size(const uint8_t *data, size_t *ret);
/* Parses a whole message of LEN bytes. -EBADMSG. */
int dbus_read(const uint8_t *data, size_t len, struct dbus_message *ret);

/* Values of a body, one after the other; false: there is none of the kind (the reader then stays where it is). */
struct dbus_reader {
	const uint8_t *data;
	size_t len, at;
};
bool dbus_get_u32(struct dbus_reader *r, uint32_t *ret);
/* Strings and object paths. DST is cut at SIZE. */
bool dbus_get_string(struct dbus_reader *r, char *dst, size_t size);
