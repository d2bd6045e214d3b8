/*
 * Messages with descriptors between our own processes, over a SOCK_SEQPACKET pair: one JSON text or
 * binary struct a message, at most MSG_MAX bytes and MSG_FDS_MAX descriptors. The receiver treats what
 * a confined helper says as hostile: the limits hold on both sides.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stddef.h>

enum { MSG_MAX = 128 * 1024, MSG_FDS_MAX = 16 };

/*
 * The flags of sendmsg for a message between our own processes: MSG_NOSIGNAL, and MSG_EOR, which means nothing to
 * these sockets, but tells it from a container's message: the filter of the interceptor (intercept/filter.c) lets it pass,
 * also when nobody answers calls yet.
 */
#define MSG_OWN_FLAGS (MSG_NOSIGNAL | MSG_EOR)

/* A connected pair, close-on-exec. */
int msg_pair(int ret[2], struct err *err);
int msg_send(int sock, const void *data, size_t len, const int *fds, size_t fds_len, struct err *err);
/*
 * One message into BUF (emptied first), its descriptors (close-on-exec) into FDS. Returns the number of
 * descriptors; -ECONNRESET if the other side is gone; more descriptors than FDS_MAX are closed: -EBADMSG.
 */
int msg_receive(int sock, struct buf *buf, int *fds, size_t fds_max, struct err *err);
