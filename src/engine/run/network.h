/*
 * --network private and what belongs to it: --publish, --publish-all, --expose, --ip, --ip6, --mac-address. From words to the
 * record (struct container_network), and from there to a helper, at each start.
 */
#pragma once

#include "base/err.h"
#include "engine/container/record.h"
#include "engine/run/options.h"
#include "net/helper.h"
#include "oci/image.h"

#include <stdbool.h>

struct run_session;

/*
 * Is WORD (--network; NULL: nothing was said) one of a private network: "private", "bridge", "default", "slirp", … with options as
 * "private:host-loopback,mtu=1400", or "pasta"? 1: yes, and RET says which; 0: no; -EINVAL: its options are wrong.
 */
int run_network_parse(const char *word, struct container_network *ret, struct err *err);

/* Fills in RET from all options and the image's EXPOSE (NULL: not yet known); checks everything that can be checked without a helper. */
int run_network_record(const struct run_options *o, const struct image_config *image, struct container_network *ret,
		       struct err *err);

/* --- a life --- */

/* The helper of one start. */
struct network_life {
	const struct container_network *record;
	struct net_helper helper;
};
#define NETWORK_LIFE_INIT ((struct network_life){ .helper = NET_HELPER_INIT })

/* Starts the helper, if RECORD asks for one; early: its exec and what we do go on side by side. */
int run_network_begin(struct network_life *n, const struct container_network *record, struct err *err);
/*
 * Takes the published ports and says to the helper what it shall be. FILES_DIR is the container's folder of live files, in which
 * it is written down (engine/container/network.h); -1: nowhere.
 */
int run_network_open(struct network_life *n, int files_dir, struct err *err);
/* For struct runtime_options; N as their argument. */
int run_network_attach(int netns, int pidfd, void *n, struct err *err);
int run_network_wait(void *n, struct err *err);
/* Forgets the helper, which is another process's from now on. */
void run_network_leave(struct network_life *n);
/*
 * Ends a helper that has no container. One that has ends with that, and nobody waits for it: to close the interface takes the
 * kernel longer than a whole start.
 */
void run_network_done(struct network_life *n);
