#include "layer/inflate.h"

#include "base/cleanup.h"

#include <bzlib.h>
#include <errno.h>
#include <isa-l/igzip_lib.h>
#include <lzma.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum {
	/* xz -9 makes dictionaries of 64 MiB; what asks for more is no ordinary archive. */
	XZ_MEMORY_MAX = 80 << 20,
	/* zstd --long=27 is what zstd itself takes without being asked twice: 128 MiB. */
	ZSTD_WINDOW_LOG_MAX = 27,
};

struct inflate {
	enum layer_compression compression;
	bool between; /* at the start, or behind a whole member: the input may end here */
	union {
		struct inflate_state gzip;
		ZSTD_DStream *zstd;
		bz_stream bzip2;
		lzma_stream xz;
	};
};

const char *layer_compression_name(enum layer_compression compression)
{
	static const char *const names[] = { "tar", "gzip", "zstd", "bzip2", "xz" };

	return names[compression];
}

enum layer_compression inflate_detect(const uint8_t *magic, size_t len)
{
	static const struct {
		enum layer_compression compression;
		uint8_t len;
		uint8_t bytes[INFLATE_MAGIC_MAX];
	} known[] = {
		{ LAYER_GZIP, 3, { 0x1f, 0x8b, 8 } },
		{ LAYER_ZSTD, 4, { 0x28, 0xb5, 0x2f, 0xfd } },
		{ LAYER_BZIP2, 3, { 'B', 'Z', 'h' } },
		{ LAYER_XZ, 6, { 0xfd, '7', 'z', 'X', 'Z', 0 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (len >= known[i].len && memcmp(magic, known[i].bytes, known[i].len) == 0)
			return known[i].compression;
	/* A zstd stream may begin with a frame to be skipped: 0x184D2A50 to 5F, little-endian. */
	if (len >= 4 && (magic[0] & 0xf0) == 0x50 && magic[1] == 0x2a && magic[2] == 0x4d && magic[3] == 0x18)
		return LAYER_ZSTD;
	return LAYER_PLAIN_TAR;
}

static void start_gzip(struct inflate *z)
{
	isal_inflate_init(&z->gzip);
	z->gzip.crc_flag = ISAL_GZIP;
}

static int start_bzip2(struct inflate *z)
{
	memset(&z->bzip2, 0, sizeof(z->bzip2));
	return BZ2_bzDecompressInit(&z->bzip2, 0, 0) == BZ_OK ? 0 : -ENOMEM;
}

static int start(struct inflate *z)
{
	switch (z->compression) {
	case LAYER_GZIP:
		start_gzip(z);
		return 0;
	case LAYER_ZSTD:
		z->zstd = ZSTD_createDStream();
		if (z->zstd)
			ZSTD_DCtx_setParameter(z->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
		return z->zstd ? 0 : -ENOMEM;
	case LAYER_BZIP2:
		return start_bzip2(z);
	case LAYER_XZ:
		memset(&z->xz, 0, sizeof(z->xz));
		return lzma_stream_decoder(&z->xz, XZ_MEMORY_MAX, LZMA_CONCATENATED) == LZMA_OK ? 0 : -ENOMEM;
	default:
		return 0;
	}
}

int inflate_new(enum layer_compression compression, struct inflate **ret, struct err *err)
{
	struct inflate *z = calloc(1, sizeof(*z));

	if (!z)
		return err_oom(err);
	z->compression = compression;
	z->between = true;
	if (start(z) < 0) {
		free(z);
		return err_oom(err);
	}
	*ret = z;
	return 0;
}

void inflate_free(struct inflate *z)
{
	if (!z)
		return;
	if (z->compression == LAYER_ZSTD)
		ZSTD_freeDStream(z->zstd);
	else if (z->compression == LAYER_BZIP2)
		BZ2_bzDecompressEnd(&z->bzip2);
	else if (z->compression == LAYER_XZ)
		lzma_end(&z->xz);
	free(z);
}

/* Where a decompressor works: the caller's input and output. */
struct span {
	const uint8_t *in;
	size_t in_len;
	uint8_t *out;
	size_t out_len;
};

static int bad_data(struct err *err, const char *what, int code)
{
	return err_set(err, EBADMSG, "the %s data is damaged (code %d)", what, code);
}

static int run_gzip(struct inflate *z, struct span *s, struct err *err)
{
	int r;

	if (z->between && s->in_len > 0) {
		/* ISA-L's own check of what follows a member comes late; a wrong byte is told at once. */
		if (s->in[0] != 0x1f)
			return err_set(err, EBADMSG, "there is something behind the gzip data");
		start_gzip(z);
		z->between = false;
	}
	z->gzip.next_in = (uint8_t *)(uintptr_t)s->in;
	z->gzip.avail_in = s->in_len > UINT32_MAX ? UINT32_MAX : (uint32_t)s->in_len;
	z->gzip.next_out = s->out;
	z->gzip.avail_out = s->out_len > UINT32_MAX ? UINT32_MAX : (uint32_t)s->out_len;
	r = isal_inflate(&z->gzip);
	if (r != ISAL_DECOMP_OK && r != ISAL_END_INPUT && r != ISAL_OUT_OVERFLOW)
		return bad_data(err, "gzip", r);
	s->in_len -= (size_t)(z->gzip.next_in - s->in);
	s->in = z->gzip.next_in;
	s->out_len -= (size_t)(z->gzip.next_out - s->out);
	s->out = z->gzip.next_out;
	if (z->gzip.block_state == ISAL_BLOCK_FINISH)
		z->between = true;
	return 0;
}

static int run_zstd(struct inflate *z, struct span *s, struct err *err)
{
	ZSTD_inBuffer in = { s->in, s->in_len, 0 };
	ZSTD_outBuffer out = { s->out, s->out_len, 0 };
	size_t r = ZSTD_decompressStream(z->zstd, &out, &in);

	if (ZSTD_isError(r))
		return err_set(err, EBADMSG, "the zstd data is damaged: %s", ZSTD_getErrorName(r));
	if (in.pos > 0 || out.pos > 0)
		z->between = r == 0;
	s->in += in.pos;
	s->in_len -= in.pos;
	s->out += out.pos;
	s->out_len -= out.pos;
	return 0;
}

static int run_bzip2(struct inflate *z, struct span *s, struct err *err)
{
	int r;

	if (z->between && s->in_len == 0)
		return 0;
	if (z->between) {
		BZ2_bzDecompressEnd(&z->bzip2);
		if (start_bzip2(z) < 0)
			return err_oom(err);
		z->between = false;
	}
	z->bzip2.next_in = (char *)(uintptr_t)s->in;
	z->bzip2.avail_in = (unsigned)s->in_len;
	z->bzip2.next_out = (char *)s->out;
	z->bzip2.avail_out = (unsigned)s->out_len;
	r = BZ2_bzDecompress(&z->bzip2);
	if (r != BZ_OK && r != BZ_STREAM_END)
		return bad_data(err, "bzip2", r);
	s->in += s->in_len - z->bzip2.avail_in;
	s->in_len = z->bzip2.avail_in;
	s->out += s->out_len - z->bzip2.avail_out;
	s->out_len = z->bzip2.avail_out;
	z->between = r == BZ_STREAM_END;
	return 0;
}

static int run_xz(struct inflate *z, struct span *s, struct err *err)
{
	lzma_ret r;

	z->xz.next_in = s->in;
	z->xz.avail_in = s->in_len;
	z->xz.next_out = s->out;
	z->xz.avail_out = s->out_len;
	r = lzma_code(&z->xz, LZMA_RUN);
	s->in = z->xz.next_in;
	s->in_len = z->xz.avail_in;
	s->out = z->xz.next_out;
	s->out_len = z->xz.avail_out;
	if (r == LZMA_MEMLIMIT_ERROR)
		return err_set(err, E2BIG, "the xz data needs more than %d MiB of memory", XZ_MEMORY_MAX >> 20);
	if (r != LZMA_OK && r != LZMA_STREAM_END && r != LZMA_BUF_ERROR)
		return bad_data(err, "xz", (int)r);
	return 0;
}

static int run_once(struct inflate *z, struct span *s, struct err *err)
{
	size_t n;

	switch (z->compression) {
	case LAYER_GZIP:
		return run_gzip(z, s, err);
	case LAYER_ZSTD:
		return run_zstd(z, s, err);
	case LAYER_BZIP2:
		return run_bzip2(z, s, err);
	case LAYER_XZ:
		return run_xz(z, s, err);
	default:
		n = s->in_len < s->out_len ? s->in_len : s->out_len;
		memcpy(s->out, s->in, n);
		s->in += n;
		s->in_len -= n;
		s->out += n;
		s->out_len -= n;
		return 0;
	}
}

int inflate_run(struct inflate *z, const uint8_t **in, size_t *in_len, uint8_t **out, size_t *out_len, struct err *err)
{
	struct span s = { *in, *in_len, *out, *out_len };
	int r = 0;

	/* Until the output is full, or the decompressor has taken all and gives no more. */
	while (s.out_len > 0) {
		size_t before_in = s.in_len, before_out = s.out_len;

		r = run_once(z, &s, err);
		if (r < 0)
			return r;
		if (s.in_len == before_in && s.out_len == before_out)
			break;
	}
	*in = s.in;
	*in_len = s.in_len;
	*out = s.out;
	*out_len = s.out_len;
	return 0;
}

int inflate_end(struct inflate *z, struct err *err)
{
	uint8_t none;

	if (z->compression == LAYER_XZ) {
		/* Concatenated xz is whole only if it says so when told that no more will come. */
		z->xz.avail_in = 0;
		z->xz.next_out = &none;
		z->xz.avail_out = 1;
		if (lzma_code(&z->xz, LZMA_FINISH) == LZMA_STREAM_END && z->xz.avail_out == 1)
			return 0;
	} else if (z->between || z->compression == LAYER_PLAIN_TAR) {
		return 0;
	}
	return err_set(err, EBADMSG, "the %s data is cut off", layer_compression_name(z->compression));
}
