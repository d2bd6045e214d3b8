/* Making a container: everything about it that stays the same in all of its lives. */
#include "engine/run/session.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "engine/container/events.h"
#include "engine/run/env.h"
#include "engine/run/life_options.h"
#include "engine/run/network.h"
#include "sys/fs.h"
#include "sys/signals.h"
#include "sys/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

/* --- the container's folders --- */

/* Makes containers/<id> under the name that was asked for, or one that is free. */
static int take_name(struct run_session *s, const char *wanted, struct err *err)
{
	char name[RUN_NAME_MAX];
	int r = -EEXIST;

	if (wanted && !container_is_name(wanted)) {
		err_set(err, EINVAL, "--name '%s': not a name for a container", wanted);
		return err_hint(err, "letters, digits, and behind the first also _ . -; at least two");
	}
	for (int attempt = 0; r == -EEXIST && attempt < (wanted ? 2 : 10); attempt++) {
		err_clear(err);
		if (wanted)
			snprintf(name, sizeof(name), "%s", wanted);
		else
			run_name_generate(attempt, name);
		r = container_make(s->store, s->id, name, &s->image, err);
		/* The name may be that of a container whose command was killed before it could remove it. */
		if (r == -EEXIST && attempt == 0 && wanted)
			containers_sweep(s->store, 0, true);
	}
	if (r == -EEXIST)
		return err_hint(err, "'cloche rm %s' removes that container", name);
	if (r < 0)
		return r;
	s->dir_fd = r;
	s->is_new = true;
	s->record.name = strdup(name);
	return s->record.name ? 0 : err_oom(err);
}

/* Where the user is not root in there, its root folder is root's all the same. */
static int give_to_root(void *arg, struct err *err)
{
	const struct run_session *s = arg;

	return fchownat(s->dir_fd, "upper", 0, 0, AT_SYMLINK_NOFOLLOW) < 0
		       ? err_errno(err, errno, "set the owner of '%s/upper'", s->dir)
		       : 0;
}

int run_make_work(struct run_session *s, struct err *err)
{
	/* The container's root is nobody who has rights to what is ours, and we remove it: the folder above keeps all others out. */
	if (mkdirat(s->dir_fd, "work", 0700) < 0 || (s->keep.is_auto && fchmodat(s->dir_fd, "work", 0777, 0) < 0))
		return err_errno(err, errno, "make '%s/work'", s->dir);
	return 0;
}

static int make_folders(struct run_session *s, struct err *err)
{
	struct stat st = { .st_mode = 0755 };
	int r = 0;

	/* The root folder of the merged tree is the upper one: it shows the mode of the image's. */
	if (s->layer_fds_len && fstat(s->layer_fds[0], &st) < 0)
		return err_errno(err, errno, "look at the image's root");
	if (mkdirat(s->dir_fd, "upper", 0700) < 0 || fchmodat(s->dir_fd, "upper", st.st_mode & 07777, 0) < 0)
		return err_errno(err, errno, "make '%s/upper'", s->dir);
	if ((s->keep.set || s->keep.is_auto) && s->ids.mode == ID_MODE_RANGE) {
		r = userns_run(&s->ids, 0, give_to_root, s, err);
		if (r < 0)
			return r;
	}
	r = run_make_work(s, err);
	if (r < 0)
		return r;
	/* The mount is in a namespace of its own, so that one empty folder does for all. */
	if (faccessat(s->store->root_fd, "merged", F_OK, 0) < 0 && mkdirat(s->store->root_fd, "merged", 0700) < 0 &&
	    errno != EEXIST)
		return err_errno(err, errno, "make '%s'", s->rootfs);
	return 0;
}

/* --- the spec --- */

static int copy_environment(struct strv *env)
{
	for (char **e = environ; *e; e++)
		if (strv_add(env, *e) < 0)
			return -ENOMEM;
	return 0;
}

static int make_spec(struct run_session *s, const struct run_order *order, struct err *err)
{
	const struct layered layers = { s->layer_fds, s->layer_fds_len };
	autostrv struct strv env = { 0 };
	autofree char *cwd = getcwd(NULL, 0);
	struct run_request q = { .options = order->options,
				 .args = order->args,
				 .image = &s->image.config,
				 .layers = &layers,
				 .ids = &s->ids,
				 .keep = &s->keep,
				 .env = &env,
				 .cwd = cwd ? cwd : "/",
				 .id = s->id,
				 .shares = &s->record.shares,
				 .mounts = &s->mounts,
				 .rootfs = s->rootfs,
				 .files_dir = s->files_dir };
	int r;

	if (copy_environment(&env) < 0)
		return err_oom(err);
	r = run_mounts_prepare(s, order->options, q.cwd, err);
	return r < 0 ? r : run_spec_make(&q, &s->spec, err);
}

/* --- the record --- */

static int set_digest(char **to, const struct digest *d)
{
	char text[DIGEST_STR_MAX];

	digest_format(d, text);
	*to = strdup(text);
	return *to ? 0 : -ENOMEM;
}

static int read_label_file(const char *path, struct strv *labels, struct err *err)
{
	autobuf struct buf text = BUF_INIT(RUN_ENV_FILE_MAX);
	autofree char *copy = NULL;
	char *rest, *line;
	int r = fs_read_file(AT_FDCWD, path, RUN_ENV_FILE_MAX, &text, err);

	if (r < 0)
		return err_wrap(err, "--label-file");
	rest = copy = buf_take(&text);
	while (r >= 0 && (line = strsep(&rest, "\n")))
		if (*line && *line != '#')
			r = run_label_apply(labels, line, err);
	return r < 0 ? err_wrap(err, "--label-file '%s'", path) : 0;
}

static int set_labels(struct run_session *s, const struct run_options *o, struct err *err)
{
	struct strv *labels = &s->record.labels;
	const struct str_map *image = &s->image.config.labels;
	int r = 0;

	for (size_t i = 0; i < image->len; i++)
		if (strv_add(labels, image->items[i].key) < 0 || strv_add(labels, image->items[i].value) < 0)
			return err_oom(err);
	for (size_t i = 0; r >= 0 && i < o->label_files.len; i++)
		r = read_label_file(o->label_files.items[i], labels, err);
	for (size_t i = 0; r >= 0 && i < o->labels.len; i++)
		r = run_label_apply(labels, o->labels.items[i], err);
	return r;
}

static int set_stop_signal(struct run_session *s, const struct run_options *o, struct err *err)
{
	const char *word = o->stop_signal ? o->stop_signal : s->image.config.stop_signal;
	char name[16];
	int sig, r = signal_parse(word && *word ? word : "TERM", &sig, err);

	if (r < 0)
		return err_wrap(err, "--stop-signal");
	signal_format(sig, name);
	s->record.stop_signal = strdup(name);
	return s->record.stop_signal ? 0 : err_oom(err);
}

static int parse_ids_level(const struct run_options *o, int64_t *ret, struct err *err)
{
	uint32_t level = INTERCEPT_LEVEL_DEFAULT;
	const char *word = o->ids_level;

	if (word && strcmp(word, "off") == 0)
		level = 0;
	else if (word && num_parse_u32(word, INTERCEPT_ACCESS, &level) < 0)
		return err_set(err, EINVAL, "--ids-level '%s': one of 0 (off), 1, 2 and 3", word);
	*ret = level;
	return 0;
}

static int set_names(struct container_names *n, const struct run_options *o, struct err *err)
{
	n->domainname = o->domainname ? strdup(o->domainname) : NULL;
	if ((o->domainname && !n->domainname) || strv_add_all(&n->add_hosts, &o->add_hosts) < 0 ||
	    strv_add_all(&n->dns, &o->dns) < 0 || strv_add_all(&n->dns_search, &o->dns_search) < 0 ||
	    strv_add_all(&n->dns_options, &o->dns_options) < 0)
		return err_oom(err);
	return 0;
}

static int set_strings(struct run_session *s, const struct run_order *order, struct err *err)
{
	struct container_record *r = &s->record;
	const char *user = order->options->user ? order->options->user : s->image.config.user;

	r->id = strdup(s->id);
	r->image = strdup(order->image);
	r->user = strdup(user ? user : "");
	if (s->spec.hostname)
		r->hostname = strdup(s->spec.hostname);
	r->network = strdup(order->options->network ? order->options->network : "private");
	r->ids = strdup(id_mode_name(s->ids.mode));
	if (s->keep.set && !(r->userns = str_format("keep-id:uid=%u,gid=%u", s->keep.uid, s->keep.gid)))
		return err_oom(err);
	if (s->userns) {
		free(r->userns);
		r->userns = TAKE_PTR(s->userns);
	}
	if (!r->id || !r->user || !r->image || !r->network || !r->ids || (s->spec.hostname && !r->hostname) ||
	    set_digest(&r->image_id, &s->image.id) < 0 || set_digest(&r->manifest, &s->image.manifest_digest) < 0 ||
	    strv_add_all(&r->args, &s->spec.process.args) < 0)
		return err_oom(err);
	return 0;
}

static int set_asked(struct container_asked *a, const struct run_options *o, struct err *err)
{
	struct {
		char **to;
		const char *word;
	} words[] = { { &a->pid, o->pid },
		      { &a->ipc, o->ipc },
		      { &a->uts, o->uts },
		      { &a->userns, o->userns },
		      { &a->cgroupns, o->cgroupns } };
	int bad = 0;

	a->privileged = o->privileged;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i].word && !(*words[i].to = strdup(words[i].word)))
			bad = 1;
	bad |= strv_add_all(&a->cap_add, &o->cap_add) | strv_add_all(&a->cap_drop, &o->cap_drop);
	bad |= strv_add_all(&a->security, &o->security) | strv_add_all(&a->groups, &o->group_add);
	bad |= strv_add_all(&a->devices, &o->devices) | strv_add_all(&a->volumes_from, &o->volumes_from);
	return bad ? err_oom(err) : 0;
}

/* What config.json can't say; each subsystem's part is a call here. */
static int make_record(struct run_session *s, const struct run_order *order, struct err *err)
{
	const struct run_options *o = order->options;
	struct container_record *record = &s->record;
	int r = set_strings(s, order, err);

	record->tty = o->tty;
	record->remove = o->remove;
	record->entrypoint_len = run_spec_entrypoint_len(o, &s->image.config);
	if (r >= 0)
		r = set_labels(s, o, err);
	if (r >= 0)
		r = set_stop_signal(s, o, err);
	if (r >= 0)
		r = run_network_record(o, &s->image.config, &record->private_network, err);
	if (r >= 0)
		r = set_names(&record->names, o, err);
	if (r >= 0)
		r = set_asked(&record->asked, o, err);
	return r < 0 ? r : run_set_life(record, o, &s->image.config, &s->spec, err);
}

int run_write_records(struct run_session *s, struct err *err)
{
	autobuf struct buf text = BUF_INIT(OCI_SPEC_MAX);
	uint64_t start = time_now_us();
	int r = s->is_written ? 0 : oci_spec_write(&s->spec, &text, err);

	if (r < 0 || s->is_written)
		return r;
	r = fs_write_new(s->dir_fd, "config.json", text.data, text.len, 0644, err);
	if (r >= 0)
		r = container_record_write(s->dir_fd, &s->record, err);
	s->is_written = r >= 0;
	if (r >= 0)
		container_event(s->store, &s->record, "create", NULL);
	run_report(s, start, "write config.json and state.json", "open(…, O_CREAT | O_EXCL), write()",
		   "the OCI bundle: what is written there is what is started; done while that sets itself up");
	return r;
}

/* --- all of it --- */

/* docker refuses an existing file before anything is made. */
static int check_cidfile(const struct run_options *o, struct err *err)
{
	if (!o->cidfile || access(o->cidfile, F_OK) < 0)
		return 0;
	err_set(err, EEXIST, "--cidfile '%s': the file exists", o->cidfile);
	return err_hint(err, "another container may belong to it: remove it, or choose another name");
}

static int write_cidfile(const struct run_session *s, const char *path, struct err *err)
{
	int r = path ? fs_write_new(AT_FDCWD, path, s->id, strlen(s->id), 0644, err) : 0;

	return r < 0 ? err_wrap(err, "--cidfile") : 0;
}

static int make_container(struct run_session *s, const struct run_order *order, struct err *err)
{
	uint64_t start = time_now_us();
	int r;

	clock_gettime(CLOCK_REALTIME, &s->record.created);
	container_new_id(s->id);
	r = run_session_set_paths(s, err);
	if (r >= 0)
		r = container_live_take(s->store, s->id, &s->live, err);
	if (r >= 0)
		r = take_name(s, order->options->name, err);
	if (r >= 0)
		r = make_folders(s, err);
	run_report(s, start, "make the container's folders", "mkdir(\"containers/…/upper\"), fcntl(F_OFD_SETLK)",
		   "whatever the container writes goes to upper/");
	return r;
}

int run_create_check(struct run_session *s, const struct run_options *o, struct err *err)
{
	int r = parse_ids_level(o, &s->record.life.ids_level, err);

	/* Only which one: the helper can be started with it. Ports need the image. */
	if (r >= 0)
		r = run_network_parse(o->network, &s->record.private_network, err);
	s->quiet = o->quiet;
	if (r >= 0)
		r = check_cidfile(o, err);
	if (r >= 0)
		r = idmap_detect(&s->ids, err);
	if (r >= 0)
		r = container_userns_apply(o->userns, &s->ids, &s->keep, err);
	return r;
}

int run_create_begin(struct run_session *s, const struct run_order *order, struct err *err)
{
	int r = run_open_image(s, order, err);

	if (r >= 0)
		r = run_shares_want(s->store, order->options, &s->ids, &s->record.shares, &s->record.hostname, err);
	if (r >= 0)
		r = make_container(s, order, err);
	if (r >= 0)
		r = make_spec(s, order, err);
	if (r >= 0)
		r = make_record(s, order, err);
	return r < 0 ? r : write_cidfile(s, order->options->cidfile, err);
}

int run_create_finish(struct run_session *s, struct err *err)
{
	int r = container_mark_created(s->dir_fd, err);

	return r < 0 ? r : run_write_records(s, err);
}
