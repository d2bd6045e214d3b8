/* The fetch helper: registry/registry.h says what it does, registry/serve.c how it lives. */
#include "registry/serve.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>

/* Where the client puts the socket (registry/client.c). */
enum { CLIENT_SOCK = 3 };

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		fputs("cloche's fetch helper is started by cloche itself.\n", stderr);
		return 125;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	return registry_serve(CLIENT_SOCK);
}
