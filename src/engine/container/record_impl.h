/* Private to record*.c: reading and writing of the parts of state.json. */
#pragma once

#include "engine/container/record.h"
#include "oci/json.h"

/*
 * A subsystem's object in state.json. `write` adds members to an empty object, which is left out if it stays empty; `read`
 * is not called where the object is missing, so zeroes must mean "nothing was said".
 */
struct record_part {
	const char *key;
	int (*write)(const struct container_record *r, json_t *o); /* 0, or not on lack of memory */
	int (*read)(const struct json_at *at, struct container_record *r, struct err *err);
	void (*done)(struct container_record *r); /* may be NULL */
};

/* record_mounts.c */
int record_write_mounts(const struct container_record *r, json_t *o);
int record_read_mounts(const struct json_at *at, struct container_record *r, struct err *err);
void record_mounts_free(struct container_record *r);

/* record_asked.c */
int record_write_asked(const struct container_record *r, json_t *o);
int record_read_asked(const struct json_at *at, struct container_record *r, struct err *err);
void record_asked_free(struct container_record *r);

extern const struct record_part record_parts[]; /* ended by a NULL key */
