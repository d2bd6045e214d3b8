#include "engine/run/network.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"
#include "engine/container/network.h"
#include "engine/run/hosts.h"
#include "net/addresses.h"
#include "net/ports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- words --- */

/* docker's and podman's, and what they are here. */
static const struct {
	const char *word, *kind;
} kinds[] = {
	{ "private", "slirp" }, { "default", "slirp" },	    { "bridge", "slirp" },
	{ "nat", "slirp" },	{ "slirp4netns", "slirp" }, { "slirp", "slirp" },
};

static int parse_bool(const char *value, bool *ret)
{
	*ret = strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
	return *ret || strcmp(value, "false") == 0 || strcmp(value, "0") == 0 ? 0 : -EINVAL;
}

static int parse_option(const char *option, struct container_network *n, struct err *err)
{
	const char *value;
	uint32_t mtu;

	if (strcmp(option, "host-loopback") == 0) {
		n->host_loopback = true;
		return 0;
	}
	value = str_skip_prefix(option, "allow_host_loopback=");
	if (value && parse_bool(value, &n->host_loopback) == 0)
		return 0;
	value = str_skip_prefix(option, "mtu=");
	if (value && num_parse_u32(value, NET_MTU, &mtu) == 0 && mtu >= NET_MTU_MIN) {
		n->mtu = mtu;
		return 0;
	}
	if (value)
		return err_set(err, EINVAL, "mtu: a number from %d to %d", NET_MTU_MIN, NET_MTU);
	err_set(err, EINVAL, "'%s' is no option of a private network", option);
	return err_hint(err, "there are host-loopback and mtu=BYTES");
}

static int parse_options(const char *text, struct container_network *n, struct err *err)
{
	autofree char *copy = strdup(text);
	char *rest = copy, *option;
	int r = 0;

	if (!copy)
		return err_oom(err);
	while (r >= 0 && (option = strsep(&rest, ",")))
		r = parse_option(option, n, err);
	return r;
}

int run_network_parse(const char *word, struct container_network *ret, struct err *err)
{
	size_t len = word ? strcspn(word, ":") : 0;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (word && (strlen(kinds[i].word) != len || memcmp(kinds[i].word, word, len) != 0))
			continue;
		r = word && word[len] ? parse_options(word + len + 1, ret, err) : 0;
		if (r < 0)
			return err_wrap(err, "--network '%s'", word);
		free(ret->kind);
		ret->kind = strdup(kinds[i].kind);
		return ret->kind ? 1 : err_oom(err);
	}
	return 0;
}

/* --- the record --- */

static int copy_string(const char *from, char **to)
{
	free(*to);
	*to = from ? strdup(from) : NULL;
	return from && !*to ? -ENOMEM : 0;
}

/* What makes sense only with a network of the container's own. */
static int refuse_without(const struct run_options *o, struct err *err)
{
	const struct {
		bool said;
		const char *option;
	} options[] = {
		{ o->publish.len > 0, "--publish" },
		{ o->publish_all, "--publish-all" },
		{ o->ip, "--ip" },
		{ o->ip6, "--ip6" },
		{ o->mac_address, "--mac-address" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (!options[i].said)
			continue;
		err_set(err, EINVAL, "%s: with --network %s there is nothing to do it to", options[i].option,
			o->network);
		return err_hint(err, strcmp(o->network, "host") == 0
					     ? "with the host's network, the program's ports are the host's already"
					     : "it needs --network private, which is the default");
	}
	return 0;
}

static int set_exposed(const struct run_options *o, const struct image_config *image, struct container_network *n,
		       struct err *err)
{
	struct port_list list = { 0 };
	int r = 0, bad = 0;

	for (size_t i = 0; r >= 0 && i < o->expose.len; i++) {
		r = ports_parse_expose(o->expose.items[i], &list, err);
		bad |= strv_add(&n->expose, o->expose.items[i]);
	}
	/* An image's word that means nothing here (sctp) keeps nobody from running it. */
	for (size_t i = 0; image && i < image->exposed_ports.len; i++)
		if (ports_parse_expose(image->exposed_ports.items[i], &list, NULL) >= 0)
			bad |= strv_add(&n->expose, image->exposed_ports.items[i]);
	free(list.items);
	return bad && r >= 0 ? err_oom(err) : r;
}

static int wanted_ports(const struct container_network *n, struct port_list *ret, struct err *err)
{
	struct port_list exposed = { 0 };
	int r = 0;

	for (size_t i = 0; r >= 0 && i < n->publish.len; i++)
		r = ports_parse_publish(n->publish.items[i], ret, err);
	for (size_t i = 0; n->publish_all && r >= 0 && i < n->expose.len; i++)
		r = ports_parse_expose(n->expose.items[i], &exposed, err);
	for (size_t i = 0; r >= 0 && i < exposed.len; i++) {
		struct port p = exposed.items[i];

		if (ports_has(ret, &p))
			continue;
		r = port_list_push(ret, p) < 0 ? err_oom(err) : 0;
		p.is_ipv6 = true;
		if (r >= 0 && port_list_push(ret, p) < 0)
			r = err_oom(err);
	}
	free(exposed.items);
	return r;
}

static struct net_options helper_options(const struct container_network *n)
{
	return (struct net_options){
		.host_loopback = n->host_loopback,
		.mac = n->mac,
		.address = n->address,
		.address6 = n->address6,
		.resolv = run_resolv_path(),
		.mtu = (unsigned)n->mtu,
	};
}

int run_network_record(const struct run_options *o, const struct image_config *image, struct container_network *ret,
		       struct err *err)
{
	struct port_list ports = { 0 };
	struct net_options options;
	int r = run_network_parse(o->network, ret, err);

	if (r == 0)
		r = refuse_without(o, err);
	if (r >= 0 && (copy_string(o->ip, &ret->address) < 0 || copy_string(o->ip6, &ret->address6) < 0 ||
		       copy_string(o->mac_address, &ret->mac) < 0 || strv_add_all(&ret->publish, &o->publish) < 0))
		r = err_oom(err);
	ret->publish_all = o->publish_all;
	if (r >= 0)
		r = set_exposed(o, image, ret, err);
	if (r >= 0)
		r = wanted_ports(ret, &ports, err);
	free(ports.items);
	options = helper_options(ret);
	return r < 0 ? r : net_options_check(&options, err);
}

/* --- a life --- */

int run_network_begin(struct network_life *n, const struct container_network *record, struct err *err)
{
	n->record = record;
	/* That of the life before has ended, or is about to. */
	if (n->helper.process.pidfd >= 0 && n->helper.control < 0)
		net_helper_done(&n->helper);
	if (!record->kind || n->helper.process.pidfd >= 0)
		return 0;
	return net_helper_spawn(&n->helper, err);
}

int run_network_open(struct network_life *n, int files_dir, struct err *err)
{
	CLEANUP(net_listeners_done) struct net_listeners listeners = { 0 };
	struct net_options options;
	struct port_list ports = { 0 };
	autoclose int life = -1;
	int r;

	if (n->helper.process.pidfd < 0)
		return 0;
	options = helper_options(n->record);
	r = wanted_ports(n->record, &ports, err);
	if (r >= 0)
		r = net_listen(&ports, &listeners, err);
	free(ports.items);
	if (r >= 0 && files_dir >= 0)
		r = life = container_network_write(files_dir, &listeners, err);
	return r < 0 ? r : net_helper_configure(&n->helper, &options, &listeners, life, err);
}

int run_network_attach(int netns, int pidfd, void *arg, struct err *err)
{
	struct network_life *n = arg;

	return net_helper_attach(&n->helper, netns, pidfd, err);
}

int run_network_wait(void *arg, struct err *err)
{
	struct network_life *n = arg;

	return net_helper_ready(&n->helper, err);
}

void run_network_leave(struct network_life *n)
{
	if (n->helper.process.pidfd >= 0)
		close(n->helper.process.pidfd);
	if (n->helper.control >= 0)
		close(n->helper.control);
	n->helper = NET_HELPER_INIT;
}

void run_network_done(struct network_life *n)
{
	if (n->helper.control >= 0)
		net_helper_done(&n->helper);
	else
		run_network_leave(n);
}
