/*
 * The monitor of one container: parent of its pid 1, keeper of its lock, writer of its log, server of those who attach.
 *
 * Theory of operation. A child of `cloche run -d` or `start` makes the container's process and then executes this program: pid 1
 * stays its child, and the locked live file stays open, so there is no moment at which the container is nobody's. One
 * thread waits in poll(2); there is a limit of time only while something is pending: a health check, a client that is
 * slow, a restart. When pid 1 has ended,
 *
 *   - and it is to be started again, it waits and executes `cloche monitor again`, which starts the container from disk and
 *     becomes the next monitor: the same process, children and lock throughout;
 *   - or not, and it runs `cloche monitor ended` as a child, which writes down the end or removes the container. Clients then
 *     hear the exit code.
 *
 * If the monitor is killed, pid 1 is (PR_SET_PDEATHSIG), and helpers end with that. If somebody removes the live file (a
 * logout that empties /run/user), nobody could know any more that the container lives, so it ends.
 *
 * This program is small: base, sys and codec, no JSON library, no heap that grows. Private to src/monitor and its tests.
 */
#pragma once

#include "monitor/config.h"
#include "monitor/log.h"
#include "monitor/protocol.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	HEALTH_OUTPUT_MAX = 4096, /* bytes kept of what a check prints: docker's limit */
	HEALTH_RESULTS_MAX = 5,	  /* results kept: docker's number */
	TAIL_MAX = 2 << 20,	  /* what two pipes can hold, at the most that their owner may set */
};

struct client {
	int fd; /* -1: free */
	bool greeted, starter;
	uint32_t wants;
	bool owes;		/* the chunk of output at hand has not gone to it yet */
	bool lagging;		/* it has been too slow: what it misses is counted */
	uint64_t lost, tail_at; /* bytes; how much of the tail it has */
};

struct health_result {
	int64_t start, end; /* CLOCK_REALTIME, ns */
	int exit_code;
	uint16_t len;
	char output[HEALTH_OUTPUT_MAX];
};

enum health_status { HEALTH_STARTING, HEALTH_HEALTHY, HEALTH_UNHEALTHY };

struct health {
	enum health_status status;
	int64_t streak;
	uint64_t due_us;     /* when the next check begins; 0: none is due */
	uint64_t timeout_us; /* when the one that runs has taken too long */
	uint64_t grace_us;   /* until when failures don't count */
	pid_t pid;	     /* of the check that runs; 0: none */
	int pidfd, out;
	struct health_result *results; /* HEALTH_RESULTS_MAX, the newest last; NULL until the first check */
	size_t results_len;
};

/* A piece of the container's output on its way to the clients. */
struct chunk {
	enum attach_kind kind;
	size_t len;
	uint64_t since_us; /* when it was read */
	char data[ATTACH_DATA_MAX];
};

struct monitor {
	struct monitor_config c;
	int run_fd;  /* <runroot>; -1: could not be opened */
	int files;   /* <runroot>/files/<id>; -1: could not be opened */
	int signals; /* signalfd */

	struct container_log log;
	struct log_stream streams[2];
	struct chunk chunk;
	size_t owing; /* clients that wait for the chunk */

	struct client clients[ATTACH_CLIENTS_MAX];
	size_t clients_len; /* places in use, free ones among them included */
	char input[ATTACH_DATA_MAX];
	size_t input_len; /* typed by a client, not yet taken by the program */
	bool input_ends;  /* then the program's input ends */

	struct health health;

	bool ended, stopping;
	bool lost_guard;  /* it was killed since a helper had ended */
	uint64_t kill_us; /* when patience after SIGTERM ends; 0: nobody asked */
	int exit_code;
	struct buf tail; /* what was in the pipes at the end: kind, length, bytes */
};

/* --- life.c --- */

/* Supervises one life to its end: *m->exit_code. */
void monitor_live(struct monitor *m);
/* What came by m->signals: to be stopped (m->stopping), or that the container's files are gone. */
void monitor_hear_signals(struct monitor *m);
/* Signal SIG to pid 1. */
void monitor_signal(const struct monitor *m, int sig);
/* Tells the log of events. */
void monitor_event(const struct monitor *m, const char *action, const char *const *extra);

/* --- end.c --- */

/* What follows a life. Returns true if the container is to be started again and its time has come. */
bool monitor_end(struct monitor *m);
/* `cloche --root … --runroot … monitor WHAT …`, as a child: the pid, 0 on failure. OUT: its stdout and stderr, -1: nowhere. */
pid_t monitor_spawn(struct monitor *m, const char *const *words, int out);
/* Becomes `cloche monitor again`. Returns only if that can't be executed. */
void monitor_again(struct monitor *m);

/* --- output.c --- */

/* Reads what the container has written, once, from descriptor *FD: to the log and to the clients. Closes *FD at its end. */
void output_pump(struct monitor *m, int64_t *fd);
/* All that is in the pipes now, to the log and into m->tail. */
void output_collect_tail(struct monitor *m);
/* After that: a line of our own, as if the container had written it to stderr at its end. */
void output_say(struct monitor *m, const char *text);

/* --- clients.c --- */

void clients_add(struct monitor *m, int fd, bool starter);
/* Takes who waits to be taken; false: nobody does. */
bool clients_accept(struct monitor *m);
/* Takes all who wait, and closes the socket: who comes later is refused. */
void clients_accept_last(struct monitor *m);
/* What is typed waits until the program has taken what was typed before; who has not said yet what it wants types nothing. */
bool clients_may_speak(const struct monitor *m, const struct client *c);
/* Deals with one message of client C; true if the marks on disk are to be looked at. */
bool clients_hear(struct monitor *m, struct client *c);
/* Gives the chunk to whoever can take it now. */
void clients_offer(struct monitor *m);
/* Those who have let the chunk wait too long are left behind. Returns when the next one would be; 0: nobody. */
uint64_t clients_expire(struct monitor *m, uint64_t now_us);
/* Says to one that was left behind how much it missed, if it can hear it now. */
void clients_catch_up(struct monitor *m, struct client *c);
/* Sends what is in the tail and the exit code; waits for those that are slow as protocol.h says. Closes all. */
void clients_finish(struct monitor *m, uint64_t limit_us);
void clients_close(struct monitor *m, struct client *c);

/* --- input.c --- */

void input_pump(struct monitor *m);
void input_end(struct monitor *m);
void input_resize(struct monitor *m, const struct attach_size *size, bool redraw);

/* --- health.c --- */

void health_begin(struct monitor *m);
/* Begins or ends a check if it is time to; returns when to look again, 0: never. */
uint64_t health_tick(struct monitor *m, uint64_t now_us);
/* Reads the running check's output. */
void health_read(struct monitor *m);
/* The running check has ended, with wait status STATUS. */
void health_reaped(struct monitor *m, int status);
/* Ends a check that runs: the container has ended. */
void health_end(struct monitor *m);
/* Removes what is written down: it does not hold for the next life. */
void health_forget(const struct monitor *m);
