/*
 * Name service at 10.0.2.3: questions are passed on to the host's name servers and answers back, unread but for the header. The
 * servers are asked in their order, the next one when one doesn't answer or can't. Which they are is looked up again when a
 * question comes a second or more after the last look: nothing is kept that the host has changed.
 */
#pragma once

#include "net/packet.h"
#include "net/resolv.h"
#include "net/wire.h"

#include <stdbool.h>
#include <stdint.h>

struct stack;

enum {
	NAMES_QUESTIONS = 128,	   /* at once; the oldest is forgotten for one more */
	NAMES_QUESTION_MAX = 4096, /* bytes */
	NAMES_HEADER = 12,
	NAMES_PATIENCE_MS = 2000, /* for each server */
	NAMES_ROUNDS = 2,	  /* all servers are asked so often */
	NAMES_FRESH_MS = 1000,
};

struct question {
	bool used, waits; /* for the servers' names */
	int fd;		  /* to the server it was sent to; -1: none */
	unsigned attempt;
	int64_t began_ms, deadline_ms;
	uint16_t port; /* who asks, in the container */
	struct in_addr from;
	uint16_t len;
	uint8_t data[NAMES_QUESTION_MAX];
	struct stack *stack;
};

struct names {
	struct resolv servers;
	bool has_servers, asked; /* asked: the keeper looks */
	bool listens;		 /* for TCP */
	int64_t looked_ms;
	struct question questions[NAMES_QUESTIONS];
	size_t used;
};

/* A datagram to the name server's address, port 53. */
void names_ask(struct stack *s, const struct packet_udp *u);
/* The keeper has looked: TEXT is new, or NULL if it is as before. */
void names_set_servers(struct stack *s, const char *text, size_t len);
/* When somebody has to be asked again, in milliseconds from now; -1: never. */
int names_timeout(const struct stack *s);
void names_tick(struct stack *s);

/* A listening socket for TCP to it. */
int names_listen(struct stack *s, int fd);
