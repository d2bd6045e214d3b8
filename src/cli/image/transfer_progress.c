#include "cli/image/transfer_progress.h"

#include "base/num.h"
#include "base/timefmt.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { REDRAW_US = 100000, BAR_WIDTH = 30 };

int transfer_progress_init(struct transfer_progress *p, const char *word, const char *verb, bool quiet, struct err *err)
{
	memset(p, 0, sizeof(*p));
	p->f = stderr;
	p->verb = verb;
	p->quiet = quiet;
	p->is_terminal = isatty(STDERR_FILENO);
	if (!word || strcmp(word, "auto") == 0)
		return 0;
	p->is_terminal = false;
	p->json = strcmp(word, "json") == 0;
	return p->json || strcmp(word, "plain") == 0
		       ? 0
		       : err_set(err, EINVAL, "--progress takes auto, plain or json, not '%s'", word);
}

void transfer_progress_image(struct transfer_progress *p, size_t layers, uint64_t total)
{
	p->layers = layers;
	p->total = total;
}

static void draw(struct transfer_progress *p)
{
	uint64_t bytes = 0, size = 0, now = time_now_us();
	char done[16], all[16];
	int filled;

	if (p->quiet || !p->is_terminal || now - p->shown_at_us < REDRAW_US)
		return;
	p->shown_at_us = now;
	for (size_t i = 0; i < p->len; i++) {
		bytes += p->transfers[i].bytes;
		size += p->transfers[i].size;
	}
	num_format_size(bytes, done);
	num_format_size(size, all);
	filled = size ? (int)(bytes * BAR_WIDTH / size) : 0;
	fprintf(p->f, "\r%s [%.*s%*s] %s of %s, layer %zu of %zu\033[K", p->verb, filled,
		"==============================", BAR_WIDTH - filled, "", done, all, p->len, p->layers);
	fflush(p->f);
}

void transfer_progress_layer(uint64_t id, size_t layer, uint64_t size, void *progress)
{
	struct transfer_progress *p = progress;
	char text[16];

	if (p->len < TRANSFERS_MAX) {
		p->transfers[p->len].id = id;
		p->transfers[p->len].size = size;
		p->transfers[p->len].bytes = 0;
		p->transfers[p->len++].layer = layer;
	}
	if (p->json && !p->quiet)
		fprintf(p->f, "{\"event\":\"layer\",\"layer\":%zu,\"layers\":%zu,\"size\":%llu}\n", layer + 1,
			p->layers, (unsigned long long)size);
	else if (!p->is_terminal && !p->quiet) {
		num_format_size(size, text);
		fprintf(p->f, "%s layer %zu of %zu, %s\n", p->verb, layer + 1, p->layers, text);
	}
	draw(p);
}

void transfer_progress_bytes(uint64_t id, uint64_t bytes, void *progress)
{
	struct transfer_progress *p = progress;

	for (size_t i = 0; i < p->len; i++) {
		if (p->transfers[i].id != id)
			continue;
		p->transfers[i].bytes = bytes;
		if (p->json && !p->quiet)
			fprintf(p->f, "{\"event\":\"progress\",\"layer\":%zu,\"bytes\":%llu,\"size\":%llu}\n",
				p->transfers[i].layer + 1, (unsigned long long)bytes,
				(unsigned long long)p->transfers[i].size);
	}
	draw(p);
}

void transfer_progress_end(struct transfer_progress *p)
{
	if (p->shown_at_us)
		fputs("\r\033[K", p->f);
	p->shown_at_us = 0;
}
