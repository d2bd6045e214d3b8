#include "store/ref.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "store/blob.h"
#include "store/image.h"
#include "store/refs_files.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REF_TEXT_MAX = 128 };

void refs_done(struct refs *refs)
{
	for (size_t i = 0; i < refs->len; i++)
		free(refs->items[i].name);
	free(refs->items);
	*refs = (struct refs){ 0 };
}

int ref_read_file(struct store *s, const char *path, struct digest *ret, struct err *err)
{
	autobuf struct buf text = BUF_INIT(REF_TEXT_MAX);
	int r = fs_read_file(s->root_fd, path, REF_TEXT_MAX - 1, &text, err);

	if (r < 0)
		return r;
	if (text.len > 0 && text.data[text.len - 1] == '\n')
		text.data[--text.len] = '\0';
	return digest_parse(buf_str(&text), ret, err) < 0 ? err_wrap(err, "'%s/%s'", s->root, path) : 0;
}

int ref_get(struct store *s, const char *name, struct digest *ret, struct err *err)
{
	autofree char *path = str_format("refs/%s", name);

	return path ? ref_read_file(s, path, ret, err) : err_oom(err);
}

/* --- the log --- */

/* Best effort: a name's history must not stand in the way of the name. */
static void log_change(struct store *s, const char *name, const struct digest *old, const struct digest *new_value,
		       const char *why)
{
	autofree char *path = str_format("logs/%s", name), *folder = NULL;
	char when[TIME_RFC3339_MAX], from[DIGEST_STR_MAX] = "-", to[DIGEST_STR_MAX] = "-";
	autofree char *line = NULL;
	autoclose int fd = -1;
	struct timespec now;

	if (!path || !(folder = strndup(path, (size_t)(path_basename(path) - path - 1))) ||
	    fs_make_dirs(s->root_fd, folder, 0700, NULL) < 0)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	time_format_rfc3339(now, when);
	if (old)
		digest_format(old, from);
	if (new_value)
		digest_format(new_value, to);
	line = str_format("%s %s %s %s\n", when, from, to, why);
	fd = openat(s->root_fd, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (line && fd >= 0)
		fs_write_all(fd, line, strlen(line), NULL);
}

/* --- one file --- */

/* Syncs the folder that holds PATH. */
static int sync_folder(struct store *s, const char *folder, struct err *err)
{
	autoclose int fd = openat(s->root_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return err_errno(err, errno, "sync '%s/%s'", s->root, folder);
	return 0;
}

/* A value that is to become the file PATH of refs/, in our folder of tmp/ under the name STAGED. */
static int stage(struct store_tmp *tmp, const char *staged, const struct digest *manifest, bool sync, struct err *err)
{
	char digest[DIGEST_STR_MAX], text[DIGEST_STR_MAX + 1];
	autoclose int fd = openat(tmp->dir_fd, staged, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int r;

	if (fd < 0)
		return err_errno(err, errno, "create '%s'", staged);
	digest_format(manifest, digest);
	snprintf(text, sizeof(text), "%s\n", digest);
	r = fs_write_all(fd, text, strlen(text), err);
	if (r >= 0 && sync && fsync(fd) < 0)
		r = err_errno(err, errno, "sync '%s'", staged);
	return r;
}

/* The staged value appears as PATH (below refs/), whole; it lasts once its folder is synced. */
static int place(struct store_tmp *tmp, const char *staged, const char *path, bool sync, struct err *err)
{
	struct store *s = tmp->store;
	autofree char *folder = strndup(path, (size_t)(path_basename(path) - path - 1));
	int r;

	if (!folder)
		return err_oom(err);
	r = fs_make_dirs(s->root_fd, folder, 0700, err);
	if (r >= 0 && renameat(tmp->dir_fd, staged, s->root_fd, path) < 0)
		r = err_errno(err, errno, "write '%s/%s'", s->root, path);
	return r < 0 || !sync ? r : sync_folder(s, folder, err);
}

static void untagged_path(const struct digest *manifest, char dst[static 96])
{
	char hex[DIGEST_HEX_MAX];

	digest_format_hex(manifest, hex);
	snprintf(dst, 96, REFS_UNTAGGED "/%s", hex);
}

/* Removes the file and those folders above it that it leaves empty. */
static int remove_ref_file(struct store *s, const char *path, struct err *err)
{
	autofree char *folder = strdup(path);
	char *slash;

	if (!folder)
		return err_oom(err);
	if (unlinkat(s->root_fd, path, 0) < 0)
		return err_errno(err, errno, "remove '%s/%s'", s->root, path);
	while ((slash = strrchr(folder, '/'))) {
		*slash = '\0';
		if (!strchr(folder, '/') || unlinkat(s->root_fd, folder, AT_REMOVEDIR) < 0)
			break;
	}
	return 0;
}

/* Is the image of that ID still named: by another name than EXCEPT, or by MANIFEST, which EXCEPT becomes? */
static bool is_named(struct store *s, const struct refs *refs, const struct digest *id, const char *except,
		     const struct digest *manifest)
{
	struct digest other;

	if (store_manifest_id(s, manifest, &other) && digest_equal(&other, id))
		return true;
	for (size_t i = 0; i < refs->len; i++)
		if (refs->items[i].name && strcmp(refs->items[i].name, except) != 0 &&
		    store_manifest_id(s, &refs->items[i].manifest, &other) && digest_equal(&other, id))
			return true;
	return false;
}

/* Whether the image that NAME led to loses its last name, and so keeps its place without one. */
static int loses_its_name(struct store *s, const char *name, const struct digest *old, const struct digest *manifest,
			  struct err *err)
{
	autorefs struct refs refs = { 0 };
	struct digest id;
	int r = refs_list(s, &refs, err);

	/* What can't be read any more is not worth keeping. */
	return r < 0 ? r : store_manifest_id(s, old, &id) && !is_named(s, &refs, &id, name, manifest);
}

/*
 * The values are written first, so that the sync which makes the blobs last is theirs too. The two names then appear
 * with one sync of a folder: file systems with a journal keep the order of renames.
 */
static int replace_value(struct store_tmp *tmp, const char *path, const struct digest *manifest,
			 const struct digest *unnamed, struct err *err)
{
	struct store *s = tmp->store;
	bool each = s->is_synced;
	char untagged[96];
	int r = stage(tmp, "ref", manifest, each, err);

	if (r >= 0 && unnamed)
		r = stage(tmp, "unnamed", unnamed, each, err);
	if (r >= 0)
		r = store_sync_blobs(s, err);
	if (r >= 0 && unnamed) {
		untagged_path(unnamed, untagged);
		r = place(tmp, "unnamed", untagged, false, err);
	}
	return r < 0 ? r : place(tmp, "ref", path, true, err);
}

static int replace(struct store_tmp *tmp, const char *name, const struct digest *manifest, const char *why,
		   struct err *err)
{
	struct store *s = tmp->store;
	autofree char *path = str_format("refs/%s", name);
	struct digest old;
	char untagged[96];
	bool had;
	int r = 0;

	if (!path)
		return err_oom(err);
	had = ref_read_file(s, path, &old, NULL) >= 0;
	if (had && digest_equal(&old, manifest))
		return 0;
	if (had)
		r = loses_its_name(s, name, &old, manifest, err);
	if (r >= 0)
		r = replace_value(tmp, path, manifest, r > 0 ? &old : NULL, err);
	if (r < 0)
		return r;
	untagged_path(manifest, untagged);
	unlinkat(s->root_fd, untagged, 0);
	log_change(s, name, had ? &old : NULL, manifest, why);
	return refs_write_index(s, err);
}

int ref_set(struct store *s, const struct reference *name, const struct digest *manifest, const char *why,
	    struct err *err)
{
	autotmp struct store_tmp tmp = STORE_TMP_INIT;
	autoclose int lock = -1;
	autofree char *text = str_format("%s:%s", name->name, name->tag);
	int r;

	if (!text)
		return err_oom(err);
	if (!name->tag[0])
		return err_set(err, EINVAL, "'%s' has no tag, and a digest can't be a name", name->name);
	lock = fs_lock(s->root_fd, "lock/refs", true, false, err);
	if (lock < 0)
		return lock;
	r = store_tmp_open(s, &tmp, err);
	if (r >= 0)
		r = replace(&tmp, text, manifest, why, err);
	return r < 0 ? err_wrap(err, "name '%s'", text) : 0;
}

int ref_set_untagged(struct store *s, const struct digest *manifest, struct err *err)
{
	autotmp struct store_tmp tmp = STORE_TMP_INIT;
	autorefs struct refs refs = { 0 };
	autoclose int lock = fs_lock(s->root_fd, "lock/refs", true, false, err);
	char path[96];
	int r = lock;

	if (r >= 0)
		r = refs_list(s, &refs, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < refs.len; i++)
		if (digest_equal(&refs.items[i].manifest, manifest))
			return 0;
	untagged_path(manifest, path);
	r = store_tmp_open(s, &tmp, err);
	if (r >= 0)
		r = replace_value(&tmp, path, manifest, NULL, err);
	return r < 0 ? r : refs_write_index(s, err);
}

int ref_delete(struct store *s, const char *name, const char *why, struct err *err)
{
	autoclose int lock = fs_lock(s->root_fd, "lock/refs", true, false, err);
	autofree char *path = str_format("refs/%s", name);
	struct digest old;
	int r;

	if (lock < 0)
		return lock;
	if (!path)
		return err_oom(err);
	r = ref_read_file(s, path, &old, err);
	if (r < 0 && r != -EBADMSG)
		return r;
	log_change(s, name, r < 0 ? NULL : &old, NULL, why);
	r = remove_ref_file(s, path, err);
	return r < 0 ? r : refs_write_index(s, err);
}

int ref_delete_untagged(struct store *s, const struct digest *manifest, struct err *err)
{
	autoclose int lock = fs_lock(s->root_fd, "lock/refs", true, false, err);
	char path[96];
	int r;

	if (lock < 0)
		return lock;
	untagged_path(manifest, path);
	r = remove_ref_file(s, path, err);
	return r < 0 ? r : refs_write_index(s, err);
}
