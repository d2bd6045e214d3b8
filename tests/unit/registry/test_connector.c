#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "registry/connector.h"
#include "registry/fetch_confine.h"
#include "sys/msg.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void private_networks_are_known(void **state)
{
	static const struct {
		const char *address;
		bool is_private;
	} cases[] = {
		{ "127.0.0.1", true },
		{ "10.1.2.3", true },
		{ "172.16.0.1", true },
		{ "172.32.0.1", false },
		{ "192.168.1.1", true },
		{ "169.254.169.254", true },
		{ "100.64.0.1", true },
		{ "100.128.0.1", false },
		{ "8.8.8.8", false },
		{ "0.0.0.0", true },
		{ "224.0.0.1", true },
		{ "::1", true },
		{ "::", true },
		{ "fe80::1", true },
		{ "fd00::1", true },
		{ "2001:db8::1", false },
		{ "ff02::1", true },
		{ "::ffff:10.0.0.1", true },
		{ "::ffff:8.8.8.8", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t bytes[16];
		int family = strchr(cases[i].address, ':') ? AF_INET6 : AF_INET;

		assert_int_equal(inet_pton(family, cases[i].address, bytes), 1);
		if (connector_is_private(family, bytes) != cases[i].is_private)
			fail_msg("%s", cases[i].address);
	}
}

static int listen_on_loopback(uint16_t *ret_port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*ret_port = ntohs(a.sin_port);
	return fd;
}

static int with_policy(const struct connector_policy *policy, const char *host, uint16_t port, struct err *err)
{
	int pair[2], fd, status;
	pid_t pid;

	assert_int_equal(msg_pair(pair, NULL), 0);
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		connector_serve(pair[1], policy);
		_exit(0);
	}
	close(pair[1]);
	fd = connector_connect(pair[0], host, port, err);
	close(pair[0]);
	waitpid(pid, &status, 0);
	return fd;
}

static void only_what_the_policy_allows_is_connected_to(void **state)
{
	uint16_t mine, other;
	int a = listen_on_loopback(&mine), b = listen_on_loopback(&other), fd;
	struct connector_policy registry = { .host = "127.0.0.1", .port = mine };
	struct connector_policy proxy = { .host = "127.0.0.1", .port = mine, .only_this = true };
	struct connector_policy public = { .host = "203.0.113.1", .port = other };
	struct err err = { 0 };

	(void)state;
	fd = with_policy(&registry, "127.0.0.1", mine, &err);
	assert_true(fd >= 0);
	close(fd);
	/* Another port of the same machine. */
	assert_int_equal(with_policy(&registry, "127.0.0.1", other, &err), -EACCES);
	assert_int_equal(with_policy(&proxy, "127.0.0.2", mine, &err), -EACCES);
	/* A public registry leads to this machine. */
	assert_int_equal(with_policy(&public, "127.0.0.1", other, &err), -EACCES);
	assert_non_null(strstr(err.msg, "private network"));
	close(a);
	close(b);
}

/* What a taken-over helper would try; each must fail. Returns the number of the first that didn't. */
static int misbehave(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(80),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char *argv[] = { (char *)"/bin/true", NULL };
	int pair[2];

	if (open("/etc/passwd", O_RDONLY) >= 0)
		return 1;
	if (open(getenv("HOME") ? getenv("HOME") : "/", O_RDONLY) >= 0)
		return 2;
	if (socket(AF_INET, SOCK_STREAM, 0) >= 0 || socket(AF_UNIX, SOCK_STREAM, 0) >= 0)
		return 3;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return 4; /* this one must work */
	/* connect() says that it did, and did nothing. */
	if (connect(pair[0], (struct sockaddr *)&a, sizeof(a)) != 0)
		return 5;
	if (fork() >= 0)
		return 6;
	execv("/bin/true", argv);
	if (kill(getppid(), 0) == 0)
		return 7;
	return 0;
}

static void the_confined_half_can_do_nothing_else(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(fetch_confine(NULL, NULL) < 0 ? 99 : misbehave());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(private_networks_are_known),
		cmocka_unit_test(only_what_the_policy_allows_is_connected_to),
		cmocka_unit_test(the_confined_half_can_do_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
