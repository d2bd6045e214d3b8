/* The layer helper: layer/client.h says what it does, layer/job.c how it lives. */
#include "layer/job.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Where the client puts the socket (layer/client.c). */
enum { CLIENT_SOCK = 3 };

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		fputs("cloche's layer helper is started by cloche itself.\n", stderr);
		return 125;
	}
	/* A change of ids on the way here has cleared it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	/* No destructors: what they would tidy ends with the process. */
	_exit(job_serve(CLIENT_SOCK));
}
