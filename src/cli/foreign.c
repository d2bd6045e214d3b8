#include "cli/foreign.h"

#include <stddef.h>
#include <string.h>

static const char no_registry[] =
	"registries come with a later version; until then 'cloche load' takes what docker save, "
	"podman save or skopeo copy wrote, and 'cloche import' a root file system";
static const char no_networks[] =
	"networks with names come with a later version; 'cloche run --network' takes private, none, "
	"host and container:NAME";
static const char no_cluster[] = "Cloche runs containers on one machine; Kubernetes and Nomad spread them over many";
static const char no_daemon[] = "there is no daemon, so there is nothing to start, to stop or to connect to";
static const char no_pods[] =
	"pods come with a later version; '--network', '--pid' and '--ipc container:NAME' share namespaces";

/* Two words where the first alone is a group of ours, else one. */
static const struct {
	const char *words, *hint;
} hints[] = {
	{ "search", no_registry },
	{ "manifest", no_registry },
	{ "info", "'cloche doctor' says what this machine offers and what is used" },
	{ "system info", "'cloche doctor' says what this machine offers and what is used" },
	{ "ls", "'cloche ps' lists containers, 'cloche images' lists images" },
	{ "list", "'cloche ps' lists containers, 'cloche images' lists images" },
	{ "delete", "'cloche rm' removes containers, 'cloche rmi' removes images" },
	{ "remove", "'cloche rm' removes containers, 'cloche rmi' removes images" },
	{ "untag", "'cloche rmi NAME' takes a name away; the image goes with its last name" },
	{ "shell", "'cloche exec -it CONTAINER sh', or 'cloche debug CONTAINER' where it has no shell" },
	{ "nsenter", "'cloche enter CONTAINER --ns net,pid COMMAND'" },
	{ "unshare", "'cloche run' makes the namespaces; 'cloche namespaces' shows which" },
	{ "mount",
	  "'cloche export' and 'cloche cp' read a container's files, 'cloche inspect --mounts' shows its mounts" },
	{ "umount", "nothing of a container is mounted outside of it" },
	{ "unmount", "nothing of a container is mounted outside of it" },
	{ "image tree", "'cloche inspect --layers IMAGE'" },
	{ "dive", "'cloche inspect --layers IMAGE'" },
	{ "network", no_networks },
	{ "network create", no_networks },
	{ "pod", no_pods },
	{ "kube", no_pods },
	{ "play", no_pods },
	{ "compose", "'cloche run' starts one container at a time; Compose files come with a later version" },
	{ "buildx", "'cloche build' takes BuildKit's Dockerfiles as they are" },
	{ "bud", "'cloche build'" },
	{ "swarm", no_cluster },
	{ "service", no_cluster },
	{ "stack", no_cluster },
	{ "node", no_cluster },
	{ "secret", "a container reads a file: -v FILE:/run/secrets/NAME:ro" },
	{ "config", "a container reads a file: -v FILE:/etc/NAME:ro" },
	{ "context", no_daemon },
	{ "daemon", no_daemon },
	{ "machine", "there is no virtual machine to manage: containers run on this kernel" },
	{ "plugin", "there are no plugins" },
	{ "trust", "signatures come with registries, in a later version" },
	{ "checkpoint",
	  "checkpoint and restore come with a later version; 'cloche pause' holds a container where it is" },
	{ "restore", "checkpoint and restore come with a later version" },
	{ "auto-update", "'cloche generate systemd' makes units; new images are taken at the next start" },
};

static int matches(const char *words, const char *first, const char *second)
{
	size_t len = strlen(first);

	if (strncmp(words, first, len) != 0)
		return 0;
	return words[len] == '\0' || (second && words[len] == ' ' && strcmp(words + len + 1, second) == 0);
}

const char *foreign_command_hint(const char *first, const char *second)
{
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
		if (matches(hints[i].words, first, second))
			return hints[i].hint;
	return NULL;
}
