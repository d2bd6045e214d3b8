#include "codec/event_line.h"

#include "codec/log_line.h"

#include <string.h>

static void add_pair(struct buf *out, const char *key, const char *value)
{
	json_text_format(out, key, strlen(key));
	buf_add_char(out, ':');
	json_text_format(out, value, strlen(value));
}

int event_common_format(struct buf *out, const char *type, const char *id, const char *image, const char *name,
			const struct strv *labels)
{
	buf_addf(out, "\"id\":\"%s\",", id);
	if (image) {
		add_pair(out, "from", image);
		buf_add_char(out, ',');
	}
	buf_addf(out, "\"Type\":\"%s\",\"Actor\":{\"ID\":\"%s\",\"Attributes\":{", type, id);
	for (size_t i = 0; labels && i + 1 < labels->len; i += 2) {
		add_pair(out, labels->items[i], labels->items[i + 1]);
		buf_add_char(out, ',');
	}
	if (image) {
		add_pair(out, "image", image);
		buf_add_char(out, ',');
	}
	add_pair(out, "name", name);
	return out->error;
}

int event_line_format(struct buf *out, const char *action, const char *common, const char *const *extra,
		      struct timespec time)
{
	buf_add_char(out, '{');
	add_pair(out, "status", action);
	buf_add_char(out, ',');
	add_pair(out, "Action", action);
	buf_addf(out, ",%s", common);
	for (; extra && extra[0]; extra += 2) {
		buf_add_char(out, ',');
		add_pair(out, extra[0], extra[1]);
	}
	return buf_addf(out, "}},\"scope\":\"local\",\"time\":%lld,\"timeNano\":%lld}\n", (long long)time.tv_sec,
			(long long)time.tv_sec * 1000000000 + time.tv_nsec);
}
