/*
 * What `cloche run` was asked, as the words of its command line, and nothing else: the option table of
 * the command fills this in, and the run_parse_* functions of the neighbouring headers give the words
 * their meaning. All strings borrow from the command line.
 */
#pragma once

#include "base/vec.h"
#include "engine/run/resources.h"

#include <stdbool.h>

struct run_options {
	bool detach, interactive, tty, remove, init, read_only, privileged, quiet, explain, no_healthcheck;
	const char *sig_proxy; /* "true" (default) or "false" */

	bool lazy; /* begin before the image has come */
	const char *name, *hostname, *domainname, *cidfile, *pull, *platform;
	/* its life */
	const char *restart, *stop_timeout, *log_driver, *pidfile, *detach_keys;
	const char *health_cmd, *health_interval, *health_timeout, *health_retries, *health_start_period,
		*health_start_interval;
	struct strv log_opts, attach;

	const char *entrypoint, *workdir, *user, *stop_signal;
	const char *network, *pid, *uts, *ipc, *userns, *cgroupns, *timens;
	const char *shm_size, *oom_score_adj, *ids_level;
	struct run_limits limits;

	struct strv env, env_files, labels, label_files, annotations;
	struct strv volumes, mounts, tmpfs, devices, volumes_from;
	const char *image_volume;
	bool read_only_tmpfs;
	struct strv cap_add, cap_drop, security, ulimits, sysctls, group_add;
	struct strv add_hosts, dns, dns_search, dns_options;
	struct strv publish, expose;
	bool publish_all;
	const char *ip, *ip6, *mac_address;
};
