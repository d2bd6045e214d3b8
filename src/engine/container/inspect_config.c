/* Config, HostConfig and Mounts in `inspect`: what was asked for, under docker's names. */
#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"
#include "engine/container/inspect_impl.h"
#include "engine/container/inspect_limits.h"
#include "oci/json.h"

#include <string.h>

static int add_text(json_t *o, const char *key, const char *value)
{
	return json_add(o, key, json_text(value ? value : ""));
}

json_t *inspect_strings(char *const *items, size_t len)
{
	json_t *a = json_array();

	for (size_t i = 0; i < len; i++)
		json_array_append_new(a, json_text(items[i]));
	return a;
}

static int add_list(json_t *o, const char *key, const struct strv *v)
{
	return json_add(o, key, inspect_strings(v->items, v->len));
}

/* As docker, null where nothing was said. */
static int add_list_or_null(json_t *o, const char *key, const struct strv *v)
{
	return json_add(o, key, v->len ? inspect_strings(v->items, v->len) : json_null());
}

/* Pairs of a list as an object. */
static json_t *make_map(const struct strv *pairs)
{
	json_t *o = json_object();

	for (size_t i = 0; i + 1 < pairs->len; i += 2)
		json_object_set_new(o, pairs->items[i], json_text(pairs->items[i + 1]));
	return o;
}

/* --- Config --- */

static json_t *make_healthcheck(const struct container_health *h)
{
	json_t *o;

	if (!h->test.len)
		return json_null();
	o = json_object();
	add_list(o, "Test", &h->test);
	json_add_int(o, "Interval", h->interval_ns);
	json_add_int(o, "Timeout", h->timeout_ns);
	json_add_int(o, "StartPeriod", h->start_period_ns);
	json_add_int(o, "StartInterval", h->start_interval_ns);
	json_add_int(o, "Retries", h->retries);
	return o;
}

static json_t *make_volumes(const struct record_mounts *mounts)
{
	json_t *o = json_object();

	for (size_t i = 0; i < mounts->len; i++)
		if (mounts->items[i].anonymous)
			json_object_set_new(o, mounts->items[i].target, json_object());
	return json_object_size(o) ? o : (json_decref(o), json_null());
}

json_t *inspect_config(const struct inspect_facts *f)
{
	const struct container_record *r = &f->record;
	size_t entry = (size_t)r->entrypoint_len;
	json_t *o = json_object();

	add_text(o, "Hostname", r->hostname);
	add_text(o, "Domainname", r->names.domainname);
	add_text(o, "User", r->user);
	json_add_bool(o, "Tty", r->tty);
	json_add_bool(o, "OpenStdin", r->life.interactive);
	json_add_bool(o, "StdinOnce", r->life.stdin_once);
	add_list(o, "Env", &f->spec.process.env);
	json_add(o, "Cmd", inspect_strings(r->args.items + entry, r->args.len - entry));
	json_add(o, "Healthcheck", make_healthcheck(&r->health));
	add_text(o, "Image", r->image);
	json_add(o, "Volumes", make_volumes(&r->mounts));
	add_text(o, "WorkingDir", f->spec.process.cwd ? f->spec.process.cwd : "/");
	json_add(o, "Entrypoint", entry ? inspect_strings(r->args.items, entry) : json_null());
	json_add(o, "ExposedPorts", container_exposed_json(&f->network));
	json_add(o, "Labels", make_map(&r->labels));
	add_text(o, "StopSignal", r->stop_signal ? r->stop_signal : "SIGTERM");
	json_add_int(o, "StopTimeout", r->life.stop_timeout);
	return o;
}

/* --- HostConfig --- */

/* "SOURCE:TARGET[:MODE]", as -v says it. */
static json_t *make_binds(const struct record_mounts *mounts)
{
	json_t *a = json_array();

	for (size_t i = 0; i < mounts->len; i++) {
		const struct record_mount *m = &mounts->items[i];
		const char *from = m->name ? m->name : m->source;
		const char *mode = m->mode && *m->mode ? m->mode : m->read_only ? "ro" : NULL;
		autofree char *word = NULL;

		if (m->anonymous || !m->type || (strcmp(m->type, "bind") != 0 && strcmp(m->type, "volume") != 0))
			continue;
		word = str_format("%s:%s%s%s", from ? from : "", m->target, mode ? ":" : "", mode ? mode : "");
		if (word)
			json_array_append_new(a, json_text(word));
	}
	return json_array_size(a) ? a : (json_decref(a), json_null());
}

static json_t *make_tmpfs(const struct record_mounts *mounts)
{
	json_t *o = json_object();

	for (size_t i = 0; i < mounts->len; i++)
		if (mounts->items[i].type && strcmp(mounts->items[i].type, "tmpfs") == 0)
			json_object_set_new(o, mounts->items[i].target,
					    json_text(mounts->items[i].mode ? mounts->items[i].mode : ""));
	return o;
}

static json_t *make_log_config(const struct container_log_options *l)
{
	json_t *o = json_object(), *config = json_object();

	for (size_t i = 0; i < l->words.len; i++) {
		autofree char *key = strndup(l->words.items[i], strcspn(l->words.items[i], "="));
		const char *value = strchr(l->words.items[i], '=');

		if (key && value)
			json_object_set_new(config, key, json_text(value + 1));
	}
	json_add_string(o, "Type", l->none ? "none" : "json-file");
	json_add(o, "Config", config);
	return o;
}

static json_t *make_policy(const struct container_life *l)
{
	json_t *o = json_object();

	json_add_string(o, "Name", restart_policy_name(l->restart));
	json_add_int(o, "MaximumRetryCount", l->restart_max);
	return o;
}

/* "HOST[:CONTAINER[:RIGHTS]]" */
static json_t *make_devices(const struct strv *words)
{
	json_t *a = json_array();

	for (size_t i = 0; i < words->len; i++) {
		autofree char *copy = strdup(words->items[i]);
		char *rest = copy, *host = strsep(&rest, ":"), *second = strsep(&rest, ":");
		const char *inside = second && second[0] == '/' ? second : host;
		const char *rights = second && second[0] != '/' ? second : rest ? rest : "rwm";
		json_t *o = json_object();

		json_add_string(o, "PathOnHost", host);
		json_add_string(o, "PathInContainer", inside);
		json_add_string(o, "CgroupPermissions", rights);
		json_array_append_new(a, o);
	}
	return a;
}

/* Of the tmpfs on /dev/shm; 0: it has none of its own. */
static int64_t shm_size(const struct oci_spec *spec)
{
	for (size_t i = 0; i < spec->mounts.len; i++) {
		const struct oci_mount *m = &spec->mounts.items[i];
		uint64_t bytes = 0;

		if (strcmp(m->destination, "/dev/shm") != 0)
			continue;
		for (size_t k = 0; k < m->options.len; k++) {
			const char *size = str_skip_prefix(m->options.items[k], "size=");

			if (size && num_parse_size(size, &bytes) == 0)
				return (int64_t)bytes;
		}
	}
	return 0;
}

static void add_isolation(json_t *o, const struct inspect_facts *f)
{
	const struct container_asked *a = &f->record.asked;

	add_list_or_null(o, "CapAdd", &a->cap_add);
	add_list_or_null(o, "CapDrop", &a->cap_drop);
	add_text(o, "CgroupnsMode", a->cgroupns ? a->cgroupns : "private");
	add_text(o, "IpcMode", a->ipc ? a->ipc : "private");
	add_text(o, "PidMode", a->pid);
	add_text(o, "UTSMode", a->uts);
	add_text(o, "UsernsMode", a->userns);
	add_list_or_null(o, "GroupAdd", &a->groups);
	add_list_or_null(o, "SecurityOpt", &a->security);
	json_add_bool(o, "Privileged", a->privileged);
	json_add_bool(o, "ReadonlyRootfs", f->spec.root_readonly);
	json_add(o, "Sysctls", make_map(&f->spec.linux_.sysctl));
	add_list(o, "MaskedPaths", &f->spec.linux_.masked_paths);
	add_list(o, "ReadonlyPaths", &f->spec.linux_.readonly_paths);
	json_add(o, "Devices", make_devices(&a->devices));
	json_add_int(o, "ShmSize", shm_size(&f->spec));
}

json_t *inspect_host_config(const struct inspect_facts *f)
{
	const struct container_record *r = &f->record;
	json_t *o = json_object();

	json_add(o, "Binds", make_binds(&r->mounts));
	add_text(o, "ContainerIDFile", r->life.cidfile);
	json_add(o, "LogConfig", make_log_config(&r->log));
	add_text(o, "NetworkMode", r->network);
	json_add(o, "PortBindings", container_bindings_json(&r->private_network));
	json_add(o, "RestartPolicy", make_policy(&r->life));
	json_add_bool(o, "AutoRemove", r->remove);
	add_list_or_null(o, "VolumesFrom", &r->asked.volumes_from);
	add_list(o, "Dns", &r->names.dns);
	add_list(o, "DnsOptions", &r->names.dns_options);
	add_list(o, "DnsSearch", &r->names.dns_search);
	add_list_or_null(o, "ExtraHosts", &r->names.add_hosts);
	json_add_bool(o, "PublishAllPorts", r->private_network.publish_all);
	add_isolation(o, f);
	json_add(o, "Tmpfs", make_tmpfs(&r->mounts));
	json_add_bool(o, "Init", r->life.init);
	json_add_string(o, "Runtime", "cloche");
	add_text(o, "Ids", r->ids);
	inspect_add_limits(o, &f->spec);
	return o;
}

/* --- Mounts --- */

json_t *inspect_mounts(const struct record_mounts *mounts)
{
	json_t *a = json_array();

	for (size_t i = 0; i < mounts->len; i++) {
		const struct record_mount *m = &mounts->items[i];
		json_t *o = json_object();

		json_add_string(o, "Type", m->type);
		if (m->name)
			json_add_string(o, "Name", m->name);
		add_text(o, "Source", m->source);
		add_text(o, "Destination", m->target);
		if (m->type && strcmp(m->type, "volume") == 0)
			json_add_string(o, "Driver", "local");
		add_text(o, "Mode", m->mode);
		json_add_bool(o, "RW", !m->read_only);
		add_text(o, "Propagation", m->propagation);
		json_array_append_new(a, o);
	}
	return a;
}
