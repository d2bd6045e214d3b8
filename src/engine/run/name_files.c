/* The files of name service of a life: what hosts.c makes of the record and the host's own, in <runroot>/files/<id>. */
#include "engine/run/session.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "engine/run/hosts.h"
#include "sys/fs.h"

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

static int make_files_dir(const struct run_session *s, struct err *err)
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

/* The host's address as the container reaches it; NULL without a network. */
static const char *gateway(const struct run_session *s)
{
	const char *network = s->record.network;

	return network && strcmp(network, "host") == 0 ? "127.0.0.1" : NULL;
}

static int write_hosts(const struct run_session *s, int fd, const char *hostname, struct err *err)
{
	autobuf struct buf added = BUF_INIT(RUN_HOSTS_MAX), text = BUF_INIT(2 * RUN_HOSTS_MAX);
	const struct strv *words = &s->record.names.add_hosts;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < words->len; i++)
		r = run_hosts_add(words->items[i], gateway(s), &added, err);
	if (r >= 0)
		r = run_hosts_text(hostname, s->record.names.domainname, buf_str(&added), &text, err);
	return r < 0 ? r : write_new(fd, "hosts", text.data, text.len, err);
}

static int write_resolv(const struct run_session *s, int fd, struct err *err)
{
	autobuf struct buf host = BUF_INIT(RUN_RESOLV_MAX), text = BUF_INIT(2 * RUN_RESOLV_MAX);
	const struct container_names *names = &s->record.names;
	int r = fs_read_file(AT_FDCWD, "/etc/resolv.conf", RUN_RESOLV_MAX, &host, err);

	if (r < 0 && r != -ENOENT)
		return r;
	err_clear(err);
	r = run_resolv_text(buf_str(&host), &names->dns, &names->dns_search, &names->dns_options, &text, err);
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
	fd = make_files_dir(s, err);
	if (fd < 0)
		return fd;
	r = write_hosts(s, fd, hostname, err);
	if (r >= 0)
		r = write_resolv(s, fd, err);
	return r < 0 ? r : write_new(fd, "hostname", line, strlen(line), err);
}

int run_write_name_files(const struct run_session *s, struct err *err)
{
	uint64_t start = time_now_us();
	int r = write_files(s, err);

	run_report(s, start, "write hosts, hostname, resolv.conf", "open(…, O_CREAT | O_EXCL), write()",
		   "its own names; bound over the image's files");
	return r;
}
