/* Private to inspect*.c: what is known of a container, and the parts of docker's object. Each call makes a new one. */
#pragma once

#include "engine/container/container.h"
#include "engine/container/network.h"
#include "engine/open.h"
#include "oci/spec.h"

#include <jansson.h>

struct inspect_facts {
	struct container_record record;
	struct container_status status;
	struct container_network_state network;
	struct oci_spec spec;
	char id[CONTAINER_ID_MAX], error[CONTAINER_ERROR_MAX];
};

/* --- inspect_state.c --- */

json_t *inspect_state(struct engine *e, const struct inspect_facts *f);
/* A time in docker's form; zero is its year 1. */
int inspect_add_time(json_t *o, const char *key, const struct timespec *t);

/* --- inspect_config.c --- */

json_t *inspect_config(const struct inspect_facts *f);
json_t *inspect_host_config(const struct inspect_facts *f);
json_t *inspect_mounts(const struct record_mounts *mounts);
/* Strings that need not be UTF-8. */
json_t *inspect_strings(char *const *items, size_t len);
