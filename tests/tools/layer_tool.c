/*
 * The jobs of layer/client.h from a command line, for the tests of the layer helper: as cloche uses them,
 * but one at a time. The ids are those that cloche would use (CLOCHE_IDS).
 *
 *     layer_tool apply IN DIR NAME [plain] [into] [no-owners] [digest=D] [diff=D] [entries=N] [tee=FILE]
 *     layer_tool make DIR OUT [tar|gzip|zstd] [plain] [clamp=SECONDS]
 *     layer_tool list IN
 *     layer_tool split IN DIR [index]
 *     layer_tool pack OUT tar|gzip|zstd NAME=FILE…      (NAME:=FILE@SIZE: decompressed)
 *     layer_tool copy CONTEXT ROOT [chown=U:G] [chmod=MODE] SOURCE=DEST…
 *     layer_tool hash CONTEXT SOURCE…
 *     layer_tool remove DIR NAME
 *     layer_tool killed IN DIR NAME                     (apply, killed after the first moment)
 *
 * "-" is standard input or output.
 */
#include "base/num.h"
#include "base/str.h"
#include "layer/client.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ITEMS_MAX = 4096 };

static int open_or_die(const char *path, int flags)
{
	int fd;

	if (strcmp(path, "-") == 0)
		return flags & O_WRONLY ? 1 : 0;
	fd = open(path, flags | O_CLOEXEC, 0644);
	if (fd < 0) {
		perror(path);
		exit(125);
	}
	return fd;
}

static uint64_t number(const char *s, unsigned base)
{
	uint64_t n = 0;

	if (num_parse_u64(s, base, &n) < 0) {
		fprintf(stderr, "no number: %s\n", s);
		exit(125);
	}
	return n;
}

static int tell_entry(void *arg, const struct layer_entry *e, struct err *err)
{
	(void)arg;
	(void)err;
	printf("%c %04o %u:%u %" PRIu64 " %" PRId64 ".%09u %s%s%s", e->type, e->mode, e->uid, e->gid, e->size, e->mtime,
	       e->mtime_nsec, e->name, e->link[0] ? " -> " : "", e->link);
	if (e->type == 'c' || e->type == 'b')
		printf(" %u,%u", e->dev_major, e->dev_minor);
	putchar('\n');
	return 0;
}

static int tell_member(void *arg, const struct layer_member *m, struct err *err)
{
	char digest[DIGEST_STR_MAX];

	(void)arg;
	(void)err;
	digest_format(&m->digest, digest);
	printf("%s staged=%s offset=%" PRIu64 " size=%" PRIu64 " %s%s%s\n", m->name, m->staged, m->offset, m->size,
	       digest, m->link[0] ? " -> " : "", m->link);
	return 0;
}

static void apply_option(struct layer_apply *a, struct layer_limits *limits, const char *o)
{
	const char *v;

	if (strcmp(o, "plain") == 0)
		a->flags |= LAYER_PLAIN;
	else if (strcmp(o, "into") == 0)
		a->flags |= LAYER_INTO;
	else if (strcmp(o, "no-owners") == 0)
		a->flags |= LAYER_NO_OWNERS;
	else if ((v = str_skip_prefix(o, "digest=")))
		a->in.has_digest = digest_parse(v, &a->in.digest, NULL) == 0;
	else if ((v = str_skip_prefix(o, "diff=")))
		a->in.has_diff_id = digest_parse(v, &a->in.diff_id, NULL) == 0;
	else if ((v = str_skip_prefix(o, "entries=")))
		limits->entries = number(v, 10);
	else if ((v = str_skip_prefix(o, "tee=")))
		a->in.tee_fd = open_or_die(v, O_WRONLY | O_CREAT | O_TRUNC);
}

static void make_option(struct layer_make *m, const char *o)
{
	const char *v;

	if (strcmp(o, "gzip") == 0)
		m->compression = LAYER_GZIP;
	else if (strcmp(o, "zstd") == 0)
		m->compression = LAYER_ZSTD;
	else if (strcmp(o, "plain") == 0)
		m->plain = true;
	else if ((v = str_skip_prefix(o, "clamp="))) {
		m->clamp_mtime = true;
		m->max_mtime = (int64_t)number(v, 10);
	}
}

static size_t pack_items(struct layer_item *items, char **args, int n)
{
	for (int i = 0; i < n; i++) {
		char *equals = strchr(args[i], '='), *at;
		bool unpack = equals && equals > args[i] && equals[-1] == ':';

		if (!equals)
			exit(125);
		*equals = '\0';
		if (unpack)
			equals[-1] = '\0';
		items[i] = (struct layer_item){ .dest = args[i], .flags = unpack ? LAYER_ITEM_DECOMPRESS : 0 };
		at = unpack ? strchr(equals + 1, '@') : NULL;
		if (at) {
			*at = '\0';
			items[i].plain_size = number(at + 1, 10);
		}
		items[i].fd = open_or_die(equals + 1, O_RDONLY);
	}
	return (size_t)n;
}

static size_t copy_items(struct layer_copy *c, struct layer_item *items, char **args, int n)
{
	size_t len = 0;

	for (int i = 0; i < n; i++) {
		char *equals = strchr(args[i], '=');
		const char *v;

		if ((v = str_skip_prefix(args[i], "chown="))) {
			char *colon = strchr(args[i], ':');

			*colon = '\0';
			c->uid = (uint32_t)number(v, 10);
			c->gid = (uint32_t)number(colon + 1, 10);
			continue;
		}
		if ((v = str_skip_prefix(args[i], "chmod="))) {
			c->has_mode = true;
			c->mode = (uint32_t)number(v, 8);
			continue;
		}
		if (!equals)
			exit(125);
		*equals = '\0';
		items[len++] = (struct layer_item){
			.source = args[i], .dest = equals + 1, .flags = LAYER_ITEM_RECURSE, .fd = -1
		};
	}
	return len;
}

static void print_result(const struct layer_result *r)
{
	char digest[DIGEST_STR_MAX], diff[DIGEST_STR_MAX];

	digest_format(&r->digest, digest);
	digest_format(&r->diff_id, diff);
	fprintf(stderr,
		"digest=%s size=%" PRIu64 " diff=%s diff_size=%" PRIu64 " compression=%d entries=%" PRIu64
		" bytes=%" PRIu64 " lost_xattrs=%" PRIu64 " lost_owners=%" PRIu64 " sockets=%" PRIu64 " landlock=%d\n",
		digest, r->size, diff, r->diff_size, r->compression, r->entries, r->file_bytes, r->lost_xattrs,
		r->lost_owners, r->skipped_sockets, r->landlock_abi);
}

static int fill_request(struct layer_request *q, struct layer_item *items, char **argv, int argc)
{
	const char *verb = argv[1];

	if (strcmp(verb, "apply") == 0 || strcmp(verb, "killed") == 0) {
		q->verb = LAYER_APPLY;
		q->apply.in.fd = open_or_die(argv[2], O_RDONLY);
		q->apply.dir_fd = open_or_die(argv[3], O_RDONLY | O_DIRECTORY);
		q->apply.name = argv[4];
		for (int i = 5; i < argc; i++)
			apply_option(&q->apply, &q->limits, argv[i]);
	} else if (strcmp(verb, "make") == 0) {
		q->verb = LAYER_MAKE;
		q->make.tree_fd = open_or_die(argv[2], O_RDONLY | O_DIRECTORY);
		q->make.out_fd = open_or_die(argv[3], O_WRONLY | O_CREAT | O_TRUNC);
		for (int i = 4; i < argc; i++)
			make_option(&q->make, argv[i]);
	} else if (strcmp(verb, "list") == 0) {
		q->verb = LAYER_LIST;
		q->list.fd = open_or_die(argv[2], O_RDONLY);
	} else if (strcmp(verb, "split") == 0) {
		q->verb = LAYER_SPLIT;
		q->split.in.fd = open_or_die(argv[2], O_RDONLY);
		q->split.staging_fd = open_or_die(argv[3], O_RDONLY | O_DIRECTORY);
		q->split.index_only = argc > 4;
	} else if (strcmp(verb, "pack") == 0) {
		struct layer_make m = { 0 };

		make_option(&m, argv[3]);
		q->verb = LAYER_PACK;
		q->pack.out_fd = open_or_die(argv[2], O_WRONLY | O_CREAT | O_TRUNC);
		q->pack.compression = m.compression;
		q->pack.items = items;
		q->pack.items_len = pack_items(items, argv + 4, argc - 4);
	} else if (strcmp(verb, "copy") == 0) {
		q->verb = LAYER_COPY;
		q->copy.context_fd = open_or_die(argv[2], O_RDONLY | O_DIRECTORY);
		q->copy.root_fd = open_or_die(argv[3], O_RDONLY | O_DIRECTORY);
		q->copy.items = items;
		q->copy.items_len = copy_items(&q->copy, items, argv + 4, argc - 4);
	} else if (strcmp(verb, "hash") == 0) {
		q->verb = LAYER_HASH;
		q->hash.context_fd = open_or_die(argv[2], O_RDONLY | O_DIRECTORY);
		q->hash.items = items;
		for (int i = 3; i < argc; i++)
			items[q->hash.items_len++] =
				(struct layer_item){ .source = argv[i], .flags = LAYER_ITEM_RECURSE, .fd = -1 };
	} else if (strcmp(verb, "remove") == 0) {
		q->verb = LAYER_REMOVE;
		q->remove.dir_fd = open_or_die(argv[2], O_RDONLY | O_DIRECTORY);
		q->remove.name = argv[3];
	} else {
		return -EINVAL;
	}
	return 0;
}

/* The helper dies in the middle, as by kill -9: the job is freed while it runs. */
static int run_killed(const struct layer_request *q, struct err *err)
{
	struct layer_job *job;
	int r = layer_job_start(q, &job, err);

	if (r < 0)
		return r;
	poll(NULL, 0, 20);
	layer_job_free(job);
	return 0;
}

int main(int argc, char **argv)
{
	static struct layer_item items[ITEMS_MAX];
	struct layer_request q = { .on_entry = tell_entry, .on_member = tell_member };
	struct layer_result result = { 0 };
	struct idmap ids;
	struct err err = { 0 };
	int r;

	if (argc < 3 || argc > ITEMS_MAX || fill_request(&q, items, argv, argc) < 0) {
		fputs("see the top of layer_tool.c\n", stderr);
		return 125;
	}
	r = idmap_detect(&ids, &err);
	q.ids = &ids;
	if (r >= 0)
		r = strcmp(argv[1], "killed") == 0 ? run_killed(&q, &err) : layer_run(&q, &result, &err);
	if (r < 0) {
		err_print(stderr, &err);
		return 1;
	}
	print_result(&result);
	return 0;
}
