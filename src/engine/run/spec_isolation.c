/* Namespaces of a container: --network, --pid, --ipc, --uts, --userns, --cgroupns, --time, and --sysctl. */
#include "engine/run/spec.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"
#include "engine/run/limits.h"
#include "engine/run/network.h"
#include "engine/run/shares.h"
#include "runtime/default_spec.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

int run_spec_refuse_later(const char *option, const char *word, struct err *err)
{
	if (str_starts_with(word, "container:") || str_starts_with(word, "ns:")) {
		err_set(err, EOPNOTSUPP, "%s '%s': to share a namespace by its path is not there yet", option, word);
		return err_hint(err, "container:NAME shares that of a container");
	}
	return err_set(err, EINVAL, "%s '%s': not a mode that is known", option, word);
}

int run_spec_network(const struct run_options *o, enum run_network *ret, struct err *err)
{
	struct container_record record = { 0 };
	const char *word = o->network;
	int r;

	*ret = RUN_NETWORK_CONTAINER;
	if (word && str_starts_with(word, "container:"))
		return 0;
	*ret = RUN_NETWORK_NONE;
	if (word && strcmp(word, "none") == 0)
		return 0;
	*ret = RUN_NETWORK_HOST;
	if (word && strcmp(word, "host") == 0)
		return 0;
	*ret = RUN_NETWORK_PRIVATE;
	r = run_network_parse(word, &record.private_network, err);
	container_record_done(&record);
	if (r != 0)
		return r < 0 ? r : 0;
	if (str_starts_with(word, "ns:"))
		return run_spec_refuse_later("--network", word, err);
	if (str_starts_with(word, "pasta")) {
		err_set(err, EOPNOTSUPP, "--network '%s': pasta is not used: a network like it is built in", word);
		return err_hint(err, "--network private, which is also what you get without the option");
	}
	err_set(err, EOPNOTSUPP, "--network '%s': there is no such network", word);
	return err_hint(err, "named networks come with a later version; private, host and none are there");
}

int run_spec_hostname(const struct run_options *o, const char *id, char **ret, struct err *err)
{
	char host[HOST_NAME_MAX + 1] = "";
	bool hosts_own = (o->network && strcmp(o->network, "host") == 0) || (o->uts && strcmp(o->uts, "host") == 0);

	if (o->hostname && strlen(o->hostname) > HOST_NAME_MAX)
		return err_set(err, EINVAL, "--hostname '%s': longer than %d bytes", o->hostname, HOST_NAME_MAX);
	if (o->hostname && !*o->hostname)
		return err_set(err, EINVAL, "--hostname: empty");
	if (hosts_own && gethostname(host, sizeof(host)) < 0)
		return err_errno(err, errno, "read the host's name");
	*ret = o->hostname ? strdup(o->hostname) : hosts_own ? strdup(host) : strndup(id, 12);
	return *ret ? 0 : err_oom(err);
}

enum { SHARE_OWN, SHARE_HOST, SHARE_CONTAINER };

/* WORD NULL or "private": its own. */
static int parse_share(const char *option, const char *word, struct err *err)
{
	if (!word || !*word || strcmp(word, "private") == 0)
		return SHARE_OWN;
	if (strcmp(word, "host") == 0)
		return SHARE_HOST;
	if (str_starts_with(word, "container:"))
		return SHARE_CONTAINER;
	return run_spec_refuse_later(option, word, err);
}

static int set_pid(const struct run_request *q, struct oci_spec *spec, struct err *err)
{
	int r = parse_share("--pid", q->options->pid, err);

	if (r != SHARE_HOST)
		return r;
	oci_spec_remove_namespace(spec, "pid");
	/* A new procfs would need a pid namespace of our own: the host's is bound, which says the same. */
	oci_spec_remove_mount(spec, "/proc");
	return oci_spec_add_mount(spec, "/proc", "bind", "/proc", "rbind,rslave,nosuid,noexec,nodev") < 0 ? err_oom(err)
													  : 0;
}

static int set_shm_size(const struct run_request *q, struct oci_spec *spec, struct err *err)
{
	const char *word = q->options->shm_size;
	autofree char *options = NULL;
	uint64_t size;

	if (!word)
		return 0;
	if (num_parse_size(word, &size) < 0 || !size)
		return err_set(err, EINVAL, "--shm-size '%s': not a size", word);
	options = str_format("nosuid,noexec,nodev,mode=1777,size=%llu", (unsigned long long)size);
	oci_spec_remove_mount(spec, "/dev/shm");
	return !options || oci_spec_add_mount(spec, "/dev/shm", "tmpfs", "shm", options) < 0 ? err_oom(err) : 0;
}

static int set_ipc(const struct run_request *q, struct oci_spec *spec, struct err *err)
{
	const char *word = q->options->ipc;
	bool none = word && strcmp(word, "none") == 0, own = none || (word && strcmp(word, "shareable") == 0);
	int r = own ? 0 : parse_share("--ipc", word, err);

	if (r < 0)
		return r;
	if (none) {
		oci_spec_remove_mount(spec, "/dev/shm");
		return 0;
	}
	if (r == SHARE_OWN)
		return set_shm_size(q, spec, err);
	if (q->options->shm_size)
		return err_set(err, EINVAL, "--shm-size: with --ipc %s, /dev/shm is not its own", word);
	if (r == SHARE_CONTAINER)
		return 0;
	oci_spec_remove_namespace(spec, "ipc");
	oci_spec_remove_mount(spec, "/dev/shm");
	oci_spec_remove_mount(spec, "/dev/mqueue");
	r = oci_spec_add_mount(spec, "/dev/shm", "bind", "/dev/shm", "rbind,rprivate,nosuid,noexec,nodev");
	if (r >= 0 && access("/dev/mqueue", F_OK) == 0)
		r = oci_spec_add_mount(spec, "/dev/mqueue", "bind", "/dev/mqueue",
				       "rbind,rprivate,nosuid,noexec,nodev");
	return r < 0 ? err_oom(err) : 0;
}

static int set_uts(const struct run_request *q, struct oci_spec *spec, struct err *err)
{
	const struct run_options *o = q->options;
	autofree char *name = NULL;
	int r = parse_share("--uts", o->uts, err);

	if (r < 0)
		return r;
	if (r != SHARE_OWN && (o->hostname || o->domainname))
		return err_set(err, EINVAL, "--hostname and --domainname need a UTS namespace of the container's own");
	if (r == SHARE_HOST)
		oci_spec_remove_namespace(spec, "uts");
	if (r != SHARE_OWN)
		return 0;
	r = run_spec_hostname(o, q->id, &name, err);
	if (r < 0)
		return r;
	free(spec->hostname);
	spec->hostname = TAKE_PTR(name);
	if (o->domainname) {
		free(spec->domainname);
		spec->domainname = strdup(o->domainname);
	}
	return o->domainname && !spec->domainname ? err_oom(err) : 0;
}

/* What only helpers of ours need is none of its ids. */
static void drop_hidden(struct oci_mappings *m)
{
	if (m->len > 0 && m->items[m->len - 1].inside == IDMAP_HIDDEN)
		m->len--;
}

static bool is_own_map(const char *word)
{
	const char *keep = word ? str_skip_prefix(word, "keep-id") : NULL;
	const char *rest = word && !keep ? str_skip_prefix(word, "auto") : keep;

	return rest && (!*rest || *rest == ':');
}

static int set_user_namespace(const struct run_request *q, struct oci_spec *spec, struct err *err)
{
	const char *word = q->options->userns;
	int r = is_own_map(word) ? SHARE_OWN : parse_share("--userns", word, err);

	drop_hidden(&spec->linux_.uid_mappings);
	drop_hidden(&spec->linux_.gid_mappings);

	/* What an ordinary user's podman means by "host" is what there is without: a namespace whose root is the user. */
	if (r != SHARE_HOST || q->ids->mode != ID_MODE_ROOT)
		return r < 0 ? r : 0;
	oci_spec_remove_namespace(spec, "user");
	spec->linux_.uid_mappings.len = 0;
	spec->linux_.gid_mappings.len = 0;
	return 0;
}

static int set_cgroup_and_time(const struct run_request *q, struct oci_spec *spec, struct err *err)
{
	int r = parse_share("--cgroupns", q->options->cgroupns, err);

	if (r == SHARE_HOST)
		oci_spec_remove_namespace(spec, "cgroup");
	if (r < 0 || !q->options->timens)
		return r;
	r = parse_share("--time", q->options->timens, err);
	if (r == 0 && oci_spec_set_namespace(spec, "time", NULL) < 0)
		return err_oom(err);
	return r;
}

static bool is_own(const struct oci_spec *spec, const char *type)
{
	const struct oci_namespace *ns = oci_spec_namespace(spec, type);

	return ns && !ns->path;
}

static int set_sysctls(const struct run_request *q, struct oci_spec *spec, struct err *err)
{
	const struct run_sysctl_rights rights = {
		.own_network = is_own(spec, "network"),
		.own_ipc = is_own(spec, "ipc"),
		.own_uts = is_own(spec, "uts"),
	};
	const struct strv *words = &q->options->sysctls;

	for (size_t i = 0; i < words->len; i++) {
		const char *value;
		int r = run_check_sysctl(words->items[i], &rights, &value, err);

		if (r < 0)
			return r;
		if (strv_addn(&spec->linux_.sysctl, words->items[i], (size_t)(value - words->items[i] - 1)) < 0 ||
		    strv_add(&spec->linux_.sysctl, value) < 0)
			return err_oom(err);
	}
	return 0;
}

int run_spec_set_isolation(const struct run_request *q, struct oci_spec *spec, struct err *err)
{
	enum run_network network;
	int r = run_spec_network(q->options, &network, err);

	if (r >= 0 && network == RUN_NETWORK_HOST && default_spec_host_network(spec) < 0)
		r = err_oom(err);
	if (r >= 0)
		r = set_pid(q, spec, err);
	if (r >= 0)
		r = set_ipc(q, spec, err);
	if (r >= 0)
		r = set_uts(q, spec, err);
	if (r >= 0)
		r = set_user_namespace(q, spec, err);
	if (r >= 0)
		r = set_cgroup_and_time(q, spec, err);
	if (r >= 0 && q->shares && run_shares_mark(q->shares, spec) < 0)
		r = err_oom(err);
	return r < 0 ? r : set_sysctls(q, spec, err);
}
