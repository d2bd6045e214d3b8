#include "base/cleanup.h"
#include "base/str.h"
#include "cli/command.h"
#include "engine/container/container.h"
#include "engine/container/network.h"

#include <errno.h>
#include <stdio.h>

static int read_state(const char *container, struct container_network_state *ret, struct err *err)
{
	struct store_options where = { .root = global_options.root, .runroot = global_options.runroot };
	autorecord struct container_record record = { 0 };
	autostore struct store *s = NULL;
	struct container_status status;
	char id[CONTAINER_ID_MAX];
	int r = store_open(&where, &s, err);

	if (r >= 0)
		r = container_find(s, container, id, err);
	if (r >= 0)
		r = container_record_read(s, id, &record, err);
	if (r >= 0)
		r = container_status_read(s, id, &status, err);
	if (r < 0)
		return r;
	container_network_state_read(s, &record, status.phase == CONTAINER_RUNNING, ret);
	if (!ret->has_lost)
		return 0;
	err_set(err, ENETDOWN, "the network's helper of container '%s' has ended, so its ports lead nowhere",
		container);
	return err_hint(err, "'cloche stop' and 'cloche start' give it a new one");
}

/* As docker does: with the container's port in front if all are asked for. */
static size_t print_ports(const struct port_list *ports, const struct port *wanted)
{
	size_t found = 0;

	for (size_t i = 0; i < ports->len; i++) {
		const struct port *p = &ports->items[i];
		char inside[16], outside[64];

		if (wanted && (p->container_port != wanted->container_port || p->is_udp != wanted->is_udp))
			continue;
		found++;
		port_format_container(p, inside);
		port_format_socket(p, outside);
		if (wanted)
			printf("%s\n", outside);
		else
			printf("%s -> %s\n", inside, outside);
	}
	return found;
}

static int run_port(const void *options, const struct strv *args, struct err *err)
{
	CLEANUP(container_network_state_done) struct container_network_state state = { 0 };
	struct port_list wanted = { 0 };
	autofree void *owned = NULL;
	char name[16];

	(void)options;
	if (args->len > 1 && ports_parse_expose(args->items[1], &wanted, err) < 0)
		return -1;
	owned = wanted.items;
	if (wanted.len > 1) {
		err_set(err, EINVAL, "'%s': one port at a time", args->items[1]);
		return -1;
	}
	if (read_state(args->items[0], &state, err) < 0)
		return -1;
	if (print_ports(&state.published, wanted.items) > 0 || !wanted.len)
		return 0;
	port_format_container(wanted.items, name);
	err_set(err, ENOENT, "no public port '%s' published for %s", name, args->items[0]);
	return -1;
}

const struct command cmd_port = {
	.name = "port",
	.group = "Containers",
	.summary = "list a container's published ports, or where one of them is",
	.usage = "CONTAINER [PORT[/udp]]",
	.complete = "container",
	.min_args = 1,
	.max_args = 2,
	.run = run_port,
};
