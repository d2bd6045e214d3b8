/* What lazy.c, lazy_serve.c and lazy_wants.c share. */
#pragma once

#include "engine/image/lazy.h"
#include "engine/image/pull_impl.h"
#include "layer/client.h"

/* Messages of the server: the kind, then strings that end with NUL. */
enum lazy_message {
	LAZY_READY = 'R',    /* the manifest's digest, then for each layer the folder or "" */
	LAZY_FALLBACK = 'F', /* why it isn't lazy, or "" */
	LAZY_ERROR = 'E',    /* the code in digits, message, hint */
	LAZY_NOTICE = 'N',   /* for the user, once the container has ended */
	LAZY_STARTED = 'S',  /* to the server: with a pidfd of the container */
};

struct lazy_layer {
	const struct descriptor *descriptor;
	size_t index;
	enum layer_toc kind;
	struct digest toc_digest;
	struct layer_job *job;
	char folder[32]; /* in tmp */
};

enum { LAZY_WANTS_MAX = 4096, LAZY_TRANSFERS = 4 };

struct lazy_want {
	struct lazy_layer *layer;
	uint64_t from, end, deadline_us;
	uint64_t transfer; /* 0: none */
	bool given;
	char name[512];
};

struct lazy_server {
	struct engine *engine;
	struct pulling pull;
	const char *image;
	unsigned place; /* of registries.conf */
	struct image_config config;
	struct buf config_text;
	int sock, alarm;
	struct store_tmp tmp;
	struct lazy_layer *layers;
	size_t layers_len;
	uint64_t patience_us; /* so long whoever opens a file is let wait */

	struct lazy_want **wants; /* in their order */
	size_t wants_len;
	int events, timer; /* an epoll; a timerfd for the next deadline */
	int container;	   /* pidfd; -1: not started */
	struct process background;
	bool is_whole; /* the background has brought all */
	bool is_alone; /* the command is gone */
};

/* The server's life; never fails: what goes wrong is told. */
void lazy_server_run(struct lazy_server *s);
/* KIND and COUNT strings to the command. */
int lazy_send(int sock, enum lazy_message kind, const char *const *texts, size_t count, struct err *err);

/* --- lazy_wants.c --- */

/* One message of LAYER's helper. */
int lazy_take_event(struct lazy_server *s, struct lazy_layer *layer, struct err *err);
/* -ETIMEDOUT: the oldest want has not come. Sets the timer for the next. */
int lazy_check_deadlines(struct lazy_server *s, struct err *err);
void lazy_wants_done(struct lazy_server *s);
