/*
 * What a container's private network is like: how it was asked for, and what there is of it now.
 *
 *     state.json "privateNetwork"  struct container_network (record.h)
 *     <runroot>/files/<id>/network one line for each port of the host, locked by the helper as long as it lives
 */
#pragma once

#include "base/err.h"
#include "engine/container/record.h"
#include "engine/container/summary.h"
#include "net/listen.h"
#include "net/ports.h"
#include "oci/json.h"
#include "store/store.h"

struct container_network_state {
	bool has_network;	    /* it runs with a private network, or did until the helper ended */
	bool has_lost;		    /* the helper has ended before the container */
	struct port_list published; /* the host's ports; empty once it is lost */
	struct port_list exposed;
};
void container_network_state_done(struct container_network_state *n);

/* What a container ID made as R has now; IS_RUNNING: container_status_read said so. What can't be read counts as not there. */
void container_network_state_read(struct store *s, const struct container_record *r, bool is_running,
				  struct container_network_state *ret);

/* The same for one in a list. */
void container_network_state_of(struct store *s, const struct container_summary *summary, bool is_running,
				struct container_network_state *ret);

/*
 * Writes the file into the folder of live files, locked. Returns the descriptor, for the helper to hold: the lock goes when the
 * last one who has it ends.
 */
int container_network_write(int files_dir, const struct net_listeners *ports, struct err *err);

/* For `inspect`: NetworkSettings, Config.ExposedPorts, HostConfig.PortBindings. The caller owns the object. */
json_t *container_network_json(const struct container_record *r, const struct container_network_state *state);
json_t *container_exposed_json(const struct container_network_state *n);
json_t *container_bindings_json(const struct container_network *n);

/* The addresses in words, for `inspect`: those that were asked for, or the usual ones. */
const char *container_network_address(const struct container_network *n);
const char *container_network_address6(const struct container_network *n);
const char *container_network_mac(const struct container_network *n);
