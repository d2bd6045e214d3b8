#include "layer/smallest.h"

#include "base/cleanup.h"
#include "sys/fs.h"

#include <errno.h>
#include <isa-l/crc.h>
#include <stdlib.h>
#include <string.h>
#include <zopfli/deflate.h>
#include <zstd.h>

enum {
	WINDOW = 32768,	   /* deflate's */
	BLOCK = 1000000,   /* ZOPFLI_MASTER_BLOCK_SIZE: zopfli looks at so much at a time */
	ROOM = 128 * 1024, /* for zstd's output */
	TINY = 64 * 1024,  /* a few milliseconds an attempt */
	MODEST = 16 << 20, /* minutes beyond, at zopfli's own number of attempts */
	ZSTD_LEVEL_BEST = 22,
	/* Larger windows are refused by readers that bound their memory, and cost us 650 MiB. */
	ZSTD_WINDOW_LOG_MAX = 23,
};

struct smallest {
	int out_fd;
	enum layer_compression compression;
	uint64_t written;

	/* zopfli: up to WINDOW bytes that it may refer to, then what is to be compressed. */
	ZopfliOptions options;
	uint8_t *in;
	size_t window_len, len;
	unsigned char *out, bit;
	size_t out_len;
	uint32_t crc, in_size;

	ZSTD_CCtx *zstd;
	uint8_t *room;
};

static int put(struct smallest *s, const void *data, size_t len, struct err *err)
{
	s->written += len;
	return len ? fs_write_all(s->out_fd, data, len, err) : 0;
}

/* --- zopfli --- */

static int attempts(uint64_t total)
{
	return total > 0 && total <= TINY ? 500 : total > 0 && total <= MODEST ? 15 : 5;
}

static int start_gzip(struct smallest *s, uint64_t total, struct err *err)
{
	/* RFC 1952: deflate, no flags, no time, slowest, Unix. */
	static const uint8_t header[] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3 };

	ZopfliInitOptions(&s->options);
	s->options.numiterations = attempts(total);
	s->in = malloc(WINDOW + BLOCK);
	return s->in ? put(s, header, sizeof(header), err) : err_oom(err);
}

/*
 * Compresses what is there. Blocks end within a byte: its bits stay in out[0] for the next. zopfli enlarges its output when
 * the length is a power of two, so that one byte is a length that it can go on from.
 */
static int flush_gzip(struct smallest *s, bool last, struct err *err)
{
	const size_t end = s->window_len + s->len;
	size_t whole;
	int r;

	ZopfliDeflatePart(&s->options, 2, last, s->in, s->window_len, end, &s->bit, &s->out, &s->out_len);
	whole = s->out_len - (s->bit != 0 && !last);
	r = put(s, s->out, whole, err);
	if (r < 0)
		return r;
	if (whole < s->out_len)
		s->out[0] = s->out[whole];
	s->out_len -= whole;
	/* Of length 0 it would allocate anew. */
	if (s->out_len == 0) {
		free(s->out);
		s->out = NULL;
	}
	s->window_len = end < WINDOW ? end : WINDOW;
	memmove(s->in, s->in + end - s->window_len, s->window_len);
	s->len = 0;
	return 0;
}

static int write_gzip(struct smallest *s, const uint8_t *data, size_t len, struct err *err)
{
	s->crc = crc32_gzip_refl(s->crc, data, len);
	s->in_size += (uint32_t)len;
	while (len > 0) {
		size_t n = BLOCK - s->len;
		/* A block is compressed when there is more, so that the last one isn't empty. */
		int r = n == 0 ? flush_gzip(s, false, err) : 0;

		if (r < 0)
			return r;
		n = BLOCK - s->len;
		n = n < len ? n : len;
		memcpy(s->in + s->window_len + s->len, data, n);
		s->len += n;
		data += n;
		len -= n;
	}
	return 0;
}

static int finish_gzip(struct smallest *s, struct err *err)
{
	uint8_t tail[8];
	int r = flush_gzip(s, true, err);

	for (int i = 0; i < 4; i++) {
		tail[i] = (uint8_t)(s->crc >> 8 * i);
		tail[4 + i] = (uint8_t)(s->in_size >> 8 * i);
	}
	return r < 0 ? r : put(s, tail, sizeof(tail), err);
}

/* --- zstd --- */

static int start_zstd(struct smallest *s, uint64_t total, struct err *err)
{
	s->zstd = ZSTD_createCCtx();
	s->room = malloc(ROOM);
	if (!s->zstd || !s->room)
		return err_oom(err);
	ZSTD_CCtx_setParameter(s->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL_BEST);
	if (total == 0 || total > UINT64_C(1) << ZSTD_WINDOW_LOG_MAX)
		ZSTD_CCtx_setParameter(s->zstd, ZSTD_c_windowLog, ZSTD_WINDOW_LOG_MAX);
	if (total > 0)
		ZSTD_CCtx_setPledgedSrcSize(s->zstd, total);
	return 0;
}

static int run_zstd(struct smallest *s, const void *data, size_t len, ZSTD_EndDirective how, struct err *err)
{
	ZSTD_inBuffer in = { data, len, 0 };
	size_t left;

	do {
		ZSTD_outBuffer out = { s->room, ROOM, 0 };
		int r;

		left = ZSTD_compressStream2(s->zstd, &out, &in, how);
		if (ZSTD_isError(left))
			return err_set(err, EIO, "compress: zstd: %s", ZSTD_getErrorName(left));
		r = put(s, s->room, out.pos, err);
		if (r < 0)
			return r;
	} while (how == ZSTD_e_end ? left > 0 : in.pos < in.size);
	return 0;
}

/* --- both --- */

int smallest_new(int out_fd, enum layer_compression compression, uint64_t total, struct smallest **ret, struct err *err)
{
	struct smallest *s = calloc(1, sizeof(*s));
	int r = 0;

	if (!s)
		return err_oom(err);
	s->out_fd = out_fd;
	s->compression = compression;
	if (compression == LAYER_GZIP)
		r = start_gzip(s, total, err);
	else if (compression == LAYER_ZSTD)
		r = start_zstd(s, total, err);
	if (r < 0) {
		smallest_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

int smallest_write(struct smallest *s, const void *data, size_t len, struct err *err)
{
	switch (s->compression) {
	case LAYER_GZIP:
		return write_gzip(s, data, len, err);
	case LAYER_ZSTD:
		return run_zstd(s, data, len, ZSTD_e_continue, err);
	default:
		return put(s, data, len, err);
	}
}

int smallest_finish(struct smallest *s, uint64_t *ret_size, struct err *err)
{
	int r = 0;

	if (s->compression == LAYER_GZIP)
		r = finish_gzip(s, err);
	else if (s->compression == LAYER_ZSTD)
		r = run_zstd(s, NULL, 0, ZSTD_e_end, err);
	if (r >= 0)
		*ret_size = s->written;
	return r;
}

void smallest_free(struct smallest *s)
{
	if (!s)
		return;
	ZSTD_freeCCtx(s->zstd);
	free(s->room);
	free(s->in);
	free(s->out);
	free(s);
}
