/* The files of name service of a life: what hosts.c makes of the record and the host's own, in <runroot>/files/<id>. */
#include "engine/run/session.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "engine/container/network.h"
#include "engine/run/hosts.h"
#include "net/addresses.h"
#include "sys/fs.h"
#include "sys/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A life before this one may have left files that its end could not remove. */
static int write_new(int dir_fd, const char *name, const void *data, size_t len, struct err *err)
{
	unlinkat(dir_fd, name, 0);
	return fs_write_new(dir_fd, name, data, len, 0644, err);
}

int run_open_files(const struct run_session *s, struct err *err)
{
	int run = store_run_fd(s->store, err), fd;
	const char *path = s->files_dir + strlen(s->store->runroot) + 1;

	if (run < 0)
		return run;
	while (mkdirat(run, path, 0755) < 0 && errno != EEXIST)
		if (errno != ENOENT || (mkdirat(run, "files", 0700) < 0 && errno != EEXIST))
			return err_errno(err, errno, "make '%s'", s->files_dir);
	fd = openat(run, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_errno(err, errno, "open '%s'", s->files_dir) : fd;
}

/*
 * The private network that the container has: its own, or that of the one whose network it shares. kind NULL: it has
 * none. The caller releases *OTHER.
 */
static const struct container_network *find_private(const struct run_session *s, struct container_record *other)
{
	const char *id = run_shares_get(&s->record.shares, "network");

	if (!id || container_record_read(s->store, id, other, NULL) < 0)
		return &s->record.private_network;
	return &other->private_network;
}

static int write_hosts(const struct run_session *s, int fd, const char *hostname, struct err *err)
{
	autobuf struct buf added = BUF_INIT(RUN_HOSTS_MAX), text = BUF_INIT(2 * RUN_HOSTS_MAX);
	const struct strv *words = &s->record.names.add_hosts;
	autorecord struct container_record other = { 0 };
	const struct container_network *private = find_private(s, &other);
	char own[INET6_ADDRSTRLEN] = "";
	const char *host = run_hosts_gateway(private, s->record.network, own);
	int r = 0;

	for (size_t i = 0; r >= 0 && i < words->len; i++)
		r = run_hosts_add(words->items[i], host, &added, err);
	if (r >= 0 && private->kind && private->host_loopback)
		buf_addf(&added, "%s\thost.containers.internal host.docker.internal\n", host);
	if (r >= 0)
		r = run_hosts_text(hostname, s->record.names.domainname,
				   private->kind ? container_network_address(private) : NULL, buf_str(&added), &text,
				   err);
	return r < 0 ? r : write_new(fd, "hosts", text.data, text.len, err);
}

static int write_resolv(const struct run_session *s, int fd, struct err *err)
{
	autobuf struct buf host = BUF_INIT(RUN_RESOLV_MAX), text = BUF_INIT(2 * RUN_RESOLV_MAX);
	const struct container_names *names = &s->record.names;
	const struct strv *servers = &names->dns;
	autorecord struct container_record other = { 0 };
	char *inside[] = { (char *)(uintptr_t)NET_NAMESERVER, NULL };
	const struct strv private = { .items = inside, .len = 1 };
	int r = fs_read_file(AT_FDCWD, run_resolv_path(), RUN_RESOLV_MAX, &host, err);

	if (r < 0 && r != -ENOENT)
		return r;
	err_clear(err);
	if (find_private(s, &other)->kind && !servers->len)
		servers = &private;
	r = run_resolv_text(buf_str(&host), servers, &names->dns_search, &names->dns_options, &text, err);
	return r < 0 ? r : write_new(fd, "resolv.conf", text.data, text.len, err);
}

static int write_files(const struct run_session *s, struct err *err)
{
	autofree char *line = NULL;
	char own[HOST_NAME_MAX + 1] = "";
	const char *hostname = s->record.hostname;
	autoclose int fd = -1;
	int r;

	if (!hostname && gethostname(own, sizeof(own) - 1) < 0)
		return err_errno(err, errno, "read the host's name");
	if (!hostname)
		hostname = own;
	line = str_format("%s\n", hostname);
	if (!line)
		return err_oom(err);
	fd = run_open_files(s, err);
	if (fd < 0)
		return fd;
	r = write_hosts(s, fd, hostname, err);
	if (r >= 0)
		r = write_resolv(s, fd, err);
	return r < 0 ? r : write_new(fd, "hostname", line, strlen(line), err);
}

int run_open_network(struct run_session *s, struct err *err)
{
	autoclose int fd = s->record.private_network.kind ? run_open_files(s, err) : -1;
	uint64_t start = time_now_us();
	int r;

	if (!s->record.private_network.kind)
		return 0;
	r = fd < 0 ? fd : run_network_open(&s->network, fd, err);
	run_report(s, start, "take the published ports", "socket(); bind(); listen()",
		   "on the host; the helper gets the sockets");
	return r;
}

/* Where our own id is none of the container's, they become its root's, as they are everywhere else. */
static int give_to_root(void *arg, struct err *err)
{
	static const char *const names[] = { "hosts", "hostname", "resolv.conf" };
	const int *fd = arg;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (fchownat(*fd, names[i], 0, 0, AT_SYMLINK_NOFOLLOW) < 0)
			return err_errno(err, errno, "set the owner of the container's '%s'", names[i]);
	return 0;
}

static int give_files(const struct run_session *s, struct err *err)
{
	autoclose int fd = run_open_files(s, err);

	return fd < 0 ? fd : userns_run(&s->ids, 0, give_to_root, &fd, err);
}

int run_write_name_files(const struct run_session *s, struct err *err)
{
	uint64_t start = time_now_us();
	int r = write_files(s, err);

	if (r >= 0 && s->keep.is_auto)
		r = give_files(s, err);

	run_report(s, start, "write hosts, hostname, resolv.conf", "open(…, O_CREAT | O_EXCL), write()",
		   "its own names; bound over the image's files");
	return r;
}
