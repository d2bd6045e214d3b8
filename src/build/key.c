#include "build/key.h"

#include <errno.h>
#include <string.h>

void key_done(struct key *k)
{
	buf_done(&k->text);
}

void key_add(struct key *k, const void *data, size_t len)
{
	uint64_t size = len;

	buf_add(&k->text, &size, sizeof(size));
	buf_add(&k->text, data, len);
}

void key_add_str(struct key *k, const char *s)
{
	uint64_t none = UINT64_MAX;

	if (s)
		key_add(k, s, strlen(s));
	else
		buf_add(&k->text, &none, sizeof(none));
}

void key_add_strv(struct key *k, const struct strv *v)
{
	uint64_t count = v->len;

	buf_add(&k->text, &count, sizeof(count));
	for (size_t i = 0; i < v->len; i++)
		key_add_str(k, v->items[i]);
}

void key_add_digest(struct key *k, const struct digest *d)
{
	key_add(k, d->bytes, sizeof(d->bytes));
}

int key_finish(const struct key *k, struct digest *ret, struct err *err)
{
	if (k->text.error)
		return err_errno(err, -k->text.error, "collect what a step depends on");
	digest_of(buf_str(&k->text), k->text.len, ret);
	return 0;
}
