#include "monitor/monitor.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/timefmt.h"
#include "codec/event_line.h"
#include "monitor/event_log.h"
#include "sys/fs.h"
#include "sys/processes.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* One that is ignored by default: it may still wait when another program takes our place. */
enum { SIGNAL_OF_FILES = SIGURG };

void monitor_signal(const struct monitor *m, int sig)
{
	syscall(SYS_pidfd_send_signal, (int)m->c.pidfd, sig, NULL, 0);
}

void monitor_event(const struct monitor *m, const char *action, const char *const *extra)
{
	autobuf struct buf renamed = BUF_INIT(EVENT_COMMON_MAX);
	const char *common = m->c.event;

	if (m->run_fd < 0 || !common)
		return;
	if (fs_read_file((int)m->c.dir, EVENT_COMMON_FILE, EVENT_COMMON_MAX, &renamed, NULL) >= 0)
		common = buf_str(&renamed);
	event_log_append(m->run_fd, action, common, extra);
}

/* --- beginning --- */

/*
 * The kernel signals it to us when something is removed from the container's folder in the runtime folder. (dnotify and not inotify:
 * an ordinary user may have 128 inotify instances in all, but containers without number.)
 */
static void watch_files(struct monitor *m)
{
	char path[80];

	snprintf(path, sizeof(path), "files/%.64s", m->c.id);
	m->files = openat(m->run_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (m->files >= 0 && fcntl(m->files, F_SETSIG, SIGNAL_OF_FILES) == 0)
		(void)fcntl(m->files, F_NOTIFY, DN_DELETE | DN_MULTISHOT);
}

static void take_signals(struct monitor *m)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGNAL_OF_FILES);
	sigprocmask(SIG_SETMASK, &set, NULL);
	m->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void set_nonblocking(int64_t fd)
{
	int flags = fd < 0 ? -1 : fcntl((int)fd, F_GETFL);

	if (flags >= 0)
		fcntl((int)fd, F_SETFL, flags | O_NONBLOCK);
}

static void begin(struct monitor *m)
{
	take_signals(m);
	m->streams[1].is_stderr = true;
	set_nonblocking(m->c.console);
	set_nonblocking(m->c.out);
	set_nonblocking(m->c.err);
	set_nonblocking(m->c.in);
	m->run_fd = open(m->c.runroot, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	watch_files(m);
	log_open(&m->log, m->c.no_log ? -1 : (int)m->c.dir, m->c.log_size, m->c.log_files, m->c.log_attrs);
	if (m->c.client >= 0)
		clients_add(m, (int)m->c.client, true);
	m->c.client = -1;
	health_begin(m);
}

/* --- what may happen --- */

/*
 * Whoever removes the runtime folder, as the end of a login does, has taken the truth from the container's life: so it ends. The
 * live file and the socket go last in a life, after us; the folder's other files may go before.
 */
static void check_files(struct monitor *m)
{
	struct stat st;

	if ((fstat((int)m->c.live, &st) == 0 && st.st_nlink == 0) ||
	    (m->files >= 0 && faccessat(m->files, ATTACH_SOCKET, F_OK, 0) < 0)) {
		m->stopping = true;
		monitor_signal(m, SIGKILL);
	}
}

/* As a machine that is switched off, or systemd, asks us: the container gets its own stop signal, and time. */
static void stop_gently(struct monitor *m)
{
	m->stopping = true;
	monitor_signal(m, m->c.stop_signal > 0 ? (int)m->c.stop_signal : SIGTERM);
	m->kill_us = time_now_us() + (uint64_t)m->c.stop_timeout * 1000000;
}

void monitor_hear_signals(struct monitor *m)
{
	struct signalfd_siginfo info;

	while (read(m->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGTERM)
			stop_gently(m);
		else
			check_files(m);
	}
}

static void lose_guard(struct monitor *m, size_t i)
{
	close((int)m->c.guards[i]);
	m->c.guards[i] = -1;
	if (i == MONITOR_GUARD_NETWORK && m->c.policy == RESTART_NO)
		return;
	m->c.error =
		i == MONITOR_GUARD_NETWORK ? "the network's helper was killed" : "the supervisor of its ids was killed";
	monitor_signal(m, SIGKILL);
	m->lost_guard = true;
}

static bool has_ended(const struct monitor *m)
{
	struct pollfd p = { .fd = (int)m->c.pidfd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

/*
 * They end because pid 1 has, as a rule. poll looks at one descriptor after the other, so it may have seen their end and not
 * the one before: pid 1 is looked at once more.
 */
static void check_guards(struct monitor *m, const struct pollfd *fds)
{
	for (size_t i = 0; i < MONITOR_GUARDS_MAX && !m->ended; i++) {
		if (!fds[i].revents || m->c.guards[i] < 0)
			continue;
		m->ended = has_ended(m);
		if (!m->ended)
			lose_guard(m, i);
	}
}

/* Places in the array for poll; clients stand behind them. */
enum { AT_PID, AT_OUT, AT_ERR, AT_CONSOLE, AT_IN, AT_LISTEN, AT_SIGNALS, AT_CHECK, AT_CHECK_OUT, AT_GUARDS };
enum { AT_CLIENTS = AT_GUARDS + MONITOR_GUARDS_MAX };

static void put(struct pollfd *at, int64_t fd, int events)
{
	*at = (struct pollfd){ .fd = (int)fd, .events = (short)events };
}

/* The command that started it is to see its first byte: nothing is read before that has said what it wants, or has gone. */
static bool waits_for_starter(const struct monitor *m)
{
	for (size_t i = 0; i < m->clients_len; i++)
		if (m->clients[i].fd >= 0 && m->clients[i].starter)
			return !m->clients[i].greeted;
	return false;
}

static size_t fill(const struct monitor *m, struct pollfd *fds)
{
	bool may_read = m->owing == 0 && !waits_for_starter(m);
	int console = (may_read ? POLLIN : 0) | (m->input_len > 0 ? POLLOUT : 0);

	put(&fds[AT_PID], m->c.pidfd, POLLIN);
	put(&fds[AT_OUT], may_read ? m->c.out : -1, POLLIN);
	put(&fds[AT_ERR], may_read ? m->c.err : -1, POLLIN);
	put(&fds[AT_CONSOLE], console ? m->c.console : -1, console);
	put(&fds[AT_IN], m->input_len > 0 ? m->c.in : -1, POLLOUT);
	put(&fds[AT_LISTEN], m->c.listen, POLLIN);
	put(&fds[AT_SIGNALS], m->signals, POLLIN);
	put(&fds[AT_CHECK], m->health.pid ? m->health.pidfd : -1, POLLIN);
	put(&fds[AT_CHECK_OUT], m->health.pid ? m->health.out : -1, POLLIN);
	for (size_t i = 0; i < MONITOR_GUARDS_MAX; i++)
		put(&fds[AT_GUARDS + i], m->c.guards[i], POLLIN);
	for (size_t i = 0; i < m->clients_len; i++) {
		const struct client *c = &m->clients[i];
		int events = (clients_may_speak(m, c) ? POLLIN : 0) | (c->owes || c->lagging ? POLLOUT : 0);

		/* Not even that it has gone is to be heard before what it has typed. */
		put(&fds[AT_CLIENTS + i], events ? c->fd : -1, events);
	}
	return AT_CLIENTS + m->clients_len;
}

static void serve_clients(struct monitor *m, const struct pollfd *fds, size_t len)
{
	for (size_t i = 0; i < len && i < m->clients_len; i++) {
		struct client *c = &m->clients[i];

		/* The array may be older than the client in this place. */
		if (c->fd < 0 || c->fd != fds[i].fd || !fds[i].revents)
			continue;
		if (fds[i].revents & POLLOUT && c->lagging)
			clients_catch_up(m, c);
		if (c->fd >= 0 && fds[i].revents & (POLLIN | POLLHUP | POLLERR) && clients_may_speak(m, c))
			clients_hear(m, c);
	}
}

static void act(struct monitor *m, const struct pollfd *fds, size_t len)
{
	size_t clients = len - AT_CLIENTS;

	if (fds[AT_IN].revents || (fds[AT_CONSOLE].revents & POLLOUT && m->input_len > 0))
		input_pump(m);
	if (m->owing > 0)
		clients_offer(m);
	serve_clients(m, fds + AT_CLIENTS, clients);
	if (m->owing == 0 && fds[AT_OUT].revents)
		output_pump(m, &m->c.out);
	if (m->owing == 0 && fds[AT_ERR].revents)
		output_pump(m, &m->c.err);
	if (m->owing == 0 && m->c.console >= 0 && fds[AT_CONSOLE].revents & (POLLIN | POLLHUP | POLLERR))
		output_pump(m, &m->c.console);
	if (fds[AT_LISTEN].revents)
		clients_accept(m);
	if (fds[AT_SIGNALS].revents)
		monitor_hear_signals(m);
	if (fds[AT_CHECK_OUT].revents)
		health_read(m);
	m->ended = fds[AT_PID].revents != 0;
	check_guards(m, fds + AT_GUARDS);
}

/* --- time --- */

static void sooner(uint64_t *due, uint64_t other)
{
	if (other && (!*due || other < *due))
		*due = other;
}

static int next_timeout(struct monitor *m)
{
	uint64_t now = time_now_us(), due = 0;

	if (m->kill_us && now >= m->kill_us) {
		monitor_signal(m, SIGKILL);
		m->kill_us = 0;
	}
	sooner(&due, m->kill_us);
	if (m->owing > 0)
		sooner(&due, clients_expire(m, now));
	sooner(&due, health_tick(m, now));
	if (!due)
		return -1;
	return due <= now ? 0 : (int)((due - now + 999) / 1000);
}

/* Our children: pid 1, checks, and helpers, whose end their pidfds tell. */
static void reap_check(struct monitor *m)
{
	int status;

	if (m->health.pid && waitpid(m->health.pid, &status, WNOHANG) == m->health.pid)
		health_reaped(m, status);
}

/*
 * How pid 1 has ended. It stays a zombie for now: as long as the live file says that the container runs, its number must not
 * become another's.
 */
static int ask_for_end(const struct monitor *m)
{
	siginfo_t info = { 0 };

	while (waitid(P_PID, (id_t)m->c.pid, &info, WEXITED | WNOWAIT) < 0)
		if (errno != EINTR)
			return 137;
	return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

/* A program may end before the command that started it has said what it wants to see: that comes, or its end does. */
static void hear_last(struct monitor *m)
{
	while (waits_for_starter(m)) {
		struct pollfd p = { .events = POLLIN };
		size_t i = 0;

		while (!m->clients[i].starter)
			i++;
		p.fd = m->clients[i].fd;
		if (poll(&p, 1, ATTACH_SLOW_MS) <= 0)
			return;
		clients_hear(m, &m->clients[i]);
	}
}

/* What there is of a life that could not begin: a line in the log, and how it ended. */
static void live_not_at_all(struct monitor *m)
{
	static const char text[] = "cloche: it could not be started again: ";

	m->exit_code = (int)m->c.exit_code;
	if (!m->c.error)
		return;
	log_take(&m->log, &m->streams[1], text, sizeof(text) - 1);
	log_take(&m->log, &m->streams[1], m->c.error, strlen(m->c.error));
	log_end(&m->log, &m->streams[1]);
}

void monitor_live(struct monitor *m)
{
	struct pollfd fds[AT_CLIENTS + ATTACH_CLIENTS_MAX];

	begin(m);
	if (m->c.pid == 0) {
		live_not_at_all(m);
		return;
	}
	while (!m->ended) {
		int timeout = next_timeout(m);
		size_t len = fill(m, fds);

		if (poll(fds, len, timeout) <= 0)
			continue;
		if (fds[AT_CHECK].revents)
			reap_check(m);
		act(m, fds, len);
	}
	m->exit_code = ask_for_end(m);
	processes_kill_in_mounts((int)m->c.mounts);
	hear_last(m);
	health_end(m);
	output_collect_tail(m);
	if (m->lost_guard)
		output_say(m, "cloche: a helper of the container has ended (intercept or net), so it was killed\n");
}
