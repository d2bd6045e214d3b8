#include "cli/container/mounts_print.h"

#include "base/str.h"

#include <string.h>

/* Is A the folder of B, or a folder above it? */
static bool is_above(const char *a, const char *b)
{
	size_t len = strlen(a);

	return len > 1 && strncmp(a, b, len) == 0 && b[len] == '/';
}

/* How many of the other mounts M lies in, and the part of its path behind the innermost. */
static int depth_of(const struct container_mounts *all, size_t at, const char **ret_name)
{
	const char *target = all->items[at].target;
	size_t longest = 1;
	int depth = 1;

	for (size_t i = 0; i < all->len; i++) {
		if (i == at || !is_above(all->items[i].target, target))
			continue;
		depth++;
		if (strlen(all->items[i].target) + 1 > longest)
			longest = strlen(all->items[i].target) + 1;
	}
	*ret_name = target + longest;
	return depth;
}

static void print_part(FILE *out, const struct container_mount *m)
{
	fprintf(out, "    %-22s %-8s %s: %s\n", "", m->type, m->source, m->note);
}

static void print_mount(FILE *out, const struct container_mounts *all, size_t at)
{
	const struct container_mount *m = &all->items[at];
	const char *name = m->target;
	char left[80];
	int depth = strcmp(m->target, "/") == 0 ? 0 : depth_of(all, at, &name);

	snprintf(left, sizeof(left), "%*s%s", 2 * depth, "", name);
	fprintf(out, "%-26s %-8s %-2s %s%s%s\n", left, m->type, m->read_only ? "ro" : "rw", m->source,
		*m->note ? "  " : "", m->note);
}

void mounts_print(FILE *out, const struct container_mounts *mounts)
{
	for (size_t i = 0; i < mounts->len; i++) {
		if (*mounts->items[i].target)
			print_mount(out, mounts, i);
		else
			print_part(out, &mounts->items[i]);
	}
}
