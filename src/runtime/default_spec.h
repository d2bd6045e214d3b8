/*
 * The spec of a container about which nothing special was said: docker's defaults or stricter ones.
 * The engine starts from it, applies the image's configuration and the user's options, then calls
 * default_spec_finish, and writes the result as config.json.
 */
#pragma once

#include "base/err.h"
#include "oci/spec.h"
#include "sys/idmap.h"

#include <stdbool.h>

/*
 * Fills in RET (empty before): root.path "merged", namespaces user, mount, pid, uts, ipc, cgroup and network,
 * the maps of IDS, /proc, /sys, /dev, /dev/pts, /dev/shm, /dev/mqueue and /sys/fs/cgroup, the masked and the
 * read-only paths, the capabilities, cwd "/", PATH in the environment, umask 0022.
 */
int default_spec_init(const struct idmap *ids, struct oci_spec *ret, struct err *err);

/* The host's network: no network namespace, and /sys as that allows. 0 or -ENOMEM. */
int default_spec_host_network(struct oci_spec *spec);

/*
 * Reads a config.json as oci_spec_read does. If the default profile is in it word by word, that is not parsed but ready:
 * it is most of the file, and of the time that this takes.
 */
int default_spec_read(int dir_fd, const char *path, struct oci_spec *ret, struct err *err);

/*
 * docker's --cap-add and --cap-drop: names with or without "CAP_", any case, or "ALL". ADD is applied to
 * the default set unless DROP has ALL, then DROP. -EINVAL for an unknown name. Without a user namespace CAP_MKNOD
 * is in neither the default set nor ALL. For a user other than 0
 * the effective and permitted sets are emptied, as docker does; call it after the user is set.
 */
int default_spec_set_caps(struct oci_spec *spec, const struct strv *add, const struct strv *drop, struct err *err);

/*
 * --security-opt seccomp=PROFILE: NULL the default profile as the capabilities of SPEC open it, "unconfined"
 * none, else a file in docker's JSON form. Call it after default_spec_set_caps.
 */
int default_spec_set_seccomp(struct oci_spec *spec, const char *profile, struct err *err);
