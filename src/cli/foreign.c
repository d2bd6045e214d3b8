#include "cli/foreign.h"

#include "base/cleanup.h"
#include "base/nearest.h"
#include "base/str.h"
#include "cli/command.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static const char no_networks[] =
	"networks with names come with a later version; 'cloche run --network' takes private, none, "
	"host and container:NAME ('cloche help network')";
static const char no_cluster[] = "Cloche runs containers on one machine; Kubernetes and Nomad spread them over many";
static const char no_daemon[] = "there is no daemon, so there is nothing to start, to stop or to connect to";
static const char no_pods[] =
	"pods come with a later version; '--network', '--pid' and '--ipc container:NAME' share namespaces";

/* Two words where the first alone is a group of ours, else one. */
static const struct {
	const char *words, *hint;
} hints[] = {
	{ "skopeo", "'cloche copy' and 'cloche inspect docker://NAME' do what skopeo does" },
	{ "info", "'cloche doctor' says what this machine offers and what is used" },
	{ "system info", "'cloche doctor' says what this machine offers and what is used" },
	{ "ls", "'cloche ps' lists containers, 'cloche images' lists images" },
	{ "list", "'cloche ps' lists containers, 'cloche images' lists images" },
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
	{ "buildx", "'cloche build' takes BuildKit's Dockerfiles as they are, and 'cloche buildx build' is the same" },
	{ "bud", "'cloche build'" },
	{ "swarm", no_cluster },
	{ "service", no_cluster },
	{ "stack", no_cluster },
	{ "node", no_cluster },
	{ "secret", "a container reads a file: -v FILE:/run/secrets/NAME:ro" },
	{ "context", no_daemon },
	{ "daemon", no_daemon },
	{ "machine", "there is no virtual machine to manage: containers run on this kernel" },
	{ "plugin", "there are no plugins" },
	{ "trust", "images are not signed here; 'cloche pull NAME@sha256:…' takes exactly the one of that digest" },
	{ "scout", "no data of vulnerabilities is here; 'cloche inspect --layers IMAGE' shows what is in an image" },
	{ "scan", "no data of vulnerabilities is here; 'cloche inspect --layers IMAGE' shows what is in an image" },
	{ "sbom", "'cloche inspect --layers IMAGE' shows what is in an image" },
	{ "init", "write a Dockerfile, then 'cloche build -t NAME .'" },
	{ "desktop", no_daemon },
	{ "extension", "there are no plugins" },
	{ "model", "'cloche run' runs any program of an image" },
	{ "dial-stdio", no_daemon },
	{ "builder du", "'cloche system df' shows the size of the cache of build" },
	{ "container exists", "'cloche inspect --type container NAME' ends with 0 if there is one" },
	{ "image exists", "'cloche inspect --type image NAME' ends with 0 if there is one" },
	{ "network rm", no_networks },
	{ "system service", no_daemon },
	{ "system connection", no_daemon },
	{ "system reset", "'cloche rm -f $(cloche ps -aq)', then 'cloche system prune --all --volumes'" },
	{ "system migrate", "there is nothing to migrate" },
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

static int hint_at_command(struct err *err, const char *first, const char *second)
{
	const char *foreign = foreign_command_hint(first, second);
	autofree char *words = second ? str_format("%s %s", first, second) : NULL;
	const char *typed = words && command_is_group(first) ? words : first;
	struct nearest near = NEAREST_INIT(typed, strlen(typed));

	if (foreign)
		return err_hint(err, "%s", foreign);
	for (size_t i = 0; all_commands[i]; i++)
		if (!all_commands[i]->hidden)
			nearest_try(&near, all_commands[i]->name);
	if (near.best)
		return err_hint(err, "did you mean '%s'? 'cloche help' lists the commands", near.best);
	return err_hint(err, "'cloche help' lists the commands");
}

int unknown_command_error(int len, char *const *words, struct err *err)
{
	const char *second = len >= 2 && words[1][0] != '-' ? words[1] : NULL;

	if (command_is_group(words[0]) && second)
		err_set(err, EINVAL, "there is no command '%s %s'", words[0], second);
	else
		err_set(err, EINVAL, "there is no command '%s'", words[0]);
	return hint_at_command(err, words[0], second);
}
