#include "monitor/monitor.h"

/*
 * Health checks, as docker has them: one runs an interval after the last has ended; one that fails or takes too long counts,
 * and so many in a row make the container unhealthy; a success makes it healthy. Failures in the start period don't count, and
 * its checks may come more often. The check itself is `cloche monitor check`, a child of ours, which enters the container.
 *
 * What is known stands in <runroot>/files/<id>/health.json, in docker's form, for `inspect` and `ps`.
 */

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/timefmt.h"

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

static const char *const names[] = { "starting", "healthy", "unhealthy" };

enum { REPORT_MAX = HEALTH_RESULTS_MAX * (6 * HEALTH_OUTPUT_MAX + 256) + 256 };

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* --- the report --- */

static void add_time(struct buf *out, const char *key, int64_t ns)
{
	char text[TIME_RFC3339_MAX];

	time_format_rfc3339((struct timespec){ .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 }, text);
	buf_addf(out, "\"%s\":\"%s\",", key, text);
}

enum { REPORT_PATH_MAX = 128 };

static void report_path(const struct monitor *m, char dst[static REPORT_PATH_MAX])
{
	snprintf(dst, REPORT_PATH_MAX, "files/%.64s/health.json", m->c.id);
}

/* Written aside and renamed: a reader sees the old or the new. */
static void write_report(struct monitor *m)
{
	const struct health *h = &m->health;
	autobuf struct buf out = BUF_INIT(REPORT_MAX);
	char path[REPORT_PATH_MAX], aside[REPORT_PATH_MAX + 8];
	autoclose int fd = -1;

	buf_addf(&out, "{\"Status\":\"%s\",\"FailingStreak\":%" PRIi64 ",\"Log\":[", names[h->status], h->streak);
	for (size_t i = 0; i < h->results_len; i++) {
		buf_add_str(&out, i ? ",{" : "{");
		add_time(&out, "Start", h->results[i].start);
		add_time(&out, "End", h->results[i].end);
		buf_addf(&out, "\"ExitCode\":%d,\"Output\":", h->results[i].exit_code);
		json_text_format(&out, h->results[i].output, h->results[i].len);
		buf_add_char(&out, '}');
	}
	buf_add_str(&out, "]}\n");
	report_path(m, path);
	snprintf(aside, sizeof(aside), "%s.new", path);
	if (out.error || m->run_fd < 0)
		return;
	fd = openat(m->run_fd, aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd >= 0 && write(fd, out.data, out.len) == (ssize_t)out.len)
		renameat(m->run_fd, aside, m->run_fd, path);
	else if (fd >= 0)
		unlinkat(m->run_fd, aside, 0);
}

static void tell_status(const struct monitor *m)
{
	char action[40];

	snprintf(action, sizeof(action), "health_status: %s", names[m->health.status]);
	monitor_event(m, action, NULL);
}

/* --- when --- */

static bool in_grace(const struct monitor *m, uint64_t now_us)
{
	return m->health.status == HEALTH_STARTING && now_us < m->health.grace_us;
}

static void set_due(struct monitor *m)
{
	uint64_t now = time_now_us();
	int64_t interval =
		in_grace(m, now) && m->c.health_start_interval ? m->c.health_start_interval : m->c.health_interval;

	m->health.due_us = now + (uint64_t)interval / 1000;
}

void health_begin(struct monitor *m)
{
	m->health.pidfd = m->health.out = -1;
	if (m->c.health_interval <= 0)
		return;
	m->health.grace_us = time_now_us() + (uint64_t)m->c.health_start_period / 1000;
	set_due(m);
	write_report(m);
}

/* --- one check --- */

static struct health_result *new_result(struct health *h)
{
	if (!h->results)
		h->results = calloc(HEALTH_RESULTS_MAX, sizeof(h->results[0]));
	if (!h->results)
		return NULL;
	if (h->results_len == HEALTH_RESULTS_MAX) {
		memmove(h->results, h->results + 1, (HEALTH_RESULTS_MAX - 1) * sizeof(h->results[0]));
		h->results_len--;
	}
	h->results[h->results_len] = (struct health_result){ .start = now_ns() };
	return &h->results[h->results_len++];
}

static void start_check(struct monitor *m, uint64_t now_us)
{
	const char *words[] = { "monitor", "check", m->c.id, NULL };
	struct health *h = &m->health;
	int pair[2];

	h->due_us = 0;
	if (pipe2(pair, O_CLOEXEC | O_NONBLOCK) < 0) {
		set_due(m);
		return;
	}
	if (!new_result(h)) {
		close(pair[0]);
		close(pair[1]);
		set_due(m);
		return;
	}
	h->pid = monitor_spawn(m, words, pair[1]);
	close(pair[1]);
	h->out = pair[0];
	h->pidfd = h->pid ? (int)syscall(SYS_pidfd_open, h->pid, 0) : -1;
	h->timeout_us = now_us + (uint64_t)m->c.health_timeout / 1000;
	if (!h->pid) {
		close(h->out);
		h->out = -1;
		h->results_len--;
		set_due(m);
	}
}

static void add_output(struct health_result *r, const char *data, size_t len)
{
	size_t room = sizeof(r->output) - r->len;

	if (len > room)
		len = room;
	memcpy(r->output + r->len, data, len);
	r->len = (uint16_t)(r->len + len);
}

void health_read(struct monitor *m)
{
	struct health *h = &m->health;
	char data[1024];
	ssize_t n = h->out < 0 ? 0 : read(h->out, data, sizeof(data));

	if (n > 0)
		add_output(&h->results[h->results_len - 1], data, (size_t)n);
	if (n == 0 && h->out >= 0) {
		close(h->out);
		h->out = -1;
	}
}

static void forget_check(struct health *h)
{
	if (h->out >= 0)
		close(h->out);
	if (h->pidfd >= 0)
		close(h->pidfd);
	h->out = h->pidfd = -1;
	h->pid = 0;
	h->timeout_us = 0;
}

static void judge(struct monitor *m, int exit_code)
{
	struct health *h = &m->health;
	struct health_result *r = &h->results[h->results_len - 1];
	enum health_status before = h->status;

	r->end = now_ns();
	r->exit_code = exit_code;
	if (exit_code == 0) {
		h->streak = 0;
		h->status = HEALTH_HEALTHY;
	} else if (!in_grace(m, time_now_us())) {
		h->streak++;
		if (h->streak >= m->c.health_retries)
			h->status = HEALTH_UNHEALTHY;
	}
	write_report(m);
	/* Whoever hears of it finds it written. */
	if (h->status != before)
		tell_status(m);
	set_due(m);
}

void health_reaped(struct monitor *m, int status)
{
	char data[1024];
	ssize_t n;

	while (m->health.out >= 0 && (n = read(m->health.out, data, sizeof(data))) > 0)
		add_output(&m->health.results[m->health.results_len - 1], data, (size_t)n);
	forget_check(&m->health);
	judge(m, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static void kill_check(struct monitor *m)
{
	struct health *h = &m->health;

	kill(h->pid, SIGKILL);
	while (waitpid(h->pid, NULL, 0) < 0 && errno == EINTR)
		;
	forget_check(h);
}

uint64_t health_tick(struct monitor *m, uint64_t now_us)
{
	struct health *h = &m->health;

	if (h->pid && h->timeout_us && now_us >= h->timeout_us) {
		static const char text[] = "Health check exceeded timeout";

		kill_check(m);
		add_output(&h->results[h->results_len - 1], text, sizeof(text) - 1);
		judge(m, -1);
	}
	if (!h->pid && h->due_us && now_us >= h->due_us)
		start_check(m, now_us);
	return h->pid ? h->timeout_us : h->due_us;
}

void health_end(struct monitor *m)
{
	if (m->health.pid)
		kill_check(m);
	free(m->health.results);
	m->health.results = NULL;
	m->health.results_len = 0;
	m->health.due_us = 0;
}

void health_forget(const struct monitor *m)
{
	char path[REPORT_PATH_MAX];

	report_path(m, path);
	if (m->run_fd >= 0 && m->c.health_interval > 0)
		unlinkat(m->run_fd, path, 0);
}
