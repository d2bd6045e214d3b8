#include "engine/bundle/bundle.h"

#include "base/cleanup.h"
#include "layer/client.h"
#include "oci/json.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { INFO_MAX = 64 * 1024, INFO_VERSION = 1 };

void bundle_info_done(struct bundle_info *i)
{
	free(i->image);
	free(i->source);
	*i = (struct bundle_info){ 0 };
}

static int parse_mode(const char *word, enum id_mode *ret, struct err *err)
{
	for (int mode = ID_MODE_ROOT; mode <= ID_MODE_SINGLE; mode++)
		if (strcmp(word, id_mode_name((enum id_mode)mode)) == 0) {
			*ret = (enum id_mode)mode;
			return 0;
		}
	return err_set(err, EBADMSG, "'%.32s' is no way to map ids", word);
}

static int parse(json_t *root, struct bundle_info *i, struct err *err)
{
	struct json_at top = json_top(root, BUNDLE_INFO);
	autofree char *manifest = NULL, *ids = NULL;
	int64_t version = 0;
	int r = json_check(&top, JSON_WANT_OBJECT, err);

	if (r >= 0)
		r = json_get_int(&top, "version", 0, INT32_MAX, &version, err);
	if (r >= 0 && version != INFO_VERSION)
		r = err_set(err, EOPNOTSUPP, "it is of another version: %lld", (long long)version);
	if (r >= 0)
		r = json_need_string(&top, "image", &i->image, err);
	if (r >= 0)
		r = json_get_string(&top, "source", &i->source, err);
	if (r >= 0)
		r = json_need_string(&top, "manifest", &manifest, err);
	if (r >= 0)
		r = digest_parse(manifest, &i->manifest, err);
	if (r >= 0)
		r = json_need_string(&top, "ids", &ids, err);
	return r < 0 ? r : parse_mode(ids, &i->ids, err);
}

int bundle_info_read(int dir_fd, struct bundle_info *ret, struct err *err)
{
	autobuf struct buf text = BUF_INIT(INFO_MAX + 1);
	struct bundle_info i = { 0 };
	autojson json_t *root = NULL;
	int r = fs_read_file(dir_fd, BUNDLE_INFO, INFO_MAX, &text, err);

	if (r == -ENOENT)
		err_hint(err, "only what 'cloche unpack' made can be packed again");
	if (r >= 0)
		r = json_parse(buf_str(&text), text.len, BUNDLE_INFO, &root, err);
	if (r >= 0)
		r = parse(root, &i, err);
	if (r < 0) {
		bundle_info_done(&i);
		return err_wrap(err, "the bundle");
	}
	*ret = i;
	return 0;
}

int bundle_info_write(int dir_fd, const struct bundle_info *i, struct err *err)
{
	autobuf struct buf text = BUF_INIT(INFO_MAX);
	autojson json_t *root = json_object();
	char manifest[DIGEST_STR_MAX];
	int r;

	digest_format(&i->manifest, manifest);
	if (!root || json_add_int(root, "version", INFO_VERSION) < 0 || json_add_string(root, "image", i->image) < 0 ||
	    json_add_string(root, "source", i->source) < 0 || json_add_string(root, "manifest", manifest) < 0 ||
	    json_add_string(root, "ids", id_mode_name(i->ids)) < 0)
		return err_oom(err);
	r = json_write_pretty(root, &text, err);
	if (r >= 0 && buf_add_char(&text, '\n') < 0)
		r = err_oom(err);
	return r < 0 ? r : fs_write_file(dir_fd, BUNDLE_INFO, text.data, text.len, 0644, 0, err);
}

int bundle_record(const struct idmap *ids, int dir_fd, int rootfs_fd, struct err *err)
{
	static const char aside[] = BUNDLE_RECORD ".part";
	autoclose int out = openat(dir_fd, aside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	struct layer_request q = { .verb = LAYER_RECORD, .ids = ids };
	int r;

	if (out < 0)
		return err_errno(err, errno, "create '%s'", aside);
	q.record = (struct layer_record){ .tree_fd = rootfs_fd, .out_fd = out };
	r = layer_run(&q, NULL, err);
	if (r >= 0 && renameat(dir_fd, aside, dir_fd, BUNDLE_RECORD) < 0)
		r = err_errno(err, errno, "rename '%s'", aside);
	if (r < 0)
		unlinkat(dir_fd, aside, 0);
	return r < 0 ? err_wrap(err, "write down what the files are like") : 0;
}
