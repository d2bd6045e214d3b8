#include "sys/signals.h"

#include "base/cleanup.h"
#include "base/num.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const int own_signals[] = {
	SIGCHLD, SIGPIPE, SIGURG, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT, SIGTSTP, SIGTTIN, SIGTTOU,
};

/* The mask that we found, while signals are held. */
static sigset_t mask_before;
static bool signals_held;

static void wanted_signals(sigset_t *ret)
{
	sigfillset(ret);
	for (size_t i = 0; i < ARRAY_SIZE(own_signals); i++)
		sigdelset(ret, own_signals[i]);
}

void signals_hold(void)
{
	sigset_t wanted;

	if (signals_held)
		return;
	wanted_signals(&wanted);
	sigprocmask(SIG_BLOCK, &wanted, &mask_before);
	signals_held = true;
}

int signals_open(int *ret_fd, struct err *err)
{
	sigset_t wanted;
	int fd;

	signals_hold();
	wanted_signals(&wanted);
	fd = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return err_errno(err, errno, "make a signal descriptor");
	*ret_fd = fd;
	return 0;
}

void signals_release(int fd)
{
	if (fd >= 0)
		close(fd);
	if (signals_held)
		sigprocmask(SIG_SETMASK, &mask_before, NULL);
	signals_held = false;
}

void signals_suffer(int sig)
{
	sigset_t one;

	sigemptyset(&one);
	sigaddset(&one, sig);
	raise(sig);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	sigprocmask(SIG_BLOCK, &one, NULL);
}

/* --- names --- */

static int find_signal(const char *name)
{
	uint32_t offset;

	for (int sig = 1; sig < 32; sig++) {
		const char *known = sigabbrev_np(sig);

		if (known && strcasecmp(known, name) == 0)
			return sig;
	}
	if (strcasecmp(name, "RTMIN") == 0)
		return SIGRTMIN;
	if (strcasecmp(name, "RTMAX") == 0)
		return SIGRTMAX;
	if (strncasecmp(name, "RTMIN+", 6) == 0 && num_parse_u32(name + 6, 30, &offset) == 0)
		return SIGRTMIN + (int)offset;
	if (strncasecmp(name, "RTMAX-", 6) == 0 && num_parse_u32(name + 6, 30, &offset) == 0)
		return SIGRTMAX - (int)offset;
	return -1;
}

int signal_parse(const char *word, int *ret, struct err *err)
{
	uint32_t number;
	int sig;

	if (num_parse_u32(word, 64, &number) == 0 && number > 0) {
		*ret = (int)number;
		return 0;
	}
	sig = find_signal(strncasecmp(word, "SIG", 3) == 0 ? word + 3 : word);
	if (sig < 0)
		return err_set(err, EINVAL, "there is no signal '%s'", word);
	*ret = sig;
	return 0;
}

void signal_format(int sig, char dst[static 16])
{
	const char *name = sig > 0 && sig < 32 ? sigabbrev_np(sig) : NULL;

	if (name)
		snprintf(dst, 16, "SIG%s", name);
	else
		snprintf(dst, 16, "%d", sig);
}
