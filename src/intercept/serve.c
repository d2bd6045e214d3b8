#include "intercept/serve.h"

#include "base/cleanup.h"
#include "intercept/client.h"
#include "intercept/guest.h"
#include "intercept/handlers.h"
#include "intercept/load.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

enum {
	WORKERS = 2,	  /* one that waits, one to take its place */
	WORKERS_MAX = 64, /* so many calls may be stuck before the container is */
	STACK_SIZE = 256 * 1024,
	ALONE_CALLS = 64,
	GUESTS_MAX = 512,
	FDS_NEEDED = 64, /* of handlers at work: few have more than three at a time */
	TICK_MS = 10,
};

static struct seccomp_notif_sizes sizes;

/* Who waits for notifications. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t free;
	struct worker *_Atomic leader; /* NULL: whoever is first may */
	int idle;		       /* threads that would */
	struct worker workers[WORKERS_MAX];
	int workers_len;
} lead = { .lock = PTHREAD_MUTEX_INITIALIZER, .free = PTHREAD_COND_INITIALIZER };

/* The watch over the leader sleeps while nothing happens; written to, this descriptor wakes it. */
static int wake_watch = -1;
static atomic_bool is_watching;

static rlim_t fds_max;

int serve_raise_limit(struct err *err)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return err_errno(err, errno, "ask for the limit of descriptors");
	if (limit.rlim_max < FDS_NEEDED) {
		err_set(err, EMFILE, "the emulation of ids needs %d descriptors, the limit is %llu", FDS_NEEDED,
			(unsigned long long)limit.rlim_max);
		return err_hint(err, "raise the hard limit (ulimit -Hn)");
	}
	limit.rlim_cur = fds_max = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	return 0;
}

int serve_init(int listener, struct err *err)
{
	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
		return err_errno(err, errno, "ask for the sizes of notifications");
	if (sizes.seccomp_notif < sizeof(struct seccomp_notif))
		sizes.seccomp_notif = sizeof(struct seccomp_notif);
	if (sizes.seccomp_notif_resp < sizeof(struct seccomp_notif_resp))
		sizes.seccomp_notif_resp = sizeof(struct seccomp_notif_resp);
	load_init(listener);
	wake_watch = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wake_watch < 0)
		return err_errno(err, errno, "make an event descriptor");
	return 0;
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
			w->was_waiting = load_was_waiting(w->received_ns - start, (pid_t)w->notif->pid);
			return true;
		}
		/* ENOENT: its sender was killed before we got it, or there are no senders any more. */
		if (errno != EINTR && (errno != ENOENT || has_ended(w->listener)))
			return false;
	}
}

static void take_lead(struct worker *w)
{
	pthread_mutex_lock(&lead.lock);
	lead.idle++;
	while (lead.leader && lead.leader != w)
		pthread_cond_wait(&lead.free, &lead.lock);
	lead.leader = w;
	lead.idle--;
	pthread_mutex_unlock(&lead.lock);
}

/* An odd number of turns: a call is being handled. */
static void begin_turn(struct worker *w)
{
	atomic_fetch_add_explicit(&w->turns, 1, memory_order_relaxed);
	if (atomic_load_explicit(&is_watching, memory_order_relaxed))
		return;
	atomic_store_explicit(&is_watching, true, memory_order_relaxed);
	(void)!write(wake_watch, &(uint64_t){ 1 }, sizeof(uint64_t));
}

static void *work(void *arg)
{
	struct worker *w = arg;

	if (unshare(CLONE_FS) < 0)
		abort();
	for (;;) {
		/* Looked at without the lock: at worst two threads wait for one notification each. */
		if (lead.leader != w)
			take_lead(w);
		if (!receive(w))
			break;
		begin_turn(w);
		handle(w);
		atomic_fetch_add_explicit(&w->turns, 1, memory_order_relaxed);
	}
	pthread_mutex_lock(&lead.lock);
	if (lead.leader == w)
		lead.leader = NULL;
	pthread_cond_signal(&lead.free);
	pthread_mutex_unlock(&lead.lock);
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
	struct pollfd p[] = { { .fd = listener, .events = POLLIN },
			      { .fd = pidfd, .events = POLLIN },
			      { .fd = guest_door, .events = POLLIN } };
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
		if (p[2].revents)
			guest_admit();
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

static bool start_thread(void *(*work_of)(void *arg), struct worker *w)
{
	pthread_attr_t attr;
	pthread_t thread;
	bool is_started;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	is_started = pthread_create(&thread, &attr, work_of, w) == 0;
	pthread_attr_destroy(&attr);
	return is_started;
}

/* One more thread; false if there can be no more. */
static bool add_worker(int listener)
{
	struct worker *w = &lead.workers[lead.workers_len];

	if (lead.workers_len == WORKERS_MAX || !init_worker(w, listener) || !start_thread(work, w))
		return false;
	lead.workers_len++;
	return true;
}

/* --- guests --- */

static atomic_int guests;

static void free_guest(struct worker *w)
{
	close(w->listener);
	free(w->notif);
	free(w->reply);
	free(w);
	atomic_fetch_sub(&guests, 1);
}

/* A call that gets stuck holds up the guest and those it has started, and nobody else. */
static void *work_for_guest(void *arg)
{
	struct worker *w = arg;

	if (unshare(CLONE_FS) < 0)
		abort();
	while (receive(w)) {
		w->was_waiting = false;
		handle(w);
	}
	free_guest(w);
	return NULL;
}

int serve_guest(int listener)
{
	struct worker *w = calloc(1, sizeof(*w));

	if (!w) {
		close(listener);
		return -EAGAIN;
	}
	load_add(listener);
	if (atomic_fetch_add(&guests, 1) < GUESTS_MAX && (rlim_t)listener + FDS_NEEDED <= fds_max &&
	    init_worker(w, listener) && start_thread(work_for_guest, w))
		return 0;
	w->listener = listener;
	free_guest(w);
	return -EAGAIN;
}

int serve_start(int listener)
{
	while (lead.workers_len < WORKERS && add_worker(listener))
		;
	return lead.workers_len > 0 ? 0 : -EAGAIN;
}

/* The leader has been at one call for a whole tick: another waits in its place, so that no call waits behind it. */
static void replace_leader(int listener)
{
	pthread_mutex_lock(&lead.lock);
	lead.leader = NULL;
	if (lead.idle == 0)
		add_worker(listener);
	pthread_cond_signal(&lead.free);
	pthread_mutex_unlock(&lead.lock);
}

/* What has changed since the last tick; replaces a leader that is stuck. */
static void look_at_leader(int listener, struct worker **last, unsigned *last_turns)
{
	struct worker *leader = lead.leader;
	unsigned turns = leader ? atomic_load_explicit(&leader->turns, memory_order_relaxed) : 0;
	bool is_same = leader && leader == *last && turns == *last_turns;

	*last = leader;
	*last_turns = turns;
	if (is_same && turns % 2 == 1)
		replace_leader(listener);
	else if (is_same)
		atomic_store_explicit(&is_watching, false, memory_order_relaxed); /* until the next call */
}

void serve_watch(int listener, int pidfd)
{
	struct pollfd p[] = { { .fd = pidfd, .events = POLLIN },
			      { .fd = wake_watch, .events = POLLIN },
			      { .fd = guest_door, .events = POLLIN } };
	struct worker *last = NULL;
	unsigned last_turns = 0;
	uint64_t count;

	for (;;) {
		bool ticks = atomic_load_explicit(&is_watching, memory_order_relaxed);
		int n = poll(p, ARRAY_SIZE(p), ticks ? TICK_MS : -1);

		if (n > 0 && p[0].revents)
			return;
		if (n > 0 && p[1].revents)
			(void)!read(wake_watch, &count, sizeof(count));
		if (n > 0 && p[2].revents)
			guest_admit();
		if (n == 0)
			look_at_leader(listener, &last, &last_turns);
	}
}
