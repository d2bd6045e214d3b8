#include "engine/container/record_impl.h"

#include "intercept/filter.h"

/* --- life --- */

static int write_life(const struct container_record *r, json_t *o)
{
	const struct container_life *l = &r->life;
	int bad = 0;

	if (l->interactive)
		bad |= json_add_bool(o, "interactive", true);
	if (l->init)
		bad |= json_add_bool(o, "init", true);
	if (l->stdin_once)
		bad |= json_add_bool(o, "stdinOnce", true);
	if (l->ids_level)
		bad |= json_add_int(o, "idsLevel", l->ids_level);
	if (l->restart != RESTART_NO)
		bad |= json_add_string(o, "restart", restart_policy_name(l->restart));
	if (l->restart_max)
		bad |= json_add_int(o, "restartMax", l->restart_max);
	bad |= json_add_int(o, "stopTimeout", l->stop_timeout);
	bad |= json_add_string(o, "pidfile", l->pidfile);
	return bad | json_add_string(o, "cidfile", l->cidfile);
}

static int read_restart(const struct json_at *at, struct container_life *l, struct err *err)
{
	autofree char *policy = NULL;
	int64_t ignored;
	int r = json_get_string(at, "restart", &policy, err);

	if (r >= 0 && policy)
		r = restart_parse(policy, &l->restart, &ignored, err);
	return r < 0 ? r : json_get_int(at, "restartMax", 0, RESTART_COUNT_MAX, &l->restart_max, err);
}

static int read_life(const struct json_at *at, struct container_record *r, struct err *err)
{
	struct container_life *l = &r->life;
	int result = json_get_bool(at, "interactive", &l->interactive, err);

	l->stop_timeout = CONTAINER_STOP_TIMEOUT;
	if (result >= 0)
		result = json_get_bool(at, "stdinOnce", &l->stdin_once, err);
	if (result >= 0)
		result = json_get_bool(at, "init", &l->init, err);
	if (result >= 0)
		result = json_get_int(at, "idsLevel", 0, INTERCEPT_ACCESS, &l->ids_level, err);
	if (result >= 0)
		result = read_restart(at, l, err);
	if (result >= 0)
		result = json_get_int(at, "stopTimeout", -1, INT32_MAX, &l->stop_timeout, err);
	if (result >= 0)
		result = json_get_string(at, "pidfile", &l->pidfile, err);
	return result < 0 ? result : json_get_string(at, "cidfile", &l->cidfile, err);
}

static void life_done(struct container_record *r)
{
	free(r->life.pidfile);
	free(r->life.cidfile);
}

/* --- log --- */

static int write_log(const struct container_record *r, json_t *o)
{
	const struct container_log_options *l = &r->log;
	int bad = 0;

	if (l->none)
		bad |= json_add_bool(o, "none", true);
	if (l->max_size)
		bad |= json_add_int(o, "maxSize", l->max_size);
	if (l->files)
		bad |= json_add_int(o, "files", l->files);
	bad |= json_add_string(o, "attrs", l->attrs);
	return bad | json_add_strings(o, "words", &l->words, false);
}

static int read_log(const struct json_at *at, struct container_record *r, struct err *err)
{
	struct container_log_options *l = &r->log;
	int result = json_get_bool(at, "none", &l->none, err);

	if (result >= 0)
		result = json_get_int(at, "maxSize", 0, INT64_MAX, &l->max_size, err);
	if (result >= 0)
		result = json_get_int(at, "files", 0, INT32_MAX, &l->files, err);
	if (result >= 0)
		result = json_get_string(at, "attrs", &l->attrs, err);
	return result < 0 ? result : json_get_strings(at, "words", &l->words, err);
}

static void log_done(struct container_record *r)
{
	free(r->log.attrs);
	strv_done(&r->log.words);
}

/* --- health --- */

static int write_health(const struct container_record *r, json_t *o)
{
	const struct container_health *h = &r->health;
	int bad = 0;

	if (!h->test.len)
		return 0;
	bad |= json_add_strings(o, "test", &h->test, false);
	bad |= json_add_strings(o, "shell", &h->shell, false);
	bad |= json_add_int(o, "interval", h->interval_ns);
	bad |= json_add_int(o, "timeout", h->timeout_ns);
	bad |= json_add_int(o, "startPeriod", h->start_period_ns);
	bad |= json_add_int(o, "startInterval", h->start_interval_ns);
	return bad | json_add_int(o, "retries", h->retries);
}

static int read_health(const struct json_at *at, struct container_record *r, struct err *err)
{
	struct container_health *h = &r->health;
	struct {
		const char *key;
		int64_t *to;
	} numbers[] = {
		{ "interval", &h->interval_ns },
		{ "timeout", &h->timeout_ns },
		{ "startPeriod", &h->start_period_ns },
		{ "startInterval", &h->start_interval_ns },
		{ "retries", &h->retries },
	};
	int result = json_get_strings(at, "test", &h->test, err);

	if (result >= 0)
		result = json_get_strings(at, "shell", &h->shell, err);
	for (size_t i = 0; result >= 0 && i < ARRAY_SIZE(numbers); i++)
		result = json_get_int(at, numbers[i].key, 0, INT64_MAX, numbers[i].to, err);
	return result;
}

static void health_done(struct container_record *r)
{
	strv_done(&r->health.test);
	strv_done(&r->health.shell);
}

/* --- names --- */

static int write_names(const struct container_record *r, json_t *o)
{
	const struct container_names *n = &r->names;
	int bad = json_add_string(o, "domainname", n->domainname);

	bad |= json_add_strings(o, "addHosts", &n->add_hosts, false);
	bad |= json_add_strings(o, "dns", &n->dns, false);
	bad |= json_add_strings(o, "dnsSearch", &n->dns_search, false);
	return bad | json_add_strings(o, "dnsOptions", &n->dns_options, false);
}

static int read_names(const struct json_at *at, struct container_record *r, struct err *err)
{
	struct container_names *n = &r->names;
	int result = json_get_string(at, "domainname", &n->domainname, err);

	if (result >= 0)
		result = json_get_strings(at, "addHosts", &n->add_hosts, err);
	if (result >= 0)
		result = json_get_strings(at, "dns", &n->dns, err);
	if (result >= 0)
		result = json_get_strings(at, "dnsSearch", &n->dns_search, err);
	return result < 0 ? result : json_get_strings(at, "dnsOptions", &n->dns_options, err);
}

static void names_done(struct container_record *r)
{
	struct container_names *n = &r->names;

	free(n->domainname);
	strv_done(&n->add_hosts);
	strv_done(&n->dns);
	strv_done(&n->dns_search);
	strv_done(&n->dns_options);
}

/* --- network --- */

static int write_network(const struct container_record *r, json_t *o)
{
	const struct container_network *n = &r->private_network;
	int bad = json_add_string(o, "kind", n->kind);

	if (n->host_loopback)
		bad |= json_add_bool(o, "hostLoopback", true);
	if (n->publish_all)
		bad |= json_add_bool(o, "publishAll", true);
	if (n->mtu)
		bad |= json_add_int(o, "mtu", n->mtu);
	bad |= json_add_string(o, "address", n->address);
	bad |= json_add_string(o, "address6", n->address6);
	bad |= json_add_string(o, "mac", n->mac);
	bad |= json_add_strings(o, "publish", &n->publish, false);
	return bad | json_add_strings(o, "expose", &n->expose, false);
}

static int read_network(const struct json_at *at, struct container_record *r, struct err *err)
{
	struct container_network *n = &r->private_network;
	int result = json_get_string(at, "kind", &n->kind, err);

	if (result >= 0)
		result = json_get_bool(at, "hostLoopback", &n->host_loopback, err);
	if (result >= 0)
		result = json_get_bool(at, "publishAll", &n->publish_all, err);
	if (result >= 0)
		result = json_get_int(at, "mtu", 0, UINT16_MAX, &n->mtu, err);
	if (result >= 0)
		result = json_get_string(at, "address", &n->address, err);
	if (result >= 0)
		result = json_get_string(at, "address6", &n->address6, err);
	if (result >= 0)
		result = json_get_string(at, "mac", &n->mac, err);
	if (result >= 0)
		result = json_get_strings(at, "publish", &n->publish, err);
	return result < 0 ? result : json_get_strings(at, "expose", &n->expose, err);
}

static void network_done(struct container_record *r)
{
	struct container_network *n = &r->private_network;

	free(n->kind);
	free(n->address);
	free(n->address6);
	free(n->mac);
	strv_done(&n->publish);
	strv_done(&n->expose);
}

const struct record_part record_parts[] = {
	{ "life", write_life, read_life, life_done },
	{ "log", write_log, read_log, log_done },
	{ "health", write_health, read_health, health_done },
	{ "names", write_names, read_names, names_done },
	{ "privateNetwork", write_network, read_network, network_done },
	{ "mounts", record_write_mounts, record_read_mounts, record_mounts_free },
	{ "asked", record_write_asked, record_read_asked, record_asked_free },
	{ NULL, NULL, NULL, NULL },
};
