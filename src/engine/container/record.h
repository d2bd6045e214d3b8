/*
 * What a container was made as: state.json in its folder, and struct container_record here.
 *
 * It holds all that config.json, the OCI bundle's, cannot say, so that the two together are enough to start the
 * container from disk, any number of times. Each subsystem has an object of its own in it (record_parts.c): a struct
 * here, a pair of functions there, a row in the table.
 *
 * It is written once, when the container is made; container_record_update, for `rename` and `update`, is the only one
 * who replaces it.
 */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "base/vec.h"
#include "monitor/restart.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* "life": how it is run, and what happens at its end. */
struct container_life {
	bool interactive;  /* its input is kept open: -i */
	bool stdin_once;   /* until the command that started it has nothing more to say */
	bool init;	   /* our init is pid 1 */
	int64_t ids_level; /* enum intercept_level; 0: no ids are emulated */
	enum restart_policy restart;
	int64_t restart_max;  /* of on-failure; 0: no limit */
	int64_t stop_timeout; /* seconds; -1: for ever; CONTAINER_STOP_TIMEOUT unless something else was said */
	char *pidfile;	      /* absolute */
	char *cidfile;
};
enum { CONTAINER_STOP_TIMEOUT = 10 };

/* "log": where its output is kept. */
struct container_log_options {
	bool none;		 /* nowhere */
	int64_t max_size, files; /* bytes of one file, 0: no limit; how many files, 0: one */
	char *attrs;		 /* a JSON object that each line has; NULL: none */
	struct strv words;	 /* as they were said, for inspect */
};

/* "health": the check that tells whether it works. */
struct container_health {
	struct strv test;  /* docker's form: "CMD" argument…, or "CMD-SHELL" line; empty: nothing is checked */
	struct strv shell; /* what runs the line */
	int64_t interval_ns, timeout_ns, start_period_ns, start_interval_ns, retries;
};

/* "names": what /etc/hosts and /etc/resolv.conf are made from at each start; the words of the command line. */
struct container_names {
	char *domainname;
	struct strv add_hosts, dns, dns_search, dns_options;
};

/* "privateNetwork": the private network, and the words of its ports; understood at each start. */
struct container_network {
	char *kind; /* "slirp"; NULL: it has none */
	bool host_loopback, publish_all;
	int64_t mtu;			/* 0: the usual one */
	char *address, *address6, *mac; /* NULL: the usual ones */
	struct strv publish, expose;
};

/* "mounts": what the command line and the image asked for; for inspect, --volumes-from, and who has which volume. */
struct record_mount {
	char *type;	   /* bind, volume, tmpfs, image, overlay */
	char *name;	   /* of a volume or an image; else NULL */
	char *source;	   /* absolute; NULL for a tmpfs */
	char *target;	   /* absolute */
	char *mode;	   /* as it was said ("ro,z"); NULL: nothing was */
	char *propagation; /* "rprivate"; NULL where it has none */
	bool read_only;
	bool anonymous; /* a volume that was made for this container, without a name */
};
DEFINE_VEC(record_mounts, struct record_mount)
void record_mount_done(struct record_mount *m);

/* "asked": words of the command line that nothing else keeps; for inspect. NULL, empty: nothing was said. */
struct container_asked {
	struct strv cap_add, cap_drop, security, groups, devices, volumes_from;
	char *pid, *ipc, *uts, *userns, *cgroupns;
	bool privileged;
};

/* Strings are owned; NULL: not known. */
struct container_record {
	char *id, *name;
	char *image;	/* as it was typed */
	char *image_id; /* "sha256:…" */
	char *manifest; /* "sha256:…" */
	struct timespec created;
	struct strv args;
	int64_t entrypoint_len; /* so many of ARGS are the entry point; the rest is the command */
	char *user;		/* as it was said; "": the image's default */
	struct strv labels;	/* key, value, key, value … */
	char *userns;		/* "keep-id:uid=N,gid=N"; "map:…" (auto_ids.h); NULL: the usual map */
	char *hostname, *network,
		*ids; /* hostname NULL: the host's own; --network's word, "private" if none; id_mode_name */
	char *stop_signal;
	bool tty, remove;
	struct strv shares; /* namespaces of others (engine/run/shares.h): type, ID, type, ID … */
	struct container_life life;
	struct container_log_options log;
	struct container_health health;
	struct container_names names;
	struct container_network private_network;
	struct record_mounts mounts;
	struct container_asked asked;
};
void container_record_done(struct container_record *r);
#define autorecord CLEANUP(container_record_done)

/* Writes state.json into the container's folder, in which there is none yet; not synced. */
int container_record_write(int dir_fd, const struct container_record *r, struct err *err);
int container_record_read(struct store *s, const char *id, struct container_record *ret, struct err *err);
/* The same from the container's folder; ID is for messages. */
int container_record_read_at(int dir_fd, const char *id, struct container_record *ret, struct err *err);

/*
 * Reads state.json, lets CHANGE work on it, replaces it, and lets FINISH (may be NULL) do what is to be done only then. Two
 * such calls at once come one after the other (a lock on the container's folder, held until FINISH has returned); readers see
 * the old or the new.
 */
int container_record_update(struct store *s, const char *id,
			    int (*change)(struct container_record *r, void *arg, struct err *err),
			    int (*finish)(void *arg, struct err *err), void *arg, struct err *err);
