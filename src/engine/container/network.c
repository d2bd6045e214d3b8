#include "engine/container/network.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/num.h"
#include "net/addresses.h"
#include "store/containers.h"
#include "sys/fs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MAX = PORTS_MAX * 96 };

void container_network_state_done(struct container_network_state *n)
{
	free(n->published.items);
	free(n->exposed.items);
	*n = (struct container_network_state){ 0 };
}

/* --- the file: "tcp 0.0.0.0 8080 80\n" --- */

int container_network_write(int files_dir, const struct net_listeners *ports, struct err *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	autobuf struct buf text = BUF_INIT(FILE_MAX);
	autoclose int fd = -1;
	int r;

	for (size_t i = 0; i < ports->len; i++) {
		const struct port *p = &ports->items[i].port;
		char host[INET6_ADDRSTRLEN];

		port_format_host(p, host);
		buf_addf(&text, "%s %s %u %u\n", p->is_udp ? "udp" : "tcp", host, p->host_port, p->container_port);
	}
	if (text.error)
		return err_oom(err);
	unlinkat(files_dir, "network", 0);
	fd = openat(files_dir, "network", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || fcntl(fd, F_OFD_SETLK, &lock) < 0)
		return err_errno(err, errno, "write down the network");
	r = fs_write_all(fd, buf_str(&text), text.len, err);
	return r < 0 ? r : TAKE_FD(fd);
}

static int parse_line(char *line, struct port *ret)
{
	char *protocol = strsep(&line, " "), *host = strsep(&line, " "), *first = strsep(&line, " ");
	struct port p = { 0 };
	uint32_t a, b;

	if (!protocol || !host || !first || !line || num_parse_u32(first, UINT16_MAX, &a) < 0 ||
	    num_parse_u32(line, UINT16_MAX, &b) < 0)
		return -EBADMSG;
	p.is_udp = strcmp(protocol, "udp") == 0;
	p.is_ipv6 = strchr(host, ':') != NULL;
	if (inet_pton(p.is_ipv6 ? AF_INET6 : AF_INET, host, &p.host) != 1)
		return -EBADMSG;
	p.host_port = (uint16_t)a;
	p.container_port = (uint16_t)b;
	*ret = p;
	return 0;
}

static void parse_file(char *text, struct port_list *ret)
{
	struct port p;
	char *line;

	while ((line = strsep(&text, "\n")))
		if (*line && parse_line(line, &p) == 0)
			port_list_push(ret, p);
}

static void read_live(struct store *s, const char *id, struct container_network_state *ret)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	autobuf struct buf text = BUF_INIT(FILE_MAX);
	autoclose int fd = -1;
	char path[CONTAINER_ID_MAX + 24];
	int run = store_run_fd(s, NULL);

	snprintf(path, sizeof(path), "files/%.64s/network", id);
	if (run >= 0)
		fd = openat(run, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	ret->has_network = true;
	if (fcntl(fd, F_OFD_GETLK, &lock) < 0 || fs_read_fd(fd, FILE_MAX, &text, NULL) < 0)
		return;
	ret->has_lost = lock.l_type == F_UNLCK;
	if (!ret->has_lost && text.len)
		parse_file(text.data, &ret->published);
}

void container_network_state_read(struct store *s, const struct container_record *r, bool is_running,
				  struct container_network_state *ret)
{
	*ret = (struct container_network_state){ 0 };
	for (size_t i = 0; i < r->private_network.expose.len; i++)
		ports_parse_expose(r->private_network.expose.items[i], &ret->exposed, NULL);
	if (is_running && r->private_network.kind)
		read_live(s, r->id, ret);
}

void container_network_state_of(struct store *s, const struct container_summary *summary, bool is_running,
				struct container_network_state *ret)
{
	const struct words *expose = &summary->expose;

	*ret = (struct container_network_state){ 0 };
	for (const char *word = words_next(expose, NULL); word; word = words_next(expose, word))
		ports_parse_expose(word, &ret->exposed, NULL);
	if (is_running && summary->has_private_net)
		read_live(s, summary->id, ret);
}

const char *container_network_address(const struct container_network *n)
{
	return n->address ? n->address : NET_CONTAINER;
}

const char *container_network_address6(const struct container_network *n)
{
	return n->address6 ? n->address6 : NET_CONTAINER6;
}

const char *container_network_mac(const struct container_network *n)
{
	return n->mac ? n->mac : NET_MAC;
}
