#include "engine/build/list.h"

#include "base/cleanup.h"
#include "sys/msg.h"
#include "sys/userns.h"

#include <errno.h>
#include <string.h>

struct request {
	const struct strv *words;
	int fd, sock;
};

static int add_all(struct sources *s, int fd, const struct strv *words, struct err *err)
{
	int r = 0;

	s->shallow = true;
	for (size_t i = 0; i < words->len && r >= 0; i++)
		r = sources_add(s, fd, NULL, words->items[i], err);
	return r;
}

/* In the child: each root as 'd' or 'f', its path and its name, both ended by NUL. */
static int list(void *arg, struct err *err)
{
	struct request *q = arg;
	CLEANUP(sources_done) struct sources s = SOURCES_INIT;
	autobuf struct buf text = BUF_INIT(MSG_MAX);
	int r = add_all(&s, q->fd, q->words, err);

	for (size_t i = 0; i < s.roots_len; i++) {
		const struct source_root *root = &s.roots[i];

		buf_add_char(&text, root->is_dir ? 'd' : 'f');
		buf_add(&text, root->path, strlen(root->path) + 1);
		buf_add(&text, root->name, strlen(root->name) + 1);
	}
	if (r >= 0 && text.error)
		r = err_set(err, E2BIG, "too many files match");
	return r < 0 ? r : msg_send(q->sock, buf_str(&text), text.len, NULL, 0, err);
}

static int take(const struct buf *text, struct sources *ret, struct err *err)
{
	const char *p = buf_str(text), *end = p + text->len;
	int r = 0;

	ret->shallow = true;
	while (r >= 0 && p < end) {
		const char *path = p + 1, *name = path + strlen(path) + 1;

		if (name >= end)
			return err_set(err, EPROTO, "list the files to be copied: no answer");
		r = sources_add_found(ret, path, name, *p == 'd', err);
		p = name + strlen(name) + 1;
	}
	return r;
}

int build_list_roots(const struct idmap *ids, int fd, const struct strv *words, struct sources *ret, struct err *err)
{
	struct request q = { words, fd, -1 };
	autobuf struct buf text = BUF_INIT(MSG_MAX);
	autoclose int ours = -1, theirs = -1;
	int pair[2], r;

	if (ids->mode != ID_MODE_RANGE)
		return add_all(ret, fd, words, err);
	r = msg_pair(pair, err);
	if (r < 0)
		return r;
	ours = pair[0];
	theirs = q.sock = pair[1];
	r = userns_run(ids, 0, list, &q, err);
	if (r >= 0)
		r = msg_receive(ours, &text, NULL, 0, err);
	return r < 0 ? r : take(&text, ret, err);
}
