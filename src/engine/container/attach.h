/*
 * Between a container with a monitor and whoever looks at it: the client's side of monitor/protocol.h.
 *
 * Output is written to our descriptors 1 and 2, input read from 0; a terminal is put into raw mode, its size follows ours, and
 * the detach keys leave the container running. Signals that we get are passed on to its pid 1.
 */
#pragma once

#include "base/err.h"
#include "codec/detach_keys.h"
#include "monitor/protocol.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct attach_options {
	int sock;	   /* to the monitor */
	int pidfd;	   /* of pid 1, for signals; -1: they are ours */
	bool tty;	   /* the container has a terminal */
	bool input;	   /* ours goes there */
	uint32_t wants;	   /* enum attach_want */
	bool pass_signals; /* --sig-proxy */
	struct detach_keys keys;
};

enum attach_result {
	ATTACH_RESULT_EXITED,	/* *ret_exit is its exit code */
	ATTACH_RESULT_DETACHED, /* it goes on without us */
	ATTACH_RESULT_LOST,	/* its monitor was killed, and it with that */
};

/* Stays until one of these. signals_hold should have been called before the container was started. */
int attach_stay(const struct attach_options *o, enum attach_result *ret, int *ret_exit, struct err *err);

/* A connection to the monitor of container ID. -ENOENT: it has none. */
int attach_connect(struct store *s, const char *id, struct err *err);
/*
 * The next message of the monitor, waited for, and its length; 0: there is none, the monitor is gone. What it said last is heard
 * even if it left without having read all that we sent.
 */
ssize_t attach_hear(int sock, char message[ATTACH_MESSAGE_MAX]);
/* The socket for clients, listening. The folder of the container's live files is there. */
int attach_listen(struct store *s, const char *id, struct err *err);

/*
 * Asks the monitor of ID, if there is one, to look at the marks on disk (container_mark_stopped), and waits until it has. Fine
 * if it ends meanwhile.
 */
void attach_nudge(struct store *s, const char *id);
