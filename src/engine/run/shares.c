#include "engine/run/shares.h"

#include "base/str.h"
#include "engine/container/container.h"
#include "engine/container/namespaces.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- what was asked --- */

static const struct {
	const char *option, *type;
	size_t offset;
} kinds[] = {
	{ "--userns", "user", offsetof(struct run_options, userns) },
	{ "--pid", "pid", offsetof(struct run_options, pid) },
	{ "--ipc", "ipc", offsetof(struct run_options, ipc) },
	{ "--uts", "uts", offsetof(struct run_options, uts) },
	{ "--cgroupns", "cgroup", offsetof(struct run_options, cgroupns) },
	{ "--network", "network", offsetof(struct run_options, network) },
};

const char *run_shares_get(const struct strv *shares, const char *type)
{
	for (size_t i = 0; shares && i + 1 < shares->len; i += 2)
		if (strcmp(shares->items[i], type) == 0)
			return shares->items[i + 1];
	return NULL;
}

static int add(struct strv *shares, const char *type, const char *id)
{
	if (run_shares_get(shares, type))
		return 0;
	return strv_add(shares, type) < 0 || strv_add(shares, id) < 0 ? -ENOMEM : 0;
}

/* True if the container was made with a user namespace, of its own or another's. */
static int has_user_namespace(struct store *s, const char *id, struct err *err)
{
	autospec struct oci_spec spec = { 0 };
	autoclose int fd = container_open(s, id, err);
	int r = fd < 0 ? fd : oci_spec_read(fd, "config.json", &spec, err);

	return r < 0 ? r : oci_spec_namespace(&spec, "user") != NULL;
}

static int check_ids(const struct container_record *other, const struct idmap *ids, struct err *err)
{
	const char *have = id_mode_name(ids->mode);

	if (!other->ids || strcmp(other->ids, have) == 0)
		return 0;
	err_set(err, EINVAL, "it maps ids in the way '%s', and this one would in the way '%s'", other->ids, have);
	if (strcmp(have, "range") == 0)
		err_hint(err, "CLOCHE_IDS=single makes them agree");
	return -EINVAL;
}

static int want(struct store *s, const char *type, const char *name, const struct idmap *ids, struct strv *ret,
		char **ret_hostname, struct err *err)
{
	autorecord struct container_record record = { 0 };
	char id[CONTAINER_ID_MAX];
	int r = container_find(s, name, id, err), user;

	if (r >= 0)
		r = container_record_read(s, id, &record, err);
	if (r >= 0)
		r = check_ids(&record, ids, err);
	if (r < 0)
		return r;
	user = has_user_namespace(s, id, err);
	if (user < 0)
		return user;
	if (add(ret, type, id) < 0 || (user && add(ret, "user", id) < 0))
		return err_oom(err);
	if (strcmp(type, "uts") == 0 && record.hostname) {
		free(*ret_hostname);
		*ret_hostname = TAKE_PTR(record.hostname);
	}
	return 0;
}

int run_shares_want(struct store *s, const struct run_options *o, const struct idmap *ids, struct strv *ret,
		    char **ret_hostname, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const char *word = *(const char *const *)((const char *)o + kinds[i].offset);
		const char *name = word ? str_skip_prefix(word, "container:") : NULL;
		int r = name ? want(s, kinds[i].type, name, ids, ret, ret_hostname, err) : 0;

		if (r < 0)
			return err_wrap(err, "%s '%s'", kinds[i].option, word);
	}
	if (ret->len > 0 && o->userns && *o->userns && !str_starts_with(o->userns, "container:")) {
		err_set(err, EINVAL, "--userns '%s': a namespace that is shared belongs to the other's user namespace",
			o->userns);
		return err_hint(err, "leave --userns out: that user namespace is shared too");
	}
	return 0;
}

int run_shares_ids(struct store *s, const struct run_options *o, struct idmap *ids, struct container_keep *keep,
		   char **ret_word, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const char *word = *(const char *const *)((const char *)o + kinds[i].offset);
		const char *name = word ? str_skip_prefix(word, "container:") : NULL;
		autorecord struct container_record record = { 0 };
		char id[CONTAINER_ID_MAX];
		int r;

		if (!name)
			continue;
		r = container_find(s, name, id, err);
		if (r >= 0)
			r = container_record_read(s, id, &record, err);
		if (r >= 0 && record.userns)
			r = container_userns_of(&record, s, ids, keep, err);
		if (r < 0)
			return err_wrap(err, "%s '%s'", kinds[i].option, word);
		if (record.userns && !(*ret_word = TAKE_PTR(record.userns)))
			return err_oom(err);
		/* All belong to the first one's user namespace, else the start refuses them. */
		return 0;
	}
	return 0;
}

/* --- the spec --- */

static const char shm_source[] = "/root/dev/shm";

/* "network" is net in /proc. */
static const char *file_of(const char *type)
{
	return strcmp(type, "network") == 0 ? "net" : type;
}

static int set_path(struct oci_spec *spec, const char *type, pid_t pid)
{
	autofree char *path = str_format("/proc/%d/ns/%s", (int)pid, file_of(type));

	if (!path)
		return -ENOMEM;
	if (strcmp(type, "user") == 0)
		spec->linux_.uid_mappings.len = spec->linux_.gid_mappings.len = 0;
	return oci_spec_set_namespace(spec, type, path);
}

/* /dev/shm is the place of POSIX shared memory, so it goes with the IPC namespace. */
static int set_shm(struct oci_spec *spec, pid_t pid)
{
	for (size_t i = 0; i < spec->mounts.len; i++) {
		struct oci_mount *m = &spec->mounts.items[i];

		if (!m->source || !str_starts_with(m->source, "/proc/") || !str_ends_with(m->source, shm_source))
			continue;
		free(m->source);
		m->source = str_format("/proc/%d%s", (int)pid, shm_source);
		return m->source ? 0 : -ENOMEM;
	}
	return 0;
}

int run_shares_mark(const struct strv *shares, struct oci_spec *spec)
{
	autofree char *shm = str_format("/proc/0%s", shm_source);

	if (shares->len > 0 && !run_shares_get(shares, "user")) {
		oci_spec_remove_namespace(spec, "user");
		spec->linux_.uid_mappings.len = spec->linux_.gid_mappings.len = 0;
	}
	for (size_t i = 0; i + 1 < shares->len; i += 2)
		if (set_path(spec, shares->items[i], 0) < 0)
			return -ENOMEM;
	if (!run_shares_get(shares, "ipc"))
		return 0;
	oci_spec_remove_mount(spec, "/dev/shm");
	return !shm ? -ENOMEM : oci_spec_add_mount(spec, "/dev/shm", "bind", shm, "bind,nosuid,noexec,nodev");
}

/* --- a start --- */

void run_shares_done(struct run_shares *s)
{
	for (size_t i = 0; i < s->len; i++)
		close(s->with[i].pidfd);
	s->len = 0;
}

/* One can be in one user namespace only, and in what belongs to another not even root may mount a /proc or /dev/mqueue. */
static int check_owner(const char *id, pid_t pid, uint64_t *owner, struct err *err)
{
	struct ns_view view;
	int r = ns_view_read(pid, &view, err);

	if (r < 0)
		return r;
	if (*owner && *owner != view.inode[NS_USER]) {
		err_set(err, EPERM,
			"container %.12s is in another user namespace than the first one that is shared with", id);
		return err_hint(err, "run one of the two with --userns container:OTHER");
	}
	*owner = view.inode[NS_USER];
	return 0;
}

static int open_one(struct store *s, const char *type, const char *id, struct oci_spec *spec, struct run_shares *ret,
		    uint64_t *owner, struct err *err)
{
	pid_t pid;
	int pidfd = container_pidfd(s, id, &pid, err), r;

	if (pidfd == -ESRCH)
		err_hint(err, "its namespaces exist while it runs: start it first");
	if (pidfd < 0)
		return pidfd;
	snprintf(ret->with[ret->len].id, sizeof(ret->with[ret->len].id), "%s", id);
	ret->with[ret->len++].pidfd = pidfd;
	r = check_owner(id, pid, owner, err);
	if (r < 0)
		return r;
	if (set_path(spec, type, pid) < 0 || (strcmp(type, "ipc") == 0 && set_shm(spec, pid) < 0))
		return err_oom(err);
	return 0;
}

int run_shares_open(struct store *s, const struct strv *shares, struct oci_spec *spec, struct run_shares *ret,
		    struct err *err)
{
	uint64_t owner = 0;

	for (size_t i = 0; i + 1 < shares->len; i += 2) {
		int r = ret->len == RUN_SHARES_MAX
				? err_set(err, E2BIG, "too many")
				: open_one(s, shares->items[i], shares->items[i + 1], spec, ret, &owner, err);

		if (r < 0)
			return err_wrap(err, "share its %s namespace", shares->items[i]);
	}
	return 0;
}

int run_shares_check(const struct run_shares *s, struct err *err)
{
	for (size_t i = 0; i < s->len; i++) {
		struct pollfd p = { .fd = s->with[i].pidfd, .events = POLLIN };

		if (poll(&p, 1, 0) != 0)
			return err_set(err, ESRCH, "container %.12s, whose namespaces are shared, has just ended",
				       s->with[i].id);
	}
	return 0;
}
