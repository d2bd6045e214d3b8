/* COPY, ADD and WORKDIR: files of a context, another stage or another image come into the stage. */
#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"
#include "build/apply.h"
#include "build/sources.h"
#include "engine/build_cache.h"
#include "engine/build_list.h"
#include "engine/build_session.h"
#include "engine/run_user.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

DEFINE_VEC(layer_items, struct layer_item)

/* Files changed so shortly before may change again without the kernel's times showing it. */
enum { RACY_NS = 50 * 1000 * 1000 };

struct copy {
	struct build_at *at;
	struct strv words; /* sources, expanded */
	char *dest;	   /* as written, expanded */
	char *dest_path;   /* absolute and clean */
	char *chown;	   /* expanded; NULL: not given */
	bool has_mode, link, extract;
	uint32_t mode;

	int fd; /* of the context, or of the root that --from names */
	bool owned_fd;
	bool from_root;		  /* --from: owners are kept, nothing is ignored */
	struct store_image image; /* of --from, if it is an image */
	struct sources sources;
};

static void copy_done(struct copy *c)
{
	strv_done(&c->words);
	free(c->dest);
	free(c->dest_path);
	free(c->chown);
	if (c->owned_fd && c->fd >= 0)
		close(c->fd);
	store_image_done(&c->image);
	sources_done(&c->sources);
}

/* --- what is asked --- */

static int set_mode(struct copy *c, struct err *err)
{
	const struct dockerfile_flag *flag = dockerfile_flag(c->at->in, "chmod");
	autofree char *text = NULL;
	uint64_t mode;
	int r;

	if (!flag)
		return 0;
	r = vars_expand(&c->at->vars, c->at->df, c->at->in, flag->value, flag->offset, &text, err);
	if (r < 0)
		return r;
	if (num_parse_u64(text, 8, &mode) < 0 || mode > 07777)
		return build_fail(c->at, flag->offset, err, EOPNOTSUPP,
				  "--chmod takes an octal number like 755; '%s' comes with a later version", text);
	c->has_mode = true;
	c->mode = (uint32_t)mode;
	return 0;
}

static bool flag_is_on(const struct dockerfile_instruction *in, const char *name)
{
	const struct dockerfile_flag *flag = dockerfile_flag(in, name);

	return flag && (!flag->value || strcmp(flag->value, "true") == 0);
}

static int set_flags(struct copy *c, struct err *err)
{
	const struct dockerfile_instruction *in = c->at->in;
	const struct dockerfile_flag *chown = dockerfile_flag(in, "chown"), *unpack = dockerfile_flag(in, "unpack");
	int r = set_mode(c, err);

	c->link = flag_is_on(in, "link");
	c->extract = in->keyword == DOCKERFILE_ADD && (!unpack || flag_is_on(in, "unpack"));
	if (r >= 0 && chown)
		r = vars_expand(&c->at->vars, c->at->df, in, chown->value, chown->offset, &c->chown, err);
	return r;
}

/* The sources are heredocs: each is written to a folder of its own making under its name. */
static int write_heredocs(struct copy *c, struct err *err)
{
	const struct dockerfile_instruction *in = c->at->in;
	struct build_layers *l = &c->at->s->layers;
	autofree char *name = str_format("h%u", l->next++);

	if (in->args.len != in->heredocs.len + 1)
		return build_fail(c->at, in->rest, err, EOPNOTSUPP,
				  "heredocs beside other sources come with a later version: write two instructions");
	if (!name)
		return err_oom(err);
	if (mkdirat(l->tmp.dir_fd, name, 0755) < 0)
		return err_errno(err, errno, "make a folder for heredocs");
	c->fd = openat(l->tmp.dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	c->owned_fd = true;
	if (c->fd < 0)
		return err_errno(err, errno, "open a folder for heredocs");
	for (size_t i = 0; i < in->heredocs.len; i++) {
		const struct dockerfile_heredoc *h = &in->heredocs.items[i];
		autofree char *text = h->expand ? NULL : strdup(h->content);
		int r = 0;

		if (strchr(h->name, '/') || strcmp(h->name, ".") == 0 || strcmp(h->name, "..") == 0)
			return build_fail(c->at, in->args.items[i].offset, err, EBADMSG, "'%s' is no name for a file",
					  h->name);
		if (h->expand)
			r = vars_expand_document(&c->at->vars, c->at->df, in, h->content, in->args.items[i].offset,
						 &text, err);
		if (r < 0)
			return r;
		r = text ? fs_write_file(c->fd, h->name, text, strlen(text), 0644, 0, err) : err_oom(err);
		if (r < 0 || strv_add(&c->words, h->name) < 0)
			return r < 0 ? r : err_oom(err);
	}
	return 0;
}

static int set_words(struct copy *c, struct err *err)
{
	const struct dockerfile_args *args = &c->at->in->args;
	const char *dir = c->at->state->image.config.working_dir;

	if (c->at->in->heredocs.len > 0 && write_heredocs(c, err) < 0)
		return -EBADMSG;
	for (size_t i = c->at->in->heredocs.len; i < args->len; i++) {
		char *word = NULL;
		int r = vars_expand(&c->at->vars, c->at->df, c->at->in, args->items[i].text, args->items[i].offset,
				    &word, err);

		if (r < 0)
			return r;
		if (i + 1 == args->len)
			c->dest = word;
		else if (strv_take(&c->words, word) < 0)
			return err_oom(err);
	}
	if (!*c->dest)
		return build_fail(c->at, args->items[args->len - 1].offset, err, EBADMSG, "the destination is empty");
	if (c->words.len > 1 && !sources_dest_is_dir(c->dest))
		return build_fail(c->at, args->items[args->len - 1].offset, err, EBADMSG,
				  "with more than one source the destination must end with a slash: '%s/'", c->dest);
	c->dest_path = path_resolve(dir && *dir ? dir : "/", c->dest);
	return c->dest_path ? 0 : err_oom(err);
}

/* --- where from --- */

/* The files of IMAGE as a folder: one layer as it lies there, several through a read-only overlay. */
static int open_root(struct copy *c, const struct store_image *image, struct err *err)
{
	struct build_session *s = c->at->s;
	autostrv struct strv lowers = { 0 };
	struct build_root root;
	int r = build_layers_ensure(&s->layers, image, err);

	if (r >= 0)
		r = build_layers_lowers(&s->layers, image, false, &lowers, err);
	if (r < 0)
		return r;
	/* Without the skeleton: its empty files are nobody's to copy. */
	strv_remove(&lowers, lowers.len - 1);
	if (lowers.len == 0)
		return err_set(err, ENOENT, "it has no files");
	if (lowers.len == 1) {
		c->fd = open(lowers.items[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		return c->fd < 0 ? err_errno(err, errno, "open '%s'", lowers.items[0]) : 0;
	}
	r = build_root_open(&s->ids, s->store->root, &lowers, NULL, NULL, NULL, &root, err);
	if (r >= 0)
		c->fd = root.fd;
	return r;
}

/* The image or stage behind --from; borrowed. NULL: the context. */
static int find_from(struct copy *c, const struct store_image **ret, struct err *err)
{
	const struct dockerfile_flag *from = dockerfile_flag(c->at->in, "from");
	struct build_session *s = c->at->s;
	struct err why = { 0 };
	ssize_t stage;
	int r;

	*ret = NULL;
	if (!from)
		return 0;
	stage = plan_find_stage(&s->plan, c->at->stage, from->value, true);
	if (stage >= 0 && s->states[stage].done) {
		*ret = &s->states[stage].image;
		return 0;
	}
	r = store_image_open(s->store, from->value, &c->image, &why);
	if (r < 0) {
		build_fail(c->at, from->offset, err, -r, "--from=%s is no stage before this one, and no image: %s",
			   from->value, why.msg);
		return err_hint(err, "%s", why.hint);
	}
	*ret = &c->image;
	return 0;
}

static int list_from(struct copy *c, const struct store_image *from, struct err *err)
{
	struct err why = { 0 };
	int r;

	c->from_root = c->owned_fd = true;
	r = open_root(c, from, &why);
	if (r < 0)
		return build_fail(c->at, 0, err, -r, "--from: %s", why.msg);
	r = build_list_roots(&c->at->s->ids, c->fd, &c->words, &c->sources, &why);
	return r < 0 ? build_fail(c->at, c->at->in->rest, err, -r, "COPY --from: %s", why.msg) : 0;
}

/* Opens the place and lists the sources. */
static int list_sources(struct copy *c, const struct store_image *from, struct err *err)
{
	const struct dockerfile_args *args = &c->at->in->args;
	struct build_context *context = &c->at->s->context;
	const struct dockerignore *ignore = NULL;
	struct err why = { 0 };
	int r = 0;

	if (from)
		return list_from(c, from, err);
	if (!c->owned_fd) {
		c->fd = context->fd;
		ignore = &context->ignore;
		if (c->fd < 0)
			return build_fail(c->at, 0, err, ENOENT,
					  "there is no context: the Dockerfile came alone, from stdin");
	}
	for (size_t i = 0; i < c->words.len && r >= 0; i++) {
		r = sources_add(&c->sources, c->fd, ignore, c->words.items[i], &why);
		if (r < 0)
			build_fail(c->at, args->items[i].offset, err, -r, "%s: %s",
				   dockerfile_keyword_name(c->at->in->keyword), why.msg);
	}
	return r;
}

/* --- the key --- */

static int make_items(const struct copy *c, bool hash, bool into, const bool *skip, struct layer_items *ret,
		      struct strv *dests, struct err *err)
{
	for (size_t i = 0; i < c->sources.entries_len; i++) {
		struct layer_item item = { .source = c->sources.entries[i].path };

		if (c->sources.shallow && c->sources.entries[i].is_dir)
			item.flags = LAYER_ITEM_RECURSE;
		if (skip && skip[c->sources.entries[i].root])
			continue;
		if (!hash) {
			if (strv_take(dests, sources_dest(&c->sources, i, c->dest_path, into)) < 0)
				return err_oom(err);
			item.dest = dests->items[dests->len - 1];
		}
		if (layer_items_push(ret, item) < 0)
			return err_oom(err);
	}
	return 0;
}

static int hash_files(struct copy *c, struct digest *ret, struct err *err)
{
	struct layer_request q = { .verb = LAYER_HASH, .ids = c->from_root ? &c->at->s->ids : NULL };
	struct layer_items items = { 0 };
	struct layer_result result;
	int r = make_items(c, true, false, NULL, &items, NULL, err);

	q.hash.context_fd = c->fd;
	q.hash.keep_owners = c->from_root && !c->chown;
	q.hash.items = items.items;
	q.hash.items_len = items.len;
	if (r >= 0)
		r = layer_run(&q, &result, err);
	free(items.items);
	if (r < 0)
		return err_wrap(err, "read the files to be copied");
	*ret = result.digest;
	return 0;
}

/* The content's digest: remembered for the files' signature, or by reading them. */
static int content_of(struct copy *c, struct digest *ret, struct err *err)
{
	CLEANUP(key_done) struct key k = KEY_INIT;
	struct digest signature;
	struct timespec now;
	int r;

	if (c->from_root)
		return hash_files(c, ret, err);
	key_add_str(&k, "cloche sources 1");
	key_add(&k, buf_str(&c->sources.signature), c->sources.signature.len);
	r = key_finish(&k, &signature, err);
	if (r < 0 || build_cache_find_sources(c->at->s->store, &signature, ret) == 1)
		return r;
	clock_gettime(CLOCK_REALTIME, &now);
	r = hash_files(c, ret, err);
	if (r >= 0 && now.tv_sec * INT64_C(1000000000) + now.tv_nsec - c->sources.newest_ns > RACY_NS)
		build_cache_put_sources(c->at->s->store, &signature, ret);
	return r;
}

static void begin_key(const struct copy *c, struct key *k)
{
	build_key_begin(c->at, dockerfile_keyword_name(c->at->in->keyword), !c->link, k);
	key_add_strv(k, &c->words);
	key_add_str(k, c->dest_path);
	key_add(k, (bool[]){ sources_dest_is_dir(c->dest), c->has_mode, c->extract, c->link }, 4 * sizeof(bool));
	key_add(k, &c->mode, sizeof(c->mode));
	key_add_str(k, c->chown);
}

/* By the layers that it comes from: nothing needs to be unpacked or read then. */
static int key_by_origin(const struct copy *c, const struct store_image *from, struct digest *ret, struct err *err)
{
	CLEANUP(key_done) struct key k = KEY_INIT;

	begin_key(c, &k);
	key_add_str(&k, "origin");
	for (size_t i = 0; i < from->config.diff_ids_len; i++)
		key_add_digest(&k, &from->config.diff_ids[i]);
	return key_finish(&k, ret, err);
}

static int key_by_content(struct copy *c, struct digest *ret, struct err *err)
{
	CLEANUP(key_done) struct key k = KEY_INIT;
	struct digest content;
	int r = content_of(c, &content, err);

	if (r < 0)
		return r;
	begin_key(c, &k);
	key_add_str(&k, "content");
	key_add_digest(&k, &content);
	return key_finish(&k, ret, err);
}

/* --- copying --- */

/* A user without a group: docker takes the number for both, a name's group from the image. */
static int find_owner(const struct copy *c, int root_fd, uint32_t *ret_uid, uint32_t *ret_gid, struct err *err)
{
	autouser struct run_user user = { 0 };
	uint32_t number;
	int r;

	*ret_uid = *ret_gid = 0;
	if (!c->chown)
		return 0;
	if (num_parse_u32(c->chown, UINT32_MAX - 1, &number) == 0) {
		*ret_uid = *ret_gid = number;
		return 0;
	}
	r = build_find_user(root_fd, c->chown, &user, err);
	if (r < 0)
		return err_wrap(err, "--chown=%s", c->chown);
	*ret_uid = user.uid;
	*ret_gid = user.gid;
	return 0;
}

/* Whether root AT is an archive that ADD unpacks: by its first bytes, and by whether its first header can be read. */
static int stop_at_first(void *arg, const struct layer_entry *entry, struct err *err)
{
	(void)entry;
	*(bool *)arg = true;
	return err_set(err, ECANCELED, "enough");
}

static bool is_archive(const struct copy *c, const struct source_root *root)
{
	autoclose int fd = root->is_dir ? -1 : fs_open_in_root(c->fd, root->path, O_RDONLY | O_NONBLOCK, 0, NULL);
	struct layer_request q = { .verb = LAYER_LIST, .on_entry = stop_at_first };
	char head[512];
	bool any = false;
	ssize_t n;

	if (fd < 0)
		return false;
	n = pread(fd, head, sizeof(head), 0);
	if (n <= 0 || !build_looks_like_archive(head, (size_t)n))
		return false;
	q.list.fd = fd;
	q.arg = &any;
	layer_run(&q, NULL, NULL);
	return any;
}

static int extract(struct copy *c, const struct source_root *root, int root_fd, struct err *err)
{
	autoclose int fd = fs_open_in_root(c->fd, root->path, O_RDONLY, 0, err);
	struct layer_request q = { .verb = LAYER_APPLY, .ids = &c->at->s->ids };
	int r;

	if (fd < 0)
		return fd;
	q.apply.in.fd = fd;
	q.apply.dir_fd = root_fd;
	q.apply.name = c->dest_path;
	q.apply.flags = LAYER_PLAIN | LAYER_INTO;
	r = layer_run(&q, NULL, err);
	return r < 0 ? err_wrap(err, "unpack '%s'", root->path) : 0;
}

/* Unpacks those sources that are archives; SKIP says then which. */
static int extract_archives(struct copy *c, int root_fd, bool *skip, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < c->sources.roots_len && r >= 0; i++) {
		skip[i] = c->extract && is_archive(c, &c->sources.roots[i]);
		if (skip[i])
			r = extract(c, &c->sources.roots[i], root_fd, err);
	}
	return r;
}

static int copy_files(struct copy *c, const struct build_root *root, struct err *err)
{
	struct layer_request q = { .verb = LAYER_COPY, .ids = &c->at->s->ids };
	autofree bool *skip = calloc(c->sources.roots_len, sizeof(*skip));
	autostrv struct strv dests = { 0 };
	struct layer_items items = { 0 };
	bool into = sources_dest_is_dir(c->dest) || root->probe_is_dir;
	int r;

	if (!skip)
		return err_oom(err);
	if (!into && c->sources.roots_len > 1) {
		err_set(err, EINVAL, "there are several sources, and '%s' is no folder", c->dest);
		return err_hint(err, "end the destination with a slash: '%s/'", c->dest);
	}
	r = find_owner(c, root->fd, &q.copy.uid, &q.copy.gid, err);
	if (r >= 0)
		r = extract_archives(c, root->fd, skip, err);
	if (r >= 0)
		r = make_items(c, false, into, skip, &items, &dests, err);
	q.copy.context_fd = c->fd;
	q.copy.root_fd = root->fd;
	q.copy.keep_owners = c->from_root && !c->chown;
	q.copy.has_mode = c->has_mode;
	q.copy.mode = c->mode;
	q.copy.items = items.items;
	q.copy.items_len = items.len;
	if (r >= 0 && items.len > 0)
		r = layer_run(&q, NULL, err);
	free(items.items);
	return r;
}

static int make_layer(struct build_at *at, struct build_upper *u, void *arg, struct err *err)
{
	struct copy *c = arg;
	struct build_root root = { .fd = -1 };
	struct err why = { 0 };
	int r = build_step_root(at, u, c->link, c->dest_path, &root, &why);

	if (r >= 0)
		r = copy_files(c, &root, &why);
	if (root.fd >= 0)
		close(root.fd);
	if (r >= 0)
		return 1;
	build_fail(at, 0, err, -r, "%s", why.msg);
	return why.hint[0] ? err_hint(err, "%s", why.hint) : r;
}

/* By content: listed, looked up, made if need be. 1: it was there already. */
static int copy_by_content(struct copy *c, const struct store_image *from, struct build_timer *timer, struct err *err)
{
	struct digest content;
	int r = list_sources(c, from, err);

	if (r >= 0 && c->sources.entries_len == 0)
		r = build_fail(c->at, c->at->in->rest, err, ENOENT, "no source matches");
	if (r >= 0)
		r = key_by_content(c, &content, err);
	if (r >= 0)
		r = build_step_find(c->at, &content, err);
	if (r != 0)
		return r;
	build_step_work(c->at->s, timer);
	return build_step_make(c->at, &content, make_layer, c, err);
}

static int copy_step(struct copy *c, struct build_timer *timer, struct err *err)
{
	const struct store_image *from;
	struct digest origin;
	int r = find_from(c, &from, err), cached;

	if (r < 0 || !from)
		return r < 0 ? r : copy_by_content(c, from, timer, err);
	r = key_by_origin(c, from, &origin, err);
	if (r >= 0)
		r = build_step_find(c->at, &origin, err);
	if (r != 0)
		return r;
	cached = copy_by_content(c, from, timer, err);
	r = cached < 0 ? cached : build_step_alias(c->at, &origin, err);
	return r < 0 ? r : cached;
}

static int add_history(const struct copy *c, struct err *err)
{
	autobuf struct buf text = BUF_INIT(2 * DOCKERFILE_LINE_MAX);

	buf_add_str(&text, dockerfile_keyword_name(c->at->in->keyword));
	for (size_t i = 0; i < c->at->in->flags.len; i++) {
		const struct dockerfile_flag *flag = &c->at->in->flags.items[i];

		buf_addf(&text, " --%s%s%s", flag->name, flag->value ? "=" : "", flag->value ? flag->value : "");
	}
	for (size_t i = 0; i < c->words.len; i++)
		buf_addf(&text, " %s", c->words.items[i]);
	buf_addf(&text, " %s", c->dest);
	return text.error ? err_oom(err) : build_history(c->at, buf_str(&text), err);
}

int build_copy(struct build_at *at, struct err *err)
{
	CLEANUP(copy_done) struct copy c = { .at = at, .fd = -1, .sources = SOURCES_INIT };
	struct build_timer timer;
	int r = set_flags(&c, err);

	if (r >= 0)
		r = set_words(&c, err);
	if (r >= 0)
		r = build_step_begin(at->s, at->state, at->stage, at->in->text, &timer, err);
	if (r < 0)
		return r;
	r = copy_step(&c, &timer, err);
	timer.step.cached = r == 1;
	build_step_end(at->s, &timer, r);
	return r < 0 ? r : add_history(&c, err);
}
