/* The first half of a run: everything up to the moment where the runtime starts the spec. */
#include "engine/run/session.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "engine/run/env.h"
#include "engine/run/hosts.h"
#include "engine/run/limits.h"
#include "engine/skeleton.h"
#include "layer/ensure.h"
#include "store/layers.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

void run_session_done(struct run_session *s)
{
	intercept_helper_done(&s->supervisor);
	container_live_done(&s->live);
	oci_spec_done(&s->spec);
	for (size_t i = 0; i < s->layer_fds_len; i++)
		close(s->layer_fds[i]);
	if (s->dir_fd >= 0)
		close(s->dir_fd);
	strv_done(&s->lowers);
	store_image_done(&s->image);
	free(s->dir);
	free(s->files_dir);
	free(s->rootfs);
	store_close(s->store);
}

void run_report(const struct run_session *s, uint64_t start_us, const char *what, const char *call, const char *effect)
{
	struct runtime_step step = { .what = what, .call = call, .effect = effect };

	if (!s->callbacks->on_step)
		return;
	step.ns = (time_now_us() - start_us) * 1000;
	s->callbacks->on_step(&step, s->callbacks->arg);
}

void run_tell(const struct run_session *s, bool even_if_quiet, const char *fmt, ...)
{
	autofree char *text = NULL;
	va_list ap;

	if (!s->callbacks->on_notice || (s->options->quiet && !even_if_quiet))
		return;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) >= 0)
		s->callbacks->on_notice(text, s->callbacks->arg);
	va_end(ap);
}

/* --- the image --- */

static int open_image(struct run_session *s, struct err *err)
{
	const char *pull = s->options->pull;
	int r;

	if (pull && strcmp(pull, "always") == 0) {
		err_set(err, EOPNOTSUPP, "--pull always: registries are not there yet");
		return err_hint(err,
				"they come with a later version; 'cloche load' and 'cloche import' bring images in");
	}
	if (pull && strcmp(pull, "missing") != 0 && strcmp(pull, "never") != 0)
		return err_set(err, EINVAL, "--pull '%s': one of missing, never and always", pull);
	r = store_image_open(s->store, s->image_text, &s->image, err);
	if (r == -ENOENT)
		err_hint(err, "images come in by 'cloche load', 'cloche import' and 'cloche build'; 'cloche images' "
			      "lists them");
	return r < 0 ? err_wrap(err, "image '%s'", s->image_text) : 0;
}

static bool word_is(const char *have, const char *text, size_t len)
{
	return have && strlen(have) == len && memcmp(have, text, len) == 0;
}

/* --platform must be the image's, and the image's this machine's. */
static int check_platform(const struct run_session *s, struct err *err)
{
	const char *wanted = s->options->platform, *arch = s->image.config.architecture;

	if (wanted) {
		const char *slash = strchr(wanted, '/'), *word = slash ? slash + 1 : wanted;
		size_t len = strcspn(word, "/");

		if ((slash && strncmp(wanted, "linux/", 6) != 0) || !word_is(arch, word, len))
			return err_set(err, EINVAL, "--platform '%s': the image is for linux/%s", wanted,
				       arch ? arch : "?");
	}
	if (arch && *arch && strcmp(arch, platform_architecture()) != 0)
		run_notice(s, "the image is for linux/%s, this machine is linux/%s", arch, platform_architecture());
	return 0;
}

static int add_lower(struct run_session *s, size_t layer, struct err *err)
{
	char path[LAYER_DIR_MAX];
	autofree char *full = NULL;
	int fd;

	layer_path(s->store, &s->image.config.diff_ids[layer], path);
	full = str_format("%s/%s/fs", s->store->root, path);
	if (!full)
		return err_oom(err);
	fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, errno, "open layer '%s'", full);
	s->layer_fds[s->layer_fds_len++] = fd;
	return strv_take(&s->lowers, TAKE_PTR(full)) < 0 ? err_oom(err) : 0;
}

static int open_lowers(struct run_session *s, struct err *err)
{
	char *skeleton = NULL;
	int r;

	if (s->image.config.diff_ids_len >= LAYERED_MAX)
		return err_set(err, E2BIG, "image '%s': more than %d layers", s->image_text, LAYERED_MAX - 1);
	for (size_t i = s->image.config.diff_ids_len; i-- > 0;) {
		r = image_config_layer_again(&s->image.config, i) ? 0 : add_lower(s, i, err);
		if (r < 0)
			return r;
	}
	r = skeleton_ensure(s->store, &skeleton, err);
	if (r < 0)
		return r;
	return strv_take(&s->lowers, skeleton) < 0 ? err_oom(err) : 0;
}

int run_prepare_image(struct run_session *s, struct err *err)
{
	uint64_t start = time_now_us();
	int r = open_image(s, err);

	if (r >= 0)
		r = check_platform(s, err);
	if (r < 0)
		return r;
	run_report(s, start, "look up the image", "open(\"refs/…\"), open(\"blobs/sha256/…\")",
		   "the name leads to a manifest, and that to a configuration");
	start = time_now_us();
	r = layers_ensure(s->store, &s->ids, &s->image, err);
	if (r >= 0)
		r = open_lowers(s, err);
	run_report(s, start, "find the unpacked layers", "open(\"layers/…/fs\", O_DIRECTORY)",
		   "shared by all containers of the image, never written to");
	return r;
}

/* --- the container's folders --- */

static bool is_name(const char *name)
{
	size_t len = strlen(name);

	if (len < 2 || len >= RUN_NAME_MAX || strchr("_.-", name[0]))
		return false;
	return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == len;
}

/* Makes containers/<id> under the name that was asked for, or one that is free. */
static int take_name(struct run_session *s, struct err *err)
{
	const char *wanted = s->options->name;
	int r = -EEXIST;

	if (wanted && !is_name(wanted)) {
		err_set(err, EINVAL, "--name '%s': not a name for a container", wanted);
		return err_hint(err, "letters, digits, and behind the first also _ . -; at least two");
	}
	for (int attempt = 0; r == -EEXIST && attempt < (wanted ? 2 : 10); attempt++) {
		err_clear(err);
		if (wanted)
			snprintf(s->name, sizeof(s->name), "%s", wanted);
		else
			run_name_generate(attempt, s->name);
		r = container_make(s->store, s->id, s->name, &s->image, err);
		/* The name may be that of a container whose command was killed before it could remove it. */
		if (r == -EEXIST && attempt == 0 && wanted)
			containers_sweep(s->store, 0, true);
	}
	if (r == -EEXIST)
		return err_hint(err, "'cloche rm %s' removes that container", s->name);
	if (r < 0)
		return r;
	s->dir_fd = r;
	return 0;
}

static int make_folders(struct run_session *s, struct err *err)
{
	struct stat st = { .st_mode = 0755 };

	/* The root folder of the merged tree is the upper one: it shows the mode of the image's. */
	if (s->layer_fds_len && fstat(s->layer_fds[0], &st) < 0)
		return err_errno(err, errno, "look at the image's root");
	if (mkdirat(s->dir_fd, "upper", 0700) < 0 || fchmodat(s->dir_fd, "upper", st.st_mode & 07777, 0) < 0)
		return err_errno(err, errno, "make '%s/upper'", s->dir);
	if (mkdirat(s->dir_fd, "work", 0700) < 0)
		return err_errno(err, errno, "make '%s/work'", s->dir);
	/* The mount is in a namespace of its own, so that one empty folder does for all. */
	if (faccessat(s->store->root_fd, "merged", F_OK, 0) < 0 && mkdirat(s->store->root_fd, "merged", 0700) < 0 &&
	    errno != EEXIST)
		return err_errno(err, errno, "make '%s'", s->rootfs);
	return 0;
}

static int make_paths(struct run_session *s, struct err *err)
{
	if (store_run_fd(s->store, err) < 0)
		return -EIO;
	s->dir = str_format("%s/containers/%s", s->store->root, s->id);
	s->rootfs = path_join(s->store->root, "merged");
	s->files_dir = str_format("%s/files/%s", s->store->runroot, s->id);
	return s->dir && s->rootfs && s->files_dir ? 0 : err_oom(err);
}

/* --- the files of name service --- */

static int write_new(int dir_fd, const char *name, const void *data, size_t len, struct err *err)
{
	autoclose int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	int r;

	if (fd < 0 || fchmod(fd, 0644) < 0)
		return err_errno(err, errno, "make '%s'", name);
	r = fs_write_all(fd, data, len, err);
	return r < 0 ? err_wrap(err, "'%s'", name) : 0;
}

static int make_files_dir(const struct run_session *s, struct err *err)
{
	int run = store_run_fd(s->store, err), fd;
	const char *path = s->files_dir + strlen(s->store->runroot) + 1;

	if (run < 0)
		return run;
	while (mkdirat(run, path, 0755) < 0)
		if (errno != ENOENT || (mkdirat(run, "files", 0700) < 0 && errno != EEXIST))
			return err_errno(err, errno, "make '%s'", s->files_dir);
	fd = openat(run, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_errno(err, errno, "open '%s'", s->files_dir) : fd;
}

/* The host's address as the container reaches it; NULL without a network. */
static const char *gateway(enum run_network network)
{
	return network == RUN_NETWORK_HOST ? "127.0.0.1" : NULL;
}

static int write_hosts(const struct run_session *s, int fd, enum run_network network, const char *hostname,
		       struct err *err)
{
	autobuf struct buf added = BUF_INIT(RUN_HOSTS_MAX), text = BUF_INIT(2 * RUN_HOSTS_MAX);
	const struct strv *words = &s->options->add_hosts;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < words->len; i++)
		r = run_hosts_add(words->items[i], gateway(network), &added, err);
	if (r >= 0)
		r = run_hosts_text(hostname, s->options->domainname, buf_str(&added), &text, err);
	return r < 0 ? r : write_new(fd, "hosts", text.data, text.len, err);
}

static int write_resolv(const struct run_session *s, int fd, struct err *err)
{
	autobuf struct buf host = BUF_INIT(RUN_RESOLV_MAX), text = BUF_INIT(2 * RUN_RESOLV_MAX);
	int r = fs_read_file(AT_FDCWD, "/etc/resolv.conf", RUN_RESOLV_MAX, &host, err);

	if (r < 0 && r != -ENOENT)
		return r;
	err_clear(err);
	r = run_resolv_text(buf_str(&host), &s->options->dns, &s->options->dns_search, &s->options->dns_options, &text,
			    err);
	return r < 0 ? r : write_new(fd, "resolv.conf", text.data, text.len, err);
}

static int write_name_files(const struct run_session *s, struct err *err)
{
	autofree char *hostname = NULL, *line = NULL;
	enum run_network network;
	autoclose int fd = -1;
	bool said;
	int r = run_spec_network(s->options, &network, &said, err);

	if (r >= 0)
		r = run_spec_hostname(s->options, s->id, &hostname, err);
	if (r < 0)
		return r;
	line = str_format("%s\n", hostname);
	if (!line)
		return err_oom(err);
	fd = make_files_dir(s, err);
	if (fd < 0)
		return fd;
	r = write_hosts(s, fd, network, hostname, err);
	if (r >= 0)
		r = write_resolv(s, fd, err);
	if (r >= 0)
		r = write_new(fd, "hostname", line, strlen(line), err);
	if (r >= 0 && !said)
		run_notice(s, "the container uses the host's network (private networks come with the next version); "
			      "--network host says so, --network none gives it none");
	return r;
}

int run_prepare_container(struct run_session *s, struct err *err)
{
	uint64_t start = time_now_us();
	int r;

	clock_gettime(CLOCK_REALTIME, &s->created);
	container_new_id(s->id);
	r = make_paths(s, err);
	if (r >= 0)
		r = container_live_take(s->store, s->id, &s->live, err);
	if (r >= 0)
		r = take_name(s, err);
	if (r >= 0)
		r = make_folders(s, err);
	if (r < 0)
		return r;
	run_report(s, start, "make the container's folders", "mkdir(\"containers/…/upper\"), fcntl(F_OFD_SETLK)",
		   "whatever the container writes goes to upper/");
	start = time_now_us();
	r = write_name_files(s, err);
	run_report(s, start, "write hosts, hostname, resolv.conf", "open(…, O_CREAT | O_EXCL), write()",
		   "its own names; bound over the image's files");
	return r;
}

/* --- the spec --- */

static int copy_environment(struct strv *env)
{
	for (char **e = environ; *e; e++)
		if (strv_add(env, *e) < 0)
			return -ENOMEM;
	return 0;
}

int run_prepare_spec(struct run_session *s, struct err *err)
{
	const struct layered layers = { s->layer_fds, s->layer_fds_len };
	autostrv struct strv env = { 0 };
	autofree char *cwd = getcwd(NULL, 0);
	struct run_request q = { .options = s->options,
				 .args = s->args,
				 .image = &s->image.config,
				 .layers = &layers,
				 .ids = &s->ids,
				 .env = &env,
				 .cwd = cwd ? cwd : "/",
				 .id = s->id,
				 .rootfs = s->rootfs,
				 .files_dir = s->files_dir };

	if (copy_environment(&env) < 0)
		return err_oom(err);
	return run_spec_make(&q, &s->spec, err);
}

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

static int set_labels(const struct run_session *s, struct strv *labels, struct err *err)
{
	const struct run_options *o = s->options;
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

static int set_stop_signal(const struct run_session *s, struct container_record *record, struct err *err)
{
	const char *word = s->options->stop_signal ? s->options->stop_signal : s->image.config.stop_signal;
	char name[16];
	int sig, r = run_parse_signal(word && *word ? word : "TERM", &sig, err);

	if (r < 0)
		return err_wrap(err, "--stop-signal");
	run_format_signal(sig, name);
	record->stop_signal = strdup(name);
	return record->stop_signal ? 0 : err_oom(err);
}

static int write_record(const struct run_session *s, struct err *err)
{
	autorecord struct container_record record = { .created = s->created,
						      .tty = s->options->tty,
						      .remove = s->options->remove };
	bool own_network = oci_spec_namespace(&s->spec, "network") != NULL;
	int r = set_labels(s, &record.labels, err);

	if (r >= 0)
		r = set_stop_signal(s, &record, err);
	if (r < 0)
		return r;
	record.id = strdup(s->id);
	record.name = strdup(s->name);
	record.image = strdup(s->image_text);
	record.user = strdup(s->options->user ? s->options->user : s->image.config.user ? s->image.config.user : "");
	record.entrypoint_len = run_spec_entrypoint_len(s->options, &s->image.config);
	record.hostname = s->spec.hostname ? strdup(s->spec.hostname) : NULL;
	record.network = strdup(own_network ? "none" : "host");
	record.ids = strdup(id_mode_name(s->ids.mode));
	if (!record.id || !record.user || !record.name || !record.image || !record.network || !record.ids ||
	    set_digest(&record.image_id, &s->image.id) < 0 ||
	    set_digest(&record.manifest, &s->image.manifest_digest) < 0 ||
	    strv_add_all(&record.args, &s->spec.process.args) < 0)
		return err_oom(err);
	return container_record_write(s->dir_fd, &record, err);
}

int run_write_records(struct run_session *s, struct err *err)
{
	autobuf struct buf text = BUF_INIT(OCI_SPEC_MAX);
	uint64_t start = time_now_us();
	int r = oci_spec_write(&s->spec, &text, err);

	if (r >= 0)
		r = write_new(s->dir_fd, "config.json", text.data, text.len, err);
	if (r >= 0)
		r = write_record(s, err);
	run_report(s, start, "write config.json and state.json", "open(…, O_CREAT | O_EXCL), write()",
		   "the OCI bundle: what is written there is what is started; done while that sets itself up");
	return r;
}
