#include "intercept/serve.h"

#include "base/cleanup.h"
#include "intercept/client.h"
#include "intercept/handlers.h"
#include "intercept/load.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

enum { WORKERS = 3, STACK_SIZE = 256 * 1024, ALONE_CALLS = 64 };

static struct seccomp_notif_sizes sizes;
/* The thread that waits for notifications holds it. */
static pthread_mutex_t lead = PTHREAD_MUTEX_INITIALIZER;

int serve_init(int listener, struct err *err)
{
	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
		return err_errno(err, errno, "ask for the sizes of notifications");
	if (sizes.seccomp_notif < sizeof(struct seccomp_notif))
		sizes.seccomp_notif = sizeof(struct seccomp_notif);
	if (sizes.seccomp_notif_resp < sizeof(struct seccomp_notif_resp))
		sizes.seccomp_notif_resp = sizeof(struct seccomp_notif_resp);
	load_init(listener);
	return 0;
}

/* Calls whose handling writes to a disk: it may have to wait for the file system's journal. */
static bool is_long(int nr)
{
	switch (nr) {
	case __NR_fchown:
	case __NR_fchownat:
	case __NR_mknodat:
	case __NR_mkdirat:
	case __NR_symlinkat:
	case __NR_bind:
#ifdef __NR_open
	case __NR_chown:
	case __NR_lchown:
	case __NR_mknod:
	case __NR_mkdir:
	case __NR_symlink:
#endif
		return true;
	default:
		return false;
	}
}

static void answer(struct request *r, int result)
{
	struct seccomp_notif_resp *reply = r->worker->reply;

	if (result == ANSWER_SENT)
		return;
	memset(reply, 0, sizes.seccomp_notif_resp);
	reply->id = r->id;
	if (result == ANSWER_CONTINUE)
		reply->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	else if (result < 0)
		reply->error = result;
	else
		reply->val = r->value;
	if (r->worker->was_waiting)
		load_wake_elsewhere(true);
	/* ENOENT: the caller has been killed meanwhile. */
	(void)ioctl(r->worker->listener, SECCOMP_IOCTL_NOTIF_SEND, reply);
	if (r->worker->was_waiting)
		load_wake_elsewhere(false);
}

static void handle(struct worker *w)
{
	struct request r = {
		.worker = w,
		.id = w->notif->id,
		.tid = (pid_t)w->notif->pid,
		.nr = w->notif->data.nr,
		.received_ns = w->received_ns,
		.args = (const uint64_t *)w->notif->data.args,
	};
	handler_fn handler = handler_of(r.nr);

	answer(&r, handler ? handler(&r) : ANSWER_CONTINUE);
	request_done(&r);
}

/* Whether no process is left that could send a notification. */
static bool has_ended(int listener)
{
	struct pollfd p = { .fd = listener, .events = POLLIN };

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR | POLLNVAL));
}

/* The next notification; false when there will be no more. */
static bool receive(struct worker *w)
{
	for (;;) {
		uint64_t start = request_now_ns();

		memset(w->notif, 0, sizes.seccomp_notif);
		if (ioctl(w->listener, SECCOMP_IOCTL_NOTIF_RECV, w->notif) == 0) {
			w->received_ns = request_now_ns();
			w->was_waiting = load_was_waiting(w->received_ns - start);
			return true;
		}
		/* ENOENT: its sender was killed before we got it, or there are no senders any more. */
		if (errno != EINTR && (errno != ENOENT || has_ended(w->listener)))
			return false;
	}
}

static void *work(void *arg)
{
	struct worker *w = arg;
	bool is_leader = false;

	if (unshare(CLONE_FS) < 0)
		abort();
	for (;;) {
		if (!is_leader)
			pthread_mutex_lock(&lead);
		is_leader = true;
		if (!receive(w))
			break;
		if (is_long(w->notif->data.nr)) {
			pthread_mutex_unlock(&lead);
			is_leader = false;
		}
		handle(w);
	}
	pthread_mutex_unlock(&lead);
	return NULL;
}

static bool init_worker(struct worker *w, int listener)
{
	w->listener = listener;
	w->umask = -1;
	w->notif = calloc(1, sizes.seccomp_notif);
	w->reply = calloc(1, sizes.seccomp_notif_resp);
	return w->notif && w->reply;
}

bool serve_alone(int listener, int pidfd, pid_t caller)
{
	struct pollfd p[] = { { .fd = listener, .events = POLLIN }, { .fd = pidfd, .events = POLLIN } };
	static struct worker alone;
	int calls = 0;

	if (!alone.notif && !init_worker(&alone, listener))
		return true;
	while (calls < ALONE_CALLS) {
		memset(alone.notif, 0, sizes.seccomp_notif);
		if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
			return true;
		if (p[1].revents)
			return false;
		/* Whoever has sent it may be gone again. */
		if (!(p[0].revents & POLLIN) || ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, alone.notif) < 0) {
			if (p[0].revents & (POLLHUP | POLLERR))
				p[0].fd = -1;
			continue;
		}
		alone.received_ns = request_now_ns();
		handle(&alone);
		calls++;
		if ((pid_t)alone.notif->pid != caller)
			break;
	}
	return true;
}

int serve_start(int listener)
{
	static struct worker workers[WORKERS];
	pthread_attr_t attr;
	size_t started = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (size_t i = 0; i < WORKERS; i++) {
		pthread_t thread;

		if (init_worker(&workers[i], listener) && pthread_create(&thread, &attr, work, &workers[i]) == 0)
			started++;
	}
	pthread_attr_destroy(&attr);
	return started > 0 ? 0 : -EAGAIN;
}
