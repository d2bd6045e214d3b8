#include "monitor/monitor.h"

#include "base/cleanup.h"
#include "base/timefmt.h"
#include "codec/live_line.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { WORDS_MAX = 64 };

/* --- cloche as our child or successor --- */

static void reset_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void fill_argv(const struct monitor *m, const char *const *words, const char **argv)
{
	size_t n = 0;

	argv[n++] = "cloche";
	argv[n++] = "--root";
	argv[n++] = m->c.root;
	argv[n++] = "--runroot";
	argv[n++] = m->c.runroot;
	while (*words && n < WORDS_MAX - 1)
		argv[n++] = *words++;
	argv[n] = NULL;
}

pid_t monitor_spawn(struct monitor *m, const char *const *words, int out)
{
	const char *argv[WORDS_MAX];
	pid_t pid;

	fill_argv(m, words, argv);
	pid = fork();
	if (pid != 0)
		return pid < 0 ? 0 : pid;
	reset_signals();
	if (out >= 0)
		for (int fd = 1; fd <= 2; fd++)
			dup2(out, fd);
	execve(m->c.program, (char *const *)(uintptr_t)argv, environ);
	_exit(127);
}

void monitor_again(struct monitor *m)
{
	struct monitor_config c = m->c;
	autostrv struct strv words = { 0 };
	const char *argv[WORDS_MAX], *all[WORDS_MAX];
	int64_t *fds[MONITOR_FDS_MAX];
	size_t n = monitor_config_fds(&c, fds), used = 0;

	for (size_t i = 0; i < n; i++)
		if (fds[i] != &c.live && fds[i] != &c.listen)
			*fds[i] = -1;
	fcntl((int)c.live, F_SETFD, 0);
	fcntl((int)c.listen, F_SETFD, 0);
	c.pid = c.exit_code = 0;
	c.event = c.log_attrs = c.error = NULL;
	if (monitor_config_words(&c, &words) < 0 || words.len > WORDS_MAX - 8)
		return;
	all[used++] = "monitor";
	all[used++] = "again";
	for (size_t i = 0; i < words.len; i++)
		all[used++] = words.items[i];
	all[used] = NULL;
	fill_argv(m, all, argv);
	reset_signals();
	execve(m->c.program, (char *const *)(uintptr_t)argv, environ);
}

/* --- what is left of the life --- */

static void end_guards(struct monitor *m)
{
	for (size_t i = 0; i < MONITOR_GUARDS_MAX; i++) {
		struct pollfd end = { .fd = (int)m->c.guards[i], .events = POLLIN };

		if (m->c.guards[i] < 0)
			continue;
		/* They end by themselves as a rule; the next life must not meet them. */
		syscall(SYS_pidfd_send_signal, (int)m->c.guards[i], SIGKILL, NULL, 0);
		while (poll(&end, 1, -1) < 0 && errno == EINTR)
			;
		close((int)m->c.guards[i]);
		m->c.guards[i] = -1;
	}
}

/* pid 1 and its helpers, now that nothing on disk has their numbers any more. */
static void reap(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool has_mark(const struct monitor *m)
{
	return faccessat((int)m->c.dir, "stopped", F_OK, 0) == 0;
}

/* `update` may have changed it meanwhile. */
static void renew_policy(struct monitor *m)
{
	autoclose int fd = openat((int)m->c.dir, RESTART_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char text[RESTART_WORD_MAX];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	enum restart_policy policy;
	int64_t max;

	if (n <= 0)
		return;
	text[n] = '\0';
	if (restart_parse(text, &policy, &max, NULL) < 0)
		return;
	m->c.policy = policy;
	m->c.restart_max = max;
}

static bool decide(struct monitor *m)
{
	struct restart_state s = { .restarts = m->c.restarts, .delay_ms = m->c.delay_ms };
	bool again;

	renew_policy(m);
	s.policy = (enum restart_policy)m->c.policy;
	s.max = m->c.restart_max;
	again = restart_decide(&s, m->exit_code, (now_ns() - m->c.started) / 1000000, m->stopping || has_mark(m));

	m->c.restarts = s.restarts;
	m->c.delay_ms = s.delay_ms;
	return again;
}

/* --- between two lives --- */

static void say_restarting(struct monitor *m)
{
	struct live_line line = { .restarts = m->c.restarts, .exit_code = m->exit_code };
	char text[LIVE_LINE_SIZE], code[16];
	const char *extra[] = { "exitCode", code, NULL };

	clock_gettime(CLOCK_REALTIME, &line.since);
	live_line_format(&line, text);
	(void)!pwrite((int)m->c.live, text, sizeof(text), 0);
	snprintf(code, sizeof(code), "%d", m->exit_code);
	monitor_event(m, "die", extra);
}

/* While it waits, somebody may ask that there be no next life. */
static bool may_begin(struct monitor *m)
{
	renew_policy(m);
	return !m->stopping && !has_mark(m) && m->c.policy != RESTART_NO;
}

static void hear_all(struct monitor *m, const struct pollfd *fds, size_t len)
{
	for (size_t i = 0; i < len && i < m->clients_len; i++)
		if (m->clients[i].fd >= 0 && m->clients[i].fd == fds[i].fd && fds[i].revents)
			clients_hear(m, &m->clients[i]);
}

/* Waits for its time, and listens to who asks that it be not started. False: it is not to be started any more. */
static bool wait_for_turn(struct monitor *m)
{
	uint64_t end = time_now_us() + (uint64_t)m->c.delay_ms * 1000;

	clients_finish(m, end);
	while (may_begin(m)) {
		struct pollfd fds[2 + ATTACH_CLIENTS_MAX];
		uint64_t now = time_now_us();

		if (now >= end)
			return true;
		fds[0] = (struct pollfd){ .fd = (int)m->c.listen, .events = POLLIN };
		fds[1] = (struct pollfd){ .fd = m->signals, .events = POLLIN };
		for (size_t i = 0; i < m->clients_len; i++)
			fds[2 + i] = (struct pollfd){ .fd = m->clients[i].fd, .events = POLLIN };
		if (poll(fds, 2 + m->clients_len, (int)((end - now) / 1000) + 1) <= 0)
			continue;
		hear_all(m, fds + 2, m->clients_len);
		if (fds[0].revents)
			clients_accept(m);
		if (fds[1].revents)
			monitor_hear_signals(m);
	}
	return false;
}

/* --- the end --- */

/* Writes down how it ended, or removes it, and takes away the live file: engine/run/monitored.c. */
static void finish(struct monitor *m)
{
	char live[32], code[32], restarts[48], started[48];
	const char *words[10] = { "monitor", "ended", live, code, restarts, started, m->c.id };
	pid_t pid;

	if (m->c.error) {
		words[7] = "--error";
		words[8] = m->c.error;
	}
	fcntl((int)m->c.live, F_SETFD, 0);
	snprintf(live, sizeof(live), "--live=%d", (int)m->c.live);
	snprintf(code, sizeof(code), "--exit-code=%d", m->exit_code);
	snprintf(restarts, sizeof(restarts), "--restarts=%" PRIi64, m->c.restarts);
	snprintf(started, sizeof(started), "--started=%" PRIi64, m->c.started);
	pid = monitor_spawn(m, words, -1);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

bool monitor_end(struct monitor *m)
{
	bool again;

	end_guards(m);
	log_close(&m->log);
	again = decide(m);
	if (again) {
		say_restarting(m);
		reap();
		health_forget(m);
		if (wait_for_turn(m)) {
			for (size_t i = 0; i < m->clients_len; i++)
				clients_close(m, &m->clients[i]);
			return true;
		}
		/* It ended some time ago, and that was the end. */
		m->c.restarts--;
	}
	finish(m);
	/* From here on nobody must wait for us who waits for the container. */
	close((int)m->c.live);
	clients_accept_last(m);
	clients_finish(m, 0);
	return false;
}
