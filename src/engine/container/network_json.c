/* The network in `inspect`, in docker's form. */
#include "base/cleanup.h"
#include "base/str.h"
#include "engine/container/network.h"
#include "net/addresses.h"

#include <string.h>

static int add_owned(json_t *o, const char *key, char *value)
{
	autofree char *owned = value;

	return json_object_set_new(o, key, json_string(owned ? owned : ""));
}

json_t *container_exposed_json(const struct container_network_state *n)
{
	json_t *o = json_object();

	for (size_t i = 0; i < n->exposed.len; i++) {
		char name[16];

		port_format_container(&n->exposed.items[i], name);
		json_object_set_new(o, name, json_object());
	}
	return o;
}

static void add_bindings(json_t *o, const struct port_list *ports)
{
	for (size_t i = 0; i < ports->len; i++) {
		const struct port *p = &ports->items[i];
		char host[INET6_ADDRSTRLEN], name[16];
		json_t *list, *entry = json_object();

		port_format_container(p, name);
		port_format_host(p, host);
		if (!json_is_array(json_object_get(o, name)))
			json_object_set_new(o, name, json_array());
		list = json_object_get(o, name);
		json_add_string(entry, "HostIp", host);
		add_owned(entry, "HostPort", p->host_port ? str_format("%u", p->host_port) : strdup(""));
		json_array_append_new(list, entry);
	}
}

/* docker's form: exposed ports are there too, as null. */
static json_t *make_ports(const struct container_network_state *n)
{
	json_t *o = json_object();
	char name[16];

	for (size_t i = 0; i < n->exposed.len; i++) {
		port_format_container(&n->exposed.items[i], name);
		json_object_set_new(o, name, json_null());
	}
	add_bindings(o, &n->published);
	return o;
}

static void add_addresses(json_t *o, const struct container_network *n, bool up)
{
	json_object_set_new(o, "IPAddress", json_string(up ? container_network_address(n) : ""));
	json_add_int(o, "IPPrefixLen", up ? NET_PREFIX_BITS : 0);
	json_object_set_new(o, "Gateway", json_string(up ? NET_GATEWAY : ""));
	json_object_set_new(o, "GlobalIPv6Address", json_string(up ? container_network_address6(n) : ""));
	json_add_int(o, "GlobalIPv6PrefixLen", up ? NET_PREFIX6_BITS : 0);
	json_object_set_new(o, "IPv6Gateway", json_string(up ? NET_GATEWAY6 : ""));
	json_object_set_new(o, "MacAddress", json_string(up ? container_network_mac(n) : ""));
}

/* Scripts go through Networks, whatever its name: {{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}. */
static json_t *make_networks(const struct container_record *r, bool up)
{
	json_t *o = json_object(), *one = json_object();

	add_addresses(one, &r->private_network, up);
	json_object_set_new(o, r->network ? r->network : "private", one);
	return o;
}

json_t *container_network_json(const struct container_record *r, const struct container_network_state *state)
{
	bool up = state->has_network && !state->has_lost;
	json_t *o = json_object();

	json_object_set_new(o, "Ports", make_ports(state));
	add_addresses(o, &r->private_network, up);
	json_object_set_new(o, "Networks", make_networks(r, up));
	json_add_bool(o, "Lost", state->has_lost);
	return o;
}

json_t *container_bindings_json(const struct container_network *n)
{
	CLEANUP(container_network_state_done) struct container_network_state wanted = { 0 };
	json_t *o = json_object();

	for (size_t i = 0; i < n->publish.len; i++)
		ports_parse_publish(n->publish.items[i], &wanted.published, NULL);
	add_bindings(o, &wanted.published);
	return o;
}
