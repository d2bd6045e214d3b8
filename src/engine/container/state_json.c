#include "engine/container/state_json.h"

#include "base/timefmt.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>

int state_add_time(json_t *object, const char *key, const struct timespec *t)
{
	char text[TIME_RFC3339_MAX];

	if (!t->tv_sec && !t->tv_nsec)
		return 0;
	time_format_rfc3339(*t, text);
	return json_add_string(object, key, text);
}

int state_get_time(const struct json_at *at, const char *key, struct timespec *ret, struct err *err)
{
	autofree char *text = NULL;
	int r = json_get_string(at, key, &text, err);

	if (r < 0 || !text)
		return r;
	return time_parse_rfc3339(text, ret) < 0 ? json_err(at, err, EBADMSG, "%s is not a time", key) : 0;
}

int state_write(int dir_fd, const char *name, const json_t *object, struct err *err)
{
	autobuf struct buf text = BUF_INIT(STATE_JSON_MAX);
	int r = json_write(object, &text, err);

	return r < 0 ? r : fs_write_new(dir_fd, name, text.data, text.len, 0600, err);
}

int state_read(int dir_fd, const char *name, json_t **ret, struct err *err)
{
	autobuf struct buf text = BUF_INIT(STATE_JSON_MAX);
	int r = fs_read_file(dir_fd, name, STATE_JSON_MAX, &text, err);

	return r < 0 ? r : json_parse(buf_str(&text), text.len, name, ret, err);
}
