#include "engine/build/cache.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"
#include "store/blob.h"
#include "sys/fs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { ENTRY_MAX = 512, DAY_S = 24 * 60 * 60 };

static char *entry_path(const char *folder, const struct digest *key)
{
	char hex[DIGEST_HEX_MAX];

	digest_format_hex(key, hex);
	return str_format("cache/%s/%s", folder, hex);
}

/* "<time> layer <digest> <size> <digest>\n" or "<time> empty\n". */
static bool parse_entry(char *text, struct build_entry *ret)
{
	struct build_entry e = { .key = ret->key };
	char *rest = text, *word;
	struct timespec time;

	if (!str_ends_with(text, "\n"))
		return false;
	text[strlen(text) - 1] = '\0';
	word = strsep(&rest, " ");
	if (strlen(word) >= sizeof(e.created) || time_parse_rfc3339(word, &time) < 0 || !rest)
		return false;
	memcpy(e.created, word, strlen(word) + 1);
	word = strsep(&rest, " ");
	e.has_layer = strcmp(word, "layer") == 0;
	if (e.has_layer) {
		if (!(word = strsep(&rest, " ")) || digest_parse(word, &e.blob, NULL) < 0 ||
		    !(word = strsep(&rest, " ")) || num_parse_u64(word, 10, &e.size) < 0 || !rest ||
		    digest_parse(rest, &e.diff_id, NULL) < 0)
			return false;
	} else if (strcmp(word, "empty") != 0 || rest) {
		return false;
	}
	*ret = e;
	return true;
}

/* Marks the entry as asked for, once a day: what prune goes by. */
static void touch(struct store *s, const char *path)
{
	struct stat st;

	if (fstatat(s->root_fd, path, &st, 0) == 0 && time(NULL) - st.st_mtime > DAY_S)
		utimensat(s->root_fd, path, NULL, 0);
}

int build_cache_find(struct store *s, const struct digest *key, struct build_entry *ret, struct err *err)
{
	autofree char *path = entry_path("steps", key);
	autobuf struct buf text = BUF_INIT(ENTRY_MAX);
	struct build_entry entry = { .key = *key };

	if (!path)
		return err_oom(err);
	if (fs_read_file(s->root_fd, path, ENTRY_MAX, &text, NULL) < 0 || text.len == 0 ||
	    !parse_entry(text.data, &entry))
		return 0;
	if (entry.has_layer) {
		int r = blob_has(s, &entry.blob, entry.size, err);

		if (r <= 0)
			return r;
	}
	touch(s, path);
	*ret = entry;
	return 1;
}

static int write_entry(struct store *s, const char *folder, const struct digest *key, const char *text, struct err *err)
{
	autofree char *path = entry_path(folder, key), *dir = str_format("cache/%s", folder);
	int r;

	if (!path || !dir)
		return err_oom(err);
	r = fs_write_file(s->root_fd, path, text, strlen(text), 0644, 0, NULL);
	if (r != -ENOENT)
		return r < 0 ? err_errno(err, -r, "write '%s/%s'", s->root, path) : 0;
	r = fs_make_dirs(s->root_fd, dir, 0755, err);
	return r < 0 ? r : fs_write_file(s->root_fd, path, text, strlen(text), 0644, 0, err);
}

int build_cache_put(struct store *s, const struct build_entry *entry, struct err *err)
{
	char blob[DIGEST_STR_MAX], diff_id[DIGEST_STR_MAX], text[ENTRY_MAX], roots[ENTRY_MAX];
	int r;

	if (!entry->has_layer) {
		snprintf(text, sizeof(text), "%s empty\n", entry->created);
		return write_entry(s, "steps", &entry->key, text, err);
	}
	digest_format(&entry->blob, blob);
	digest_format(&entry->diff_id, diff_id);
	snprintf(roots, sizeof(roots), "%s\n%s\n", blob, diff_id);
	snprintf(text, sizeof(text), "%s layer %s %llu %s\n", entry->created, blob, (unsigned long long)entry->size,
		 diff_id);
	r = write_entry(s, "roots", &entry->key, roots, err);
	return r < 0 ? r : write_entry(s, "steps", &entry->key, text, err);
}

int build_cache_find_sources(struct store *s, const struct digest *signature, struct digest *ret)
{
	autofree char *path = entry_path("sources", signature);
	autobuf struct buf text = BUF_INIT(ENTRY_MAX);

	if (!path || fs_read_file(s->root_fd, path, ENTRY_MAX, &text, NULL) < 0 || text.len == 0 ||
	    text.data[text.len - 1] != '\n')
		return 0;
	text.data[text.len - 1] = '\0';
	touch(s, path);
	return digest_parse(text.data, ret, NULL) >= 0;
}

void build_cache_put_sources(struct store *s, const struct digest *signature, const struct digest *content)
{
	char text[DIGEST_STR_MAX + 1];

	digest_format(content, text);
	memcpy(text + strlen(text), "\n", 2);
	write_entry(s, "sources", signature, text, NULL);
}
