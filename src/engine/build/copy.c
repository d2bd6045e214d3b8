/* COPY and ADD: files of a context, another stage or another image come into the stage. */
#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"
#include "engine/build/direct.h"
#include "engine/build/pick.h"
#include "engine/build/session.h"
#include "engine/run/user.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct copy {
	struct build_at *at;
	struct build_pick pick;
	char *dest;	 /* as written, expanded */
	char *dest_path; /* absolute and clean */
	char *chown;	 /* expanded; NULL: not given */
	bool has_mode, link, extract;
	uint32_t mode;
	struct build_timer *timer;
	bool has_key; /* else it is found out while copying */
	struct digest key;
};

/* So much is copied before it is known whether a cached step is the same: hashing it first would read it twice. */
enum { SPECULATIVE_MAX = 32 << 20 };

static void copy_done(struct copy *c)
{
	build_pick_done(&c->pick);
	free(c->dest);
	free(c->dest_path);
	free(c->chown);
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
	c->pick.fd = openat(l->tmp.dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	c->pick.owned_fd = true;
	if (c->pick.fd < 0)
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
		r = text ? fs_write_file(c->pick.fd, h->name, text, strlen(text), 0644, 0, err) : err_oom(err);
		if (r < 0 || strv_add(&c->pick.words, h->name) < 0)
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
		else if (strv_take(&c->pick.words, word) < 0)
			return err_oom(err);
	}
	if (!*c->dest)
		return build_fail(c->at, args->items[args->len - 1].offset, err, EBADMSG, "the destination is empty");
	if (c->pick.words.len > 1 && !sources_dest_is_dir(c->dest))
		return build_fail(c->at, args->items[args->len - 1].offset, err, EBADMSG,
				  "with more than one source the destination must end with a slash: '%s/'", c->dest);
	c->dest_path = path_resolve(dir && *dir ? dir : "/", c->dest);
	return c->dest_path ? 0 : err_oom(err);
}

/* --- the key --- */

static void begin_key(const struct copy *c, struct key *k)
{
	build_key_begin(c->at, dockerfile_keyword_name(c->at->in->keyword), !c->link, k);
	key_add_strv(k, &c->pick.words);
	key_add_str(k, c->dest_path);
	key_add(k, (bool[]){ sources_dest_is_dir(c->dest), c->has_mode, c->extract, c->link }, 4 * sizeof(bool));
	key_add(k, &c->mode, sizeof(c->mode));
	key_add_str(k, c->chown);
}

/* By the layers that it comes from: nothing needs to be unpacked or read then. */
static int key_by_origin(const struct copy *c, struct digest *ret, struct err *err)
{
	CLEANUP(key_done) struct key k = KEY_INIT;

	begin_key(c, &k);
	key_add_str(&k, "origin");
	build_pick_add_origin(&c->pick, &k);
	return key_finish(&k, ret, err);
}

static int set_key(struct copy *c, const struct digest *content, struct err *err)
{
	CLEANUP(key_done) struct key k = KEY_INIT;
	int r;

	begin_key(c, &k);
	key_add_str(&k, "content");
	key_add_digest(&k, content);
	r = key_finish(&k, &c->key, err);
	c->has_key = r >= 0;
	return r;
}

/* By the content of all files, which are read if need be. 1: a step is found; 0: none. */
static int find_by_content(struct copy *c, struct err *err)
{
	struct digest content;
	int r = build_pick_content(&c->pick, &content, err);

	if (r >= 0)
		r = set_key(c, &content, err);
	return r < 0 ? r : build_step_find(c->at, &c->key, err);
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
	autoclose int fd = root->is_dir ? -1 : fs_open_in_root(c->pick.fd, root->path, O_RDONLY | O_NONBLOCK, 0, NULL);
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
	autoclose int fd = fs_open_in_root(c->pick.fd, root->path, O_RDONLY, 0, err);
	struct layer_request q = { .verb = LAYER_APPLY, .ids = &c->at->s->ids };
	int r;

	if (c->chown || c->has_mode)
		return err_set(err, EOPNOTSUPP,
			       "'%s' is an archive: --chown and --chmod of what is unpacked come with a later version",
			       root->path);
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

	for (size_t i = 0; i < c->pick.sources.roots_len && r >= 0; i++) {
		skip[i] = c->extract && is_archive(c, &c->pick.sources.roots[i]);
		if (skip[i])
			r = extract(c, &c->pick.sources.roots[i], root_fd, err);
	}
	return r;
}

static int copy_files(struct copy *c, const struct merged_root *root, struct err *err)
{
	autofree bool *skip = calloc(c->pick.sources.roots_len, sizeof(*skip));
	struct build_put put = { c->dest_path, sources_dest_is_dir(c->dest) || root->probe_is_dir, skip };
	struct layer_copy copy = { .has_mode = c->has_mode, .mode = c->mode };
	int r;

	if (!skip)
		return err_oom(err);
	if (!put.into && c->pick.sources.roots_len > 1) {
		err_set(err, EINVAL, "there are several sources, and '%s' is no folder", c->dest);
		return err_hint(err, "end the destination with a slash: '%s/'", c->dest);
	}
	r = find_owner(c, root->fd, &copy.uid, &copy.gid, err);
	if (r >= 0)
		r = extract_archives(c, root->fd, skip, err);
	return r < 0 ? r : build_pick_copy(&c->pick, &put, root->fd, copy, err);
}

/* --- straight into the upper folder --- */

static bool may_be_direct(const struct copy *c)
{
	uint32_t number;

	if (c->pick.from || (c->chown && num_parse_u32(c->chown, UINT32_MAX - 1, &number) < 0))
		return false;
	for (size_t i = 0; c->extract && i < c->pick.sources.roots_len; i++)
		if (is_archive(c, &c->pick.sources.roots[i]))
			return false;
	return true;
}

static int copy_direct(struct copy *c, const struct build_direct *d, struct build_upper *u, struct err *err)
{
	struct layer_copy copy = { .has_mode = c->has_mode, .mode = c->mode };
	bool finds_key = !c->has_key;
	struct digest content;
	struct timespec now;
	int r = find_owner(c, -1, &copy.uid, &copy.gid, err);

	clock_gettime(CLOCK_REALTIME, &now);
	if (r >= 0)
		r = build_direct_copy(d, &c->pick, u, copy, finds_key ? &content : NULL, err);
	if (r < 0 || !finds_key)
		return r < 0 ? r : 1;
	r = build_pick_remember(&c->pick, &content, now, err);
	if (r >= 0)
		r = set_key(c, &content, err);
	if (r >= 0)
		r = build_step_find(c->at, &c->key, err);
	return r < 0 ? r : r == 1 ? BUILD_MADE_BEFORE : 1;
}

/* 0: it can't be; else as a build_make_fn. */
static int try_direct(struct copy *c, struct build_upper *u, struct err *err)
{
	CLEANUP(build_direct_done) struct build_direct d = { 0 };
	struct build_put put = { c->dest_path, sources_dest_is_dir(c->dest), NULL };
	int r = build_direct_plan(&c->pick, &put, c->link, &d, err);

	if (r >= 0 && !c->has_key && (!d.possible || !d.in_order))
		r = find_by_content(c, err);
	if (r == 1)
		return BUILD_MADE_BEFORE;
	if (r < 0 || !d.possible)
		return r;
	if (c->has_key)
		build_step_work(c->at->s, c->timer);
	return copy_direct(c, &d, u, err);
}

static int copy_by_overlay(struct copy *c, struct build_upper *u, struct err *err)
{
	struct merged_root root = { .fd = -1 };
	int r = build_step_root(c->at, u, c->link, c->dest_path, &root, err);

	if (r >= 0)
		build_step_work(c->at->s, c->timer);
	if (r >= 0)
		r = copy_files(c, &root, err);
	if (root.fd >= 0)
		close(root.fd);
	return r < 0 ? r : 1;
}

static int make_layer(struct build_at *at, struct build_upper *u, void *arg, struct err *err)
{
	struct copy *c = arg;
	struct err why = { 0 };
	int r = !u->tree && may_be_direct(c) ? try_direct(c, u, &why) : 0;

	if (r == 0 && !c->has_key)
		r = find_by_content(c, &why) == 1 ? BUILD_MADE_BEFORE : -why.code;
	if (r == 0)
		r = copy_by_overlay(c, u, &why);
	if (r >= 0)
		return r;
	build_fail(at, 0, err, -r, "%s", why.msg);
	return why.hint[0] ? err_hint(err, "%s", why.hint) : r;
}

/* By content: listed, looked up, made if need be. 1: it was there already. */
static int copy_by_content(struct copy *c, struct err *err)
{
	struct digest content;
	int r = build_pick_list(&c->pick, &c->at->in->args, c->at->in->rest, err);

	if (r >= 0)
		r = build_pick_known(&c->pick, &content, err);
	if (r == 1)
		r = set_key(c, &content, err) < 0 ? -ENOMEM : build_step_find(c->at, &c->key, err);
	else if (r == 0 && (c->pick.sources.bytes > SPECULATIVE_MAX || !may_be_direct(c)))
		r = find_by_content(c, err);
	return r != 0 ? r : build_step_make(c->at, &c->key, make_layer, c, err);
}

static int copy_step(struct copy *c, struct err *err)
{
	const struct dockerfile_flag *from = dockerfile_flag(c->at->in, "from");
	struct digest origin;
	int r = build_pick_from(&c->pick, from ? from->value : NULL, from ? from->offset : 0, err), cached;

	if (r < 0 || !c->pick.from)
		return r < 0 ? r : copy_by_content(c, err);
	c->pick.keep_owners = !c->chown;
	r = key_by_origin(c, &origin, err);
	if (r >= 0)
		r = build_step_find(c->at, &origin, err);
	if (r != 0)
		return r;
	cached = copy_by_content(c, err);
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
	for (size_t i = 0; i < c->pick.words.len; i++)
		buf_addf(&text, " %s", c->pick.words.items[i]);
	buf_addf(&text, " %s", c->dest);
	return text.error ? err_oom(err) : build_history(c->at, buf_str(&text), err);
}

int build_copy(struct build_at *at, struct err *err)
{
	CLEANUP(copy_done)
	struct copy c = { .at = at, .pick = BUILD_PICK_INIT(at, dockerfile_keyword_name(at->in->keyword)) };
	struct build_timer timer;
	int r = set_flags(&c, err);

	if (r >= 0)
		r = set_words(&c, err);
	if (r >= 0)
		r = build_step_begin(at->s, at->state, at->stage, at->in->text, &timer, err);
	if (r < 0)
		return r;
	c.timer = &timer;
	r = copy_step(&c, err);
	timer.step.cached = r == 1;
	build_step_end(at->s, &timer, r);
	return r < 0 ? r : add_history(&c, err);
}
