/* Pages of the help and the manual about what concerns several commands. */
#include "cli/command.h"

#include <string.h>

static const struct command network = {
	.name = "network",
	.summary = "how a container reaches the world, and the world it",
	.description = "A container has a private network of its own unless --network says otherwise. What goes out is "
		       "sent by an "
		       "ordinary program of yours, so no rights are needed; nothing comes in but by the ports that you "
		       "publish. "
		       "Names are looked up by the host's name servers.\n\n"
		       "private: the default; docker's 'bridge' is the same here\n"
		       "private:host-loopback: it also reaches what listens on the host's 127.0.0.1, as "
		       "host.containers.internal\n"
		       "host: the host's network itself\n"
		       "none: a loopback and nothing else\n"
		       "container:NAME: that of another container\n\n"
		       "Networks that several containers join by name come with a later version; until then "
		       "--network container:NAME puts them into one, where they reach each other at 127.0.0.1.",
	.examples =
		"# a web server's port 80 is port 8080 of this machine\n$ cloche run -d --name web -p 8080:80 nginx\n"
		"# for this machine only\n$ cloche run -d --name web -p 127.0.0.1:8080:80 nginx\n"
		"# a free port; which one?\n$ cloche run -d --name web -p 80 nginx\n$ cloche port web\n"
		"# no network at all, for what you don't trust\n$ cloche run --rm --network none busybox sh\n"
		"# the host's tools in a container's network\n$ cloche enter web --ns net ss -tlnp",
	.see_also = "run, port, enter, debug",
};

static const struct command volume = {
	.name = "volume",
	.summary = "files that outlive a container, or that it shares with the host",
	.description = "What a container writes goes with it when it is removed. -v SOURCE:TARGET shows it something "
		       "that stays: a "
		       "folder or file of the host, if SOURCE has a slash (./data, /srv/www), else the volume of that "
		       "name, a folder "
		       "of the store that containers share. Volumes are made when they are first named, and filled "
		       "with what the "
		       "image has at that place.\n\n"
		       "Behind a further colon: ro (it can't write there), O (it may write, and what it writes is "
		       "thrown away), U (the "
		       "files become its user's). --mount says the same in words, and more.",
	.examples = "# a folder of ours\n$ cloche run --rm -v ./src:/src:ro busybox ls /src\n"
		    "# a volume, from one container to the next\n$ cloche run -d --name db -v data:/var/lib/db "
		    "image-of-a-db\n"
		    "# what is in it\n$ cloche run --rm -v data:/d busybox ls /d\n"
		    "# who made it, where it lies\n$ cloche volume inspect data\n"
		    "# remove those that no container has\n$ cloche volume prune --all",
	.see_also = "volume create, volume ls, volume prune, run, inspect, cp",
};

static const struct command ids = {
	.name = "ids",
	.summary = "who root and the other users of a container are on this machine",
	.description = "In each container you are root, over the container only. Outside, its files and processes are "
		       "yours. There are "
		       "three cases; 'cloche doctor' says which is yours.\n\n"
		       "With a range of ids in /etc/subuid, the container's users are ids of that range. Without one, "
		       "all of them are "
		       "you: the owners that files should have are kept beside them, and the few system calls that "
		       "would fail are "
		       "answered by Cloche. Started by root, ids are the same inside and outside, and root's powers "
		       "end at the "
		       "container's namespaces all the same.\n\n"
		       "--userns keep-id makes you the same user inside as outside, so that files in a shared folder "
		       "have the same "
		       "owner on both sides.",
	.examples = "# you inside, you outside\n$ cloche run --rm --userns keep-id -v .:/work -w /work busybox id\n"
		    "# as another user of the image\n$ cloche run --rm -u nobody busybox id\n"
		    "# which maps a container has\n$ cloche namespaces web\n"
		    "# what this machine has\n$ cloche doctor",
	.see_also = "run, namespaces, doctor",
};

const struct command *const all_topics[] = { &network, &volume, &ids, NULL };

const struct command *topic_find(const char *name)
{
	for (size_t i = 0; all_topics[i]; i++)
		if (strcmp(all_topics[i]->name, name) == 0)
			return all_topics[i];
	return NULL;
}
