/*
 * libexec/cloche/monitor: supervises one container (monitor/monitor.h). It is executed by `cloche` in place of the process that
 * started the container.
 */
#include "monitor/monitor.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static struct monitor monitor;

int main(int argc, char **argv)
{
	struct monitor *m = &monitor;
	int64_t *fds[MONITOR_FDS_MAX];
	struct err err = { 0 };
	size_t n;

	m->run_fd = m->files = m->signals = -1;
	m->tail = BUF_INIT(TAIL_MAX + TAIL_MAX / 8);
	if (argc < 2 || monitor_config_parse(argc - 1, argv + 1, &m->c, &err) < 0 || m->c.pid == 1 || !m->c.id ||
	    !m->c.root || !m->c.runroot || !m->c.program || m->c.live < 0 || m->c.dir < 0 ||
	    (m->c.pid != 0) != (m->c.pidfd >= 0)) {
		fprintf(stderr, "cloche-monitor: is started by cloche\n");
		return 2;
	}
	/* Its children get none of them. */
	n = monitor_config_fds(&m->c, fds);
	for (size_t i = 0; i < n; i++)
		if (*fds[i] >= 0)
			fcntl((int)*fds[i], F_SETFD, FD_CLOEXEC);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	prctl(PR_SET_NAME, "cloche-monitor");
	monitor_live(m);
	if (monitor_end(m))
		monitor_again(m);
	return 0;
}
