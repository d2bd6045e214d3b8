#include "engine/container/index.h"

#include "base/cleanup.h"
#include "sys/fs.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* Longer than any file system's idea of a moment: ext4 with small inodes counts seconds. */
enum { SETTLE_S = 2 };

/* The number changes with the form of an entry. */
static const char magic[16] = "cloche index 1\n";

struct index_head {
	char magic[sizeof(magic)];
	uint64_t hash, size, count;
};

struct entry_time {
	int64_t s, ns;
};

enum entry_flags { ENTRY_REMOVE = 1, ENTRY_HEALTH = 2, ENTRY_NET = 4, ENTRY_OOM = 8, ENTRY_FLAGS = 15 };
enum { LISTS = 5, TEXTS = 5 };

/* Then the texts of a summary with their NULs, its lists, and NULs up to a multiple of 8. No padding in here. */
struct entry_head {
	uint32_t size; /* all of it */
	uint32_t lists[LISTS];
	uint64_t inode;
	struct entry_time changed, modified, created, started, finished;
	int64_t restarts;
	uint32_t phase, exit_code, restart, flags;
};

/* --- stamps --- */

void index_stamp_set(struct index_stamp *stamp, const struct stat *st)
{
	*stamp = (struct index_stamp){ st->st_ino, st->st_ctim, st->st_mtim };
}

static bool is_equal(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool index_stamp_equal(const struct index_stamp *a, const struct index_stamp *b)
{
	return a->inode == b->inode && is_equal(&a->changed, &b->changed) && is_equal(&a->modified, &b->modified);
}

bool index_stamp_is_settled(const struct index_stamp *stamp, const struct timespec *now)
{
	return stamp->changed.tv_sec < now->tv_sec - SETTLE_S && stamp->modified.tv_sec < now->tv_sec - SETTLE_S;
}

/* --- an entry --- */

static struct entry_time pack_time(const struct timespec *t)
{
	return (struct entry_time){ t->tv_sec, t->tv_nsec };
}

static int unpack_time(const struct entry_time *t, struct timespec *ret)
{
	if (t->ns < 0 || t->ns > 999999999)
		return -EBADMSG;
	*ret = (struct timespec){ .tv_sec = t->s, .tv_nsec = t->ns };
	return 0;
}

static void add_word(struct buf *out, const char *word)
{
	word = word ? word : "";
	buf_add(out, word, strlen(word) + 1);
}

static uint32_t add_strings(struct buf *out, const struct strv *words)
{
	size_t before = out->len;

	for (size_t i = 0; i < words->len; i++)
		add_word(out, words->items[i]);
	return (uint32_t)(out->len - before);
}

static uint32_t add_mounts(struct buf *out, const struct record_mounts *mounts)
{
	size_t before = out->len;

	for (size_t i = 0; i < mounts->len; i++) {
		const struct record_mount *m = &mounts->items[i];
		const char *const words[SUMMARY_MOUNT_WORDS] = { m->type, m->name, m->source, m->target };

		for (size_t k = 0; k < ARRAY_SIZE(words); k++)
			add_word(out, words[k]);
	}
	return (uint32_t)(out->len - before);
}

static void set_head(struct entry_head *h, const struct index_stamp *stamp, const struct container_record *r,
		     const struct container_status *status)
{
	h->inode = stamp->inode;
	h->changed = pack_time(&stamp->changed);
	h->modified = pack_time(&stamp->modified);
	h->created = pack_time(&r->created);
	h->restart = r->life.restart;
	h->flags = (r->remove ? ENTRY_REMOVE : 0) | (r->health.test.len ? ENTRY_HEALTH : 0) |
		   (r->private_network.kind ? ENTRY_NET : 0);
	h->phase = CONTAINER_LOST;
	if (container_is_alive(status->phase) || status->phase == CONTAINER_LOST)
		return;
	h->phase = status->phase;
	h->started = pack_time(&status->started);
	h->finished = pack_time(&status->finished);
	h->restarts = status->restarts;
	h->exit_code = (uint32_t)status->exit_code;
	h->flags |= status->oom_killed ? ENTRY_OOM : 0;
}

int index_entry_format(struct buf *out, const struct index_stamp *stamp, const struct container_record *record,
		       const struct container_status *status)
{
	const char *const texts[TEXTS] = { record->id, record->name, record->image, record->image_id, record->network };
	static const char nothing[8];
	struct entry_head head = { 0 };
	size_t start = out->len;

	buf_add(out, &head, sizeof(head));
	for (size_t i = 0; i < TEXTS; i++)
		add_word(out, texts[i]);
	head.lists[0] = add_strings(out, &record->args);
	head.lists[1] = add_strings(out, &record->labels);
	head.lists[2] = add_strings(out, &record->private_network.publish);
	head.lists[3] = add_strings(out, &record->private_network.expose);
	head.lists[4] = add_mounts(out, &record->mounts);
	buf_add(out, nothing, (8 - (out->len - start) % 8) % 8);
	if (out->error)
		return out->error;
	set_head(&head, stamp, record, status);
	head.size = (uint32_t)(out->len - start);
	memcpy(out->data + start, &head, sizeof(head));
	return 0;
}

/* The string at *P, which moves behind it; NULL: it doesn't end before END. */
static const char *take_word(const char **p, const char *end)
{
	const char *word = *p, *nul = memchr(word, '\0', (size_t)(end - word));

	if (nul)
		*p = nul + 1;
	return nul ? word : NULL;
}

/* SIZE bytes of words, so many that they come in groups of GROUP. */
static int take_list(const char **p, const char *end, uint32_t size, size_t group, struct words *ret)
{
	struct words w = { *p, size };
	size_t n = 0;

	if (size > (size_t)(end - *p) || (size && w.first[size - 1] != '\0'))
		return -EBADMSG;
	for (const char *word = group > 1 ? words_next(&w, NULL) : NULL; word; word = words_next(&w, word))
		n++;
	*p += size;
	*ret = w;
	return n % group ? -EBADMSG : 0;
}

static int take_texts(const char *p, const char *end, const struct entry_head *h, struct container_summary *ret)
{
	const char **texts[TEXTS] = { &ret->id, &ret->name, &ret->image, &ret->image_id, &ret->network };
	struct words *lists[LISTS] = { &ret->args, &ret->labels, &ret->publish, &ret->expose, &ret->mounts };
	static const size_t groups[LISTS] = { 1, 2, 1, 1, SUMMARY_MOUNT_WORDS };

	for (size_t i = 0; i < TEXTS; i++) {
		*texts[i] = take_word(&p, end);
		if (!*texts[i])
			return -EBADMSG;
	}
	for (size_t i = 0; i < LISTS; i++)
		if (take_list(&p, end, h->lists[i], groups[i], lists[i]) < 0)
			return -EBADMSG;
	return end - p < 8 && strlen(ret->id) == CONTAINER_ID_MAX - 1 ? 0 : -EBADMSG;
}

static int unpack_head(const struct entry_head *h, struct index_entry *e)
{
	struct container_summary *s = &e->summary;
	struct container_status *st = &e->status;

	if ((h->phase != CONTAINER_CREATED && h->phase != CONTAINER_EXITED && h->phase != CONTAINER_LOST) ||
	    h->exit_code > 255 || h->restart > RESTART_UNLESS_STOPPED || (h->flags & ~(uint32_t)ENTRY_FLAGS))
		return -EBADMSG;
	e->stamp.inode = h->inode;
	s->restart = h->restart;
	s->remove = h->flags & ENTRY_REMOVE;
	s->has_health = h->flags & ENTRY_HEALTH;
	s->has_private_net = h->flags & ENTRY_NET;
	st->phase = h->phase;
	st->exit_code = (int)h->exit_code;
	st->restarts = h->restarts;
	st->oom_killed = h->flags & ENTRY_OOM;
	if (unpack_time(&h->changed, &e->stamp.changed) < 0 || unpack_time(&h->modified, &e->stamp.modified) < 0 ||
	    unpack_time(&h->created, &s->created) < 0 || unpack_time(&h->started, &st->started) < 0)
		return -EBADMSG;
	return unpack_time(&h->finished, &st->finished);
}

int index_entry_parse(const char *raw, size_t max, struct index_entry *ret)
{
	struct index_entry e = { 0 };
	struct entry_head head;
	int r;

	if (max < sizeof(head))
		return -EBADMSG;
	memcpy(&head, raw, sizeof(head));
	if (head.size < sizeof(head) || head.size > max || head.size % 8)
		return -EBADMSG;
	e.size = head.size;
	r = unpack_head(&head, &e);
	if (r >= 0)
		r = take_texts(raw + sizeof(head), raw + head.size, &head, &e.summary);
	if (r >= 0)
		*ret = e;
	return r;
}

static size_t entry_size(const char *raw)
{
	uint32_t size;

	memcpy(&size, raw + offsetof(struct entry_head, size), sizeof(size));
	return size;
}

struct index_entry index_entry_at(const char *raw)
{
	struct index_entry e = { 0 };

	index_entry_parse(raw, entry_size(raw), &e);
	return e;
}

static const char *entry_id(const char *raw)
{
	return raw + sizeof(struct entry_head);
}

/* --- all of them --- */

/* FNV-1a over words of 8 bytes: against damage, not against anybody. */
static uint64_t hash_of(const char *data, size_t len)
{
	uint64_t hash = 0xcbf29ce484222325, word;

	for (size_t i = 0; i + sizeof(word) <= len; i += sizeof(word)) {
		memcpy(&word, data + i, sizeof(word));
		hash = (hash ^ word) * 0x100000001b3;
		hash ^= hash >> 32;
	}
	return hash;
}

void index_format(struct buf *out, const struct index_entries *entries)
{
	struct index_head head = { .count = entries->len };

	memcpy(head.magic, magic, sizeof(magic));
	buf_add(out, &head, sizeof(head));
	for (size_t i = 0; i < entries->len; i++)
		buf_add(out, entries->items[i], entry_size(entries->items[i]));
	if (out->error)
		return;
	head.size = out->len - sizeof(head);
	head.hash = hash_of(out->data + sizeof(head), head.size);
	memcpy(out->data, &head, sizeof(head));
}

static int parse_entries(const char *p, const char *end, uint64_t count, struct index_entries *entries)
{
	while (p < end) {
		struct index_entry e;

		if (entries->len == count || index_entry_parse(p, (size_t)(end - p), &e) < 0)
			return -EBADMSG;
		if (entries->len && strcmp(entry_id(entries->items[entries->len - 1]), e.summary.id) >= 0)
			return -EBADMSG;
		if (index_entries_push(entries, p) < 0)
			return -ENOMEM;
		p += e.size;
	}
	return entries->len == count ? 0 : -EBADMSG;
}

int index_parse(const char *data, size_t len, struct index_entries *ret)
{
	struct index_entries entries = { 0 };
	struct index_head head;
	int r;

	if (len < sizeof(head))
		return -EBADMSG;
	memcpy(&head, data, sizeof(head));
	if (memcmp(head.magic, magic, sizeof(magic)) != 0 || head.size != len - sizeof(head) || head.size % 8 ||
	    head.count > head.size / sizeof(struct entry_head) || head.hash != hash_of(data + sizeof(head), head.size))
		return -EBADMSG;
	r = parse_entries(data + sizeof(head), data + len, head.count, &entries);
	if (r < 0) {
		free(entries.items);
		return r;
	}
	*ret = entries;
	return 0;
}

static int compare_id(const void *id, const void *entry)
{
	return strcmp(id, entry_id(*(const char *const *)entry));
}

const char *index_find(const struct index_entries *entries, const char *id)
{
	const char **found = NULL;

	if (entries->len)
		found = bsearch(id, entries->items, entries->len, sizeof(entries->items[0]), compare_id);
	return found ? *found : NULL;
}

/* --- the file --- */

#define INDEX_FILE "containers/index"

void index_read(struct store *s, struct buf *data, struct index_entries *ret)
{
	if (fs_read_file(s->root_fd, INDEX_FILE, INDEX_MAX, data, NULL) < 0 || !data->len ||
	    index_parse(data->data, data->len, ret) < 0)
		*ret = (struct index_entries){ 0 };
}

void index_write(struct store *s, const struct buf *data)
{
	autoclose int fd = openat(s->root_fd, "containers", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	char self[32];

	if (fd < 0 || data->error || fs_write_all(fd, data->data, data->len, NULL) < 0)
		return;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	unlinkat(s->root_fd, INDEX_FILE, 0);
	/* Another one who is there first has as good a one. */
	(void)!linkat(AT_FDCWD, self, s->root_fd, INDEX_FILE, AT_SYMLINK_FOLLOW);
}
