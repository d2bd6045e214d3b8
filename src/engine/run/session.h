/* What one `run` holds from its beginning to its end. Private to run*.c. */
#pragma once

#include "engine/container/container.h"
#include "engine/layered.h"
#include "engine/run/run.h"
#include "engine/run/names.h"
#include "engine/run/spec.h"
#include "intercept/supervisor.h"
#include "store/image.h"
#include "sys/idmap.h"

struct sock_filter;

struct run_session {
	const struct run_options *options;
	const struct run_callbacks *callbacks;
	const char *image_text;
	const struct strv *args;
	uint64_t begin_us; /* time_now_us at the beginning */

	struct idmap ids;
	struct store *store;
	struct store_image image;
	struct strv lowers; /* absolute paths, topmost first, the skeleton last */
	int layer_fds[LAYERED_MAX];
	size_t layer_fds_len;

	char id[CONTAINER_ID_MAX], name[RUN_NAME_MAX];
	char *dir, *files_dir, *rootfs; /* absolute */
	int dir_fd;			/* containers/<id>; -1: not made */
	struct container_live live;
	struct oci_spec spec;
	bool has_records; /* config.json and state.json are written */
	struct timespec created, started;

	struct intercept_helper supervisor; /* of emulated ids; only where one id is mapped */
	int ids_level;			    /* 0: nothing is emulated */
};

void run_session_done(struct run_session *s);

/* Image, layers and lowers: reads only, but for layers that are unpacked first. */
int run_prepare_image(struct run_session *s, struct err *err);
/* Takes ID and name, makes folders and files; from here on there is something to clean up. */
int run_prepare_container(struct run_session *s, struct err *err);
/* Makes the spec. */
int run_prepare_spec(struct run_session *s, struct err *err);
/* Writes it as config.json, and state.json. */
int run_write_records(struct run_session *s, struct err *err);

/* Reports a step that began at START_US (time_now_us). */
void run_report(const struct run_session *s, uint64_t start_us, const char *what, const char *call, const char *effect);
void run_tell(const struct run_session *s, bool even_if_quiet, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
#define run_notice(s, ...) run_tell(s, false, __VA_ARGS__)
