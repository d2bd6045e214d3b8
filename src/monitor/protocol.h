/*
 * What a container's monitor and those who attach to it say to one another: messages over a SOCK_SEQPACKET unix socket, the
 * first byte of which is the kind. The socket is <runroot>/files/<id>/attach.sock, in a folder that only its user can enter;
 * the command that starts the container has such a connection from the beginning, over which it also hears how the start went.
 *
 * Both sides take the other's messages as input from outside: what is too long, too short or unknown ends the connection.
 */
#pragma once

#include <stdint.h>

#define ATTACH_SOCKET "attach.sock"

enum {
	ATTACH_DATA_MAX = 16384, /* bytes of input or output in one message */
	ATTACH_MESSAGE_MAX = ATTACH_DATA_MAX + 1,
	/*
	 * Nothing is queued for a client but what its socket holds (the kernel's default: 208 KiB). While that is full the
	 * container's output waits, as it would for a pipe; at most so long, then what this client misses is counted and told, and
	 * the container goes on. The command that started it in the foreground is waited for without limit: it stands where
	 * a pipe would stand.
	 */
	ATTACH_SLOW_MS = 10000,
	ATTACH_CLIENTS_MAX = 64,
};

enum attach_kind {
	/* To the monitor. */
	ATTACH_HELLO = 'h', /* struct attach_hello: first of all */
	ATTACH_INPUT = 'i', /* bytes for the program */
	ATTACH_END = 'e',   /* of input: nothing more comes */
	ATTACH_SIZE = 'w',  /* struct attach_size: of the terminal */
	ATTACH_LEAVE = 'l', /* the client goes, and the input stays open for the next one */
	ATTACH_LOOK =
		'k', /* look at the marks on disk: somebody asked that it be not started again. Answered by the same */

	/* From the monitor. */
	ATTACH_STDOUT = 'o',
	ATTACH_STDERR = 'r',
	ATTACH_LOST = 'x', /* uint64_t: so many bytes of output were left out, the client was too slow */
	ATTACH_EXIT = 'q', /* int32_t: docker's exit code; the last message */
	ATTACH_FULL = 'f', /* there are ATTACH_CLIENTS_MAX clients already; the last message */

	/* From the command's child that starts the container, before there is a monitor. */
	ATTACH_STARTED = 's', /* int32_t: pid 1; with its pidfd as a descriptor */
	ATTACH_FAILED = 'n',  /* struct attach_failure; the last message */
};

enum attach_want {
	ATTACH_WANT_STDOUT = 1,
	ATTACH_WANT_STDERR = 2,
	ATTACH_WANT_REDRAW = 4, /* a terminal's programs are told of a new size, so that they show themselves */
};

struct attach_hello {
	uint32_t wants; /* enum attach_want; 0: only to hear of the end */
};

struct attach_size {
	uint16_t rows, columns;
};

struct attach_failure {
	int32_t exit_code; /* 125, 126 or 127 */
	int32_t code;	   /* errno */
	char text[1536], hint[512];
};
