#include "monitor/monitor.h"

#include "base/timefmt.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static bool is_error_stream(const struct monitor *m, const int64_t *fd)
{
	return fd == &m->c.err;
}

/* The console tells by EIO that the program's side is closed, which may be opened again. */
static void stream_ended(struct monitor *m, int64_t *fd)
{
	log_end(&m->log, &m->streams[is_error_stream(m, fd)]);
	close((int)*fd);
	*fd = -1;
}

void output_pump(struct monitor *m, int64_t *fd)
{
	struct chunk *chunk = &m->chunk;
	ssize_t n = read((int)*fd, chunk->data, sizeof(chunk->data));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		stream_ended(m, fd);
		return;
	}
	chunk->len = (size_t)n;
	chunk->kind = is_error_stream(m, fd) ? ATTACH_STDERR : ATTACH_STDOUT;
	chunk->since_us = time_now_us();
	log_take(&m->log, &m->streams[is_error_stream(m, fd)], chunk->data, chunk->len);
	for (size_t i = 0; i < m->clients_len; i++) {
		struct client *c = &m->clients[i];
		uint32_t want = chunk->kind == ATTACH_STDERR ? ATTACH_WANT_STDERR : ATTACH_WANT_STDOUT;

		if (c->fd < 0 || !(c->wants & want))
			continue;
		if (c->lagging) {
			c->lost += chunk->len;
			continue;
		}
		c->owes = true;
		m->owing++;
	}
	clients_offer(m);
}

/* A frame of the tail: kind, length, bytes. Without memory for it clients miss it; the log has it. */
static void add_to_tail(struct monitor *m, const struct chunk *chunk)
{
	uint16_t len = (uint16_t)chunk->len;
	char kind = (char)chunk->kind;

	if (buf_reserve(&m->tail, 3 + chunk->len) < 0)
		return;
	buf_add_char(&m->tail, kind);
	buf_add(&m->tail, &len, sizeof(len));
	buf_add(&m->tail, chunk->data, chunk->len);
}

static void collect(struct monitor *m, int64_t *fd)
{
	struct chunk *chunk = &m->chunk;

	while (*fd >= 0) {
		ssize_t n = read((int)*fd, chunk->data, sizeof(chunk->data));

		if (n < 0 && errno == EINTR)
			continue;
		/* Somebody outside may hold the other end: what is there now is all that the container has written. */
		if (n <= 0) {
			stream_ended(m, fd);
			return;
		}
		chunk->len = (size_t)n;
		chunk->kind = is_error_stream(m, fd) ? ATTACH_STDERR : ATTACH_STDOUT;
		log_take(&m->log, &m->streams[is_error_stream(m, fd)], chunk->data, chunk->len);
		add_to_tail(m, chunk);
	}
}

void output_say(struct monitor *m, const char *text)
{
	struct chunk *chunk = &m->chunk;

	chunk->len = strnlen(text, sizeof(chunk->data));
	chunk->kind = ATTACH_STDERR;
	memcpy(chunk->data, text, chunk->len);
	log_take(&m->log, &m->streams[1], chunk->data, chunk->len);
	add_to_tail(m, chunk);
}

void output_collect_tail(struct monitor *m)
{
	/* What is still owed comes first. */
	if (m->owing > 0)
		add_to_tail(m, &m->chunk);
	for (size_t i = 0; i < m->clients_len; i++) {
		struct client *c = &m->clients[i];

		/* It has had the first frame, or doesn't want to. */
		if (m->owing > 0 && !c->owes)
			c->tail_at = m->tail.len;
		c->owes = false;
	}
	m->owing = 0;
	collect(m, &m->c.console);
	collect(m, &m->c.out);
	collect(m, &m->c.err);
}
