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
	if (l->ids_level)
		bad |= json_add_int(o, "idsLevel", l->ids_level);
	return bad;
}

static int read_life(const struct json_at *at, struct container_record *r, struct err *err)
{
	struct container_life *l = &r->life;
	int result = json_get_bool(at, "interactive", &l->interactive, err);

	if (result >= 0)
		result = json_get_bool(at, "init", &l->init, err);
	return result < 0 ? result : json_get_int(at, "idsLevel", 0, INTERCEPT_ACCESS, &l->ids_level, err);
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

const struct record_part record_parts[] = {
	{ "life", write_life, read_life, NULL },
	{ "names", write_names, read_names, names_done },
	{ NULL, NULL, NULL, NULL },
};
