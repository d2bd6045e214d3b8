/*
 * A container in the background: the process that starts it becomes its monitor (monitor/monitor.h), so that pid 1 is the
 * monitor's child from its first instruction on, and the lock never changes hands.
 */
#include "engine/run/session.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "codec/event_line.h"
#include "engine/container/events.h"
#include "engine/container/group.h"
#include "monitor/config.h"
#include "monitor/protocol.h"
#include "sys/fs.h"
#include "sys/leave.h"
#include "sys/msg.h"
#include "sys/signals.h"
#include "sys/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

void run_background_done(struct run_background *b)
{
	if (b->sock >= 0)
		close(b->sock);
	if (b->pidfd >= 0)
		close(b->pidfd);
	*b = RUN_BACKGROUND_INIT;
}

/* --- the pipes --- */

struct pipes {
	int ours[3], theirs[3]; /* in, out, err */
};
#define PIPES_INIT ((struct pipes){ { -1, -1, -1 }, { -1, -1, -1 } })

static void pipes_done(struct pipes *p)
{
	for (int i = 0; i < 3; i++) {
		if (p->ours[i] >= 0)
			close(p->ours[i]);
		if (p->theirs[i] >= 0)
			close(p->theirs[i]);
	}
	*p = PIPES_INIT;
}

static int make_pipes(const struct container_record *r, struct pipes *p, struct err *err)
{
	for (int i = 0; i < 3; i++) {
		int ends[2];

		if (r->tty || (i == 0 && !r->life.interactive))
			continue;
		if (pipe2(ends, O_CLOEXEC) < 0)
			return err_errno(err, errno, "make a pipe");
		p->ours[i] = ends[i == 0];
		p->theirs[i] = ends[i != 0];
	}
	return 0;
}

/* --- turning into the monitor --- */

struct becoming {
	struct monitor_config config;
	struct strv words;
	struct buf event;
	char *program, *self;
};

static void becoming_done(struct becoming *b)
{
	strv_done(&b->words);
	buf_done(&b->event);
	free(b->program);
	free(b->self);
}

static void set_policies(struct monitor_config *c, const struct run_session *s)
{
	const struct container_record *r = &s->record;

	c->policy = r->life.restart;
	c->restart_max = r->life.restart_max;
	c->stdin_once = r->life.stdin_once;
	c->stop_timeout = r->life.stop_timeout < 0 ? INT_MAX : r->life.stop_timeout;
	c->no_log = r->log.none;
	c->log_size = r->log.max_size;
	c->log_files = r->log.files;
	c->log_attrs = r->log.attrs;
	if (!r->health.test.len)
		return;
	c->health_interval = r->health.interval_ns;
	c->health_timeout = r->health.timeout_ns;
	c->health_start_period = r->health.start_period_ns;
	c->health_start_interval = r->health.start_interval_ns;
	c->health_retries = r->health.retries;
}

static int set_names(struct becoming *b, const struct run_session *s, struct err *err)
{
	struct monitor_config *c = &b->config;
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int r = n < 0 ? err_errno(err, errno, "read /proc/self/exe") : helper_path("monitor", &b->program, err);

	if (r < 0)
		return r;
	b->self = strndup(self, (size_t)n);
	r = container_event_common(&s->record, &b->event);
	if (r < 0 || !b->self)
		return err_oom(err);
	c->id = s->id;
	c->root = s->store->root;
	c->runroot = s->store->runroot;
	c->program = b->self;
	c->event = buf_str(&b->event);
	return 0;
}

/* Everything that can fail before the container's process is there. */
static int prepare_becoming(struct becoming *b, const struct run_session *s, struct err *err)
{
	int signal = SIGTERM, r = set_names(b, s, err);

	if (r >= 0 && s->record.stop_signal)
		r = signal_parse(s->record.stop_signal, &signal, err);
	set_policies(&b->config, s);
	b->config.stop_signal = signal;
	return r;
}

static void set_descriptors(struct monitor_config *c, const struct run_session *s, struct container_process *p,
			    struct pipes *pipes)
{
	c->pid = p->pid;
	c->pidfd = p->pidfd;
	c->console = p->console;
	c->mounts = p->mounts;
	c->live = s->live.fd;
	c->dir = s->dir_fd;
	c->in = pipes->ours[0];
	c->out = pipes->ours[1];
	c->err = pipes->ours[2];
	c->guards[MONITOR_GUARD_IDS] = s->supervisor.process.pidfd;
	c->guards[MONITOR_GUARD_NETWORK] = s->network.helper.process.pidfd;
	c->started = (int64_t)s->started.tv_sec * 1000000000 + s->started.tv_nsec;
}

static int write_pidfile(const struct run_session *s, pid_t pid, struct err *err)
{
	const char *path = s->record.life.pidfile;
	char text[16];
	int r;

	if (!path)
		return 0;
	snprintf(text, sizeof(text), "%d", (int)pid);
	r = fs_write_file(AT_FDCWD, path, text, strlen(text), 0644, 0, err);
	return r < 0 ? err_wrap(err, "--pidfile") : 0;
}

/* Keeps what the monitor needs over exec; all else of ours is close-on-exec. */
static int keep_descriptors(struct monitor_config *c, struct err *err)
{
	int64_t *fds[MONITOR_FDS_MAX];
	size_t n = monitor_config_fds(c, fds);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return err_errno(err, errno, "open '/dev/null'");
	for (size_t i = 0; i < n; i++)
		if (*fds[i] >= 0 && fcntl((int)*fds[i], F_SETFD, 0) < 0)
			return err_errno(err, errno, "keep descriptor %d", (int)*fds[i]);
	for (int fd = 0; fd <= 2; fd++)
		dup2(null, fd);
	close(null);
	return 0;
}

static int execute(struct becoming *b, struct err *err)
{
	autofree char **argv = NULL;
	size_t n = 0;

	if (monitor_config_words(&b->config, &b->words) < 0)
		return err_oom(err);
	argv = calloc(b->words.len + 2, sizeof(*argv));
	if (!argv)
		return err_oom(err);
	argv[n++] = (char *)(uintptr_t) "cloche-monitor";
	for (size_t i = 0; i < b->words.len; i++)
		argv[n++] = b->words.items[i];
	(void)!chdir("/");
	execve(b->program, argv, environ);
	return err_errno(err, errno, "execute '%s'", b->program);
}

static int tell_started(int client, const struct container_process *p, struct err *err)
{
	char message[1 + sizeof(int32_t)] = { ATTACH_STARTED };
	int32_t pid = p->pid;

	if (client < 0)
		return 0;
	memcpy(message + 1, &pid, sizeof(pid));
	return msg_send(client, message, sizeof(message), &p->pidfd, 1, err);
}

static int listen_for_clients(const struct run_session *s, struct err *err)
{
	autoclose int files = run_open_files(s, err);

	return files < 0 ? files : attach_listen(s->store, s->id, err);
}

/* Starts the container and becomes its monitor; returns only on failure, with nothing left of the process. */
static int start_and_become(struct run_session *s, int client, int listen, const struct restart_state *state,
			    int *ret_exit, struct err *err)
{
	CLEANUP(container_process_done) struct container_process p = CONTAINER_PROCESS_INIT;
	CLEANUP(pipes_done) struct pipes pipes = PIPES_INIT;
	CLEANUP(becoming_done)
	struct becoming b = { .config = MONITOR_CONFIG_INIT, .event = BUF_INIT(EVENT_COMMON_MAX) };
	struct run_stdio stdio = { .ours = true };
	autoclose int own_listen = -1;
	int r = make_pipes(&s->record, &pipes, err);

	if (r >= 0)
		r = prepare_becoming(&b, s, err);
	/* Before anybody can see that it runs: then there is somebody to attach to. */
	if (r >= 0 && listen < 0)
		r = own_listen = listen_for_clients(s, err);
	if (r < 0)
		return r;
	memcpy(stdio.fds, pipes.theirs, sizeof(stdio.fds));
	s->restarts = state->restarts;
	r = run_start(s, &stdio, &p, ret_exit, err);
	if (r >= 0)
		r = write_pidfile(s, p.pid, err);
	if (r < 0)
		return r;
	set_descriptors(&b.config, s, &p, &pipes);
	b.config.client = client;
	b.config.listen = listen < 0 ? own_listen : listen;
	b.config.restarts = state->restarts;
	b.config.delay_ms = state->delay_ms;
	r = tell_started(client, &p, err);
	if (r >= 0)
		r = keep_descriptors(&b.config, err);
	return r < 0 ? r : execute(&b, err);
}

int run_start_again(struct run_session *s, int listen, const struct restart_state *state, int *ret_exit,
		    struct err *err)
{
	*ret_exit = 125;
	return start_and_become(s, -1, listen, state, ret_exit, err);
}

int run_fail_again(struct run_session *s, const struct monitor_config *c, int exit_code, struct err *err)
{
	CLEANUP(becoming_done) struct becoming b = { .config = *c, .event = BUF_INIT(EVENT_COMMON_MAX) };
	autofree char *why = strdup(err->msg);
	struct timespec now;
	int r;

	/* They belong to the life that did not begin; the monitor waits for all its children. */
	intercept_helper_done(&s->supervisor);
	run_network_done(&s->network);
	container_group_end(s->store, s->id);
	clock_gettime(CLOCK_REALTIME, &now);
	err_clear(err);
	r = why ? prepare_becoming(&b, s, err) : err_oom(err);
	if (r < 0)
		return r;
	b.config.live = s->live.fd;
	b.config.dir = s->dir_fd;
	b.config.started = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	b.config.exit_code = exit_code;
	b.config.error = why;
	r = keep_descriptors(&b.config, err);
	return r < 0 ? r : execute(&b, err);
}

/* --- the command's side --- */

static void tell_failed(int client, int exit_code, const struct err *err)
{
	char message[1 + sizeof(struct attach_failure)] = { ATTACH_FAILED };
	struct attach_failure f = { .exit_code = exit_code, .code = err->code };

	memcpy(f.text, err->msg, sizeof(f.text));
	memcpy(f.hint, err->hint, sizeof(f.hint));
	memcpy(message + 1, &f, sizeof(f));
	msg_send(client, message, sizeof(message), NULL, 0, NULL);
}

static _Noreturn void be_child(struct run_session *s, int client)
{
	struct restart_state state = { 0 };
	struct err err = { 0 };
	int exit_code = 125;

	/* Neither the terminal nor the session of whoever asked for it has to do with it any more. */
	setsid();
	start_and_become(s, client, -1, &state, &exit_code, &err);
	run_end(s, exit_code, &err);
	tell_failed(client, exit_code, &err);
	leave(0);
}

static int hear_failure(const struct buf *message, int *ret_exit, struct err *err)
{
	struct attach_failure f;

	if (message->len != 1 + sizeof(f))
		return err_set(err, EBADMSG, "the child that starts the container said what is not understood");
	memcpy(&f, message->data + 1, sizeof(f));
	f.text[sizeof(f.text) - 1] = f.hint[sizeof(f.hint) - 1] = '\0';
	*ret_exit = f.exit_code;
	err_set(err, f.code > 0 ? f.code : EIO, "%s", f.text);
	if (f.hint[0])
		err_hint(err, "%s", f.hint);
	return f.code > 0 ? -f.code : -EIO;
}

static int hear_start(struct run_background *b, int *ret_exit, struct err *err)
{
	autobuf struct buf message = BUF_INIT(ATTACH_MESSAGE_MAX + 1);
	int fds[1] = { -1 }, n = msg_receive(b->sock, &message, fds, 1, err);
	int32_t pid;

	if (n == -ECONNRESET)
		return err_set(err, ECANCELED, "the child that starts the container was killed");
	if (n < 0)
		return n;
	if (message.data[0] == ATTACH_FAILED)
		return hear_failure(&message, ret_exit, err);
	if (message.data[0] != ATTACH_STARTED || message.len != 1 + sizeof(pid) || n != 1)
		return err_set(err, EBADMSG, "the child that starts the container said what is not understood");
	memcpy(&pid, message.data + 1, sizeof(pid));
	b->pid = pid;
	b->pidfd = fds[0];
	return 0;
}

/* The session is the child's from now on: nothing of it is ended by us. */
static void give_away(struct run_session *s)
{
	container_live_leave(&s->live);
	if (s->supervisor.process.pidfd >= 0)
		close(s->supervisor.process.pidfd);
	if (s->supervisor.control >= 0)
		close(s->supervisor.control);
	s->supervisor = INTERCEPT_HELPER_INIT;
	run_network_leave(&s->network);
	store_settle(s->store);
}

int run_start_monitored(struct run_session *s, struct run_background *ret, int *ret_exit, struct err *err)
{
	CLEANUP(run_background_done) struct run_background b = RUN_BACKGROUND_INIT;
	int pair[2], r = msg_pair(pair, err);
	pid_t child;

	*ret_exit = 125;
	if (r < 0)
		return r;
	b.sock = pair[0];
	child = fork();
	if (child == 0) {
		close(TAKE_FD(b.sock));
		be_child(s, pair[1]);
	}
	close(pair[1]);
	if (child < 0) {
		r = err_errno(err, errno, "make a process");
		run_end(s, 125, err);
		return r;
	}
	give_away(s);
	r = hear_start(&b, ret_exit, err);
	if (r < 0) {
		waitpid(child, NULL, 0);
		return r;
	}
	*ret = b;
	b = RUN_BACKGROUND_INIT;
	return 0;
}
