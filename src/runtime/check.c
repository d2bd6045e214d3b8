/* What a configuration asks for and this runtime can't do, or should not: refused before anything happens. */
#include "base/cleanup.h"
#include "base/str.h"
#include "runtime/nature.h"
#include "runtime/start.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

static int refuse(const char *what, struct err *err)
{
	return err_set(err, EOPNOTSUPP, "the configuration has %s, which is not supported yet", what);
}

static bool is_set(const char *s)
{
	return s && s[0] && strcmp(s, "unconfined") != 0;
}

static int check_supported(const struct oci_spec *spec, const struct runtime_options *options, struct err *err)
{
	const struct oci_hooks *h = &spec->hooks;
	const struct oci_linux *l = &spec->linux_;

	if (!options->hook_state && (h->prestart.len || h->create_runtime.len || h->create_container.len ||
				     h->start_container.len || h->poststart.len || h->poststop.len))
		return refuse("hooks", err);
	if (l->net_devices.len)
		return refuse("linux.netDevices", err);
	if (l->has_intel_rdt)
		return refuse("linux.intelRdt", err);
	return 0;
}

static int check_process(const struct start *st, struct err *err)
{
	const struct oci_process *p = &st->spec->process;
	size_t envs = p->env.len;

	if (p->args.len == 0 || !p->args.items[0][0])
		return err_set(err, EINVAL, "there is no command to execute");
	if (p->cwd && p->cwd[0] != '/')
		return err_set(err, EINVAL, "the working folder '%s' is not absolute", p->cwd);
	for (size_t i = 0; i < envs; i++)
		if (!strchr(p->env.items[i], '='))
			return err_set(err, EINVAL, "environment: '%s' has no '='", p->env.items[i]);
	if (st->options->extra_fds_len > EXTRA_FDS_MAX)
		return err_set(err, E2BIG, "more than %d descriptors to pass on", EXTRA_FDS_MAX);
	return 0;
}

static int check_devices(const struct oci_devices *devices, struct err *err)
{
	for (size_t i = 0; i < devices->len; i++) {
		const struct oci_device *d = &devices->items[i];

		if (d->path[0] != '/' || strlen(d->path) >= PATH_MAX)
			return err_set(err, EINVAL, "device '%s': the path is not absolute", d->path);
		if (!strchr("cubp", d->type[0]) || strlen(d->type) != 1)
			return err_set(err, EINVAL, "device '%s': there is no type '%s'", d->path, d->type);
	}
	return 0;
}

static int check_overlay(const struct runtime_overlay *o, struct err *err)
{
	if (!o)
		return 0;
	if (o->lowers_len == 0 || o->lowers_len > RUNTIME_LOWERS_MAX)
		return err_set(err, E2BIG, "an overlay of %zu layers; 1 to %d are possible", o->lowers_len,
			       RUNTIME_LOWERS_MAX);
	if (!o->upper != !o->work)
		return err_set(err, EINVAL, "an overlay has both an upper and a work folder, or neither");
	return 0;
}

/* Settings that are not of a namespace are the machine's; nothing in a container's configuration may change those. */
static int check_sysctl(const struct oci_spec *spec, const char *name, struct err *err)
{
	static const struct {
		const char *prefix, *namespace;
	} owners[] = {
		{ "net.", "network" },		{ "fs.mqueue.", "ipc" }, { "kernel.msg", "ipc" },
		{ "kernel.sem", "ipc" },	{ "kernel.shm", "ipc" }, { "kernel.hostname", "uts" },
		{ "kernel.domainname", "uts" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(owners); i++) {
		if (!str_starts_with(name, owners[i].prefix))
			continue;
		if (oci_spec_namespace(spec, owners[i].namespace))
			return 0;
		return err_set(err, EPERM,
			       "the kernel's setting '%s' is the machine's: the container has no %s namespace", name,
			       owners[i].namespace);
	}
	return err_set(err, EPERM, "the kernel's setting '%s' belongs to no namespace, so it is the machine's", name);
}

/* What has a namespace in which it is the container's own, and would be the machine's without. */
static int check_namespaces(const struct oci_spec *spec, struct err *err)
{
	const struct oci_linux *l = &spec->linux_;

	for (size_t i = 0; i < l->namespaces.len; i++) {
		const struct oci_namespace *n = &l->namespaces.items[i];

		if (oci_spec_namespace(spec, n->type) != n)
			return err_set(err, EINVAL, "the configuration has two %s namespaces", n->type);
		if (n->path && n->path[0] && n->path[0] != '/')
			return err_set(err, EINVAL, "the path of the %s namespace, '%s', is not absolute", n->type,
				       n->path);
	}
	if ((is_set(spec->hostname) || is_set(spec->domainname)) && !oci_spec_namespace(spec, "uts"))
		return err_set(err, EINVAL, "%s would be the machine's: the configuration has no uts namespace",
			       is_set(spec->hostname) ? "hostname" : "domainname");
	if ((l->monotonic_secs || l->monotonic_nsecs || l->boottime_secs || l->boottime_nsecs) &&
	    !(oci_spec_namespace(spec, "time") && !oci_spec_namespace(spec, "time")->path))
		return err_set(err, EINVAL, "linux.timeOffsets without a new time namespace");
	if ((l->uid_mappings.len || l->gid_mappings.len) && !oci_spec_namespace(spec, "user"))
		return err_set(err, EINVAL, "linux.uidMappings and gidMappings without a user namespace");
	return 0;
}

int start_check(const struct start *st, struct err *err)
{
	const struct strv *sysctl = &st->spec->linux_.sysctl;
	/* Who enters a container makes nothing of what these are about. */
	int r = st->target ? 0 : check_supported(st->spec, st->options, err);

	if (r == 0)
		r = check_process(st, err);
	if (r == 0)
		r = limits_check(st->spec, err);
	if (r == 0)
		r = nature_check(st->spec, err);
	if (r == 0 && !st->target)
		r = check_namespaces(st->spec, err);
	if (r == 0)
		r = check_devices(&st->spec->linux_.devices, err);
	if (r == 0)
		r = check_overlay(st->options->overlay, err);
	for (size_t i = 0; i + 1 < sysctl->len && r == 0; i += 2)
		r = check_sysctl(st->spec, sysctl->items[i], err);
	return r;
}
