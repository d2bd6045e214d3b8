#include "base/num.h"
#include "cli/command.h"
#include "engine/container/diff_of.h"

#include <sys/stat.h>
#include <unistd.h>

struct diff_options {
	bool size;
};

static const struct option diff_table[] = {
	OPTION_FLAG("size", 's', struct diff_options, size, "with the sizes of files"),
	OPTION_END,
};

struct printer {
	bool size, color, headers;
};

/* A container has one list, as with docker; an image has one for each layer, under a line that says which. */
static int on_layer(const struct diff_layer_info *info, void *arg, struct err *err)
{
	const struct printer *p = arg;

	(void)err;
	if (!info->number)
		return 0;
	printf("%s%slayer %zu of %zu  %.19s  %s%s\n", info->number > 1 ? "\n" : "", p->color ? "\033[1m" : "",
	       info->number, info->count, info->diff_id, info->created_by ? info->created_by : "",
	       p->color ? "\033[0m" : "");
	return 0;
}

static const char *kind_color(const struct printer *p, char kind)
{
	if (!p->color)
		return "";
	return kind == 'A' ? "\033[32m" : kind == 'D' ? "\033[31m" : "\033[33m";
}

/* Names are bytes of someone else's choosing: what a terminal would take for commands is shown as a question mark. */
static void print_path(const char *path)
{
	for (; *path; path++)
		putchar((unsigned char)*path < ' ' || *path == 0x7f ? '?' : *path);
}

static int on_entry(const struct diff_entry *entry, void *arg, struct err *err)
{
	const struct printer *p = arg;

	(void)err;
	printf("%s%c%s ", kind_color(p, entry->kind), entry->kind, p->color ? "\033[0m" : "");
	if (p->size) {
		char size[16] = "";

		if (S_ISREG(entry->mode))
			num_format_size(entry->size, size);
		printf("%9s ", size);
	}
	print_path(entry->path);
	putchar('\n');
	return 0;
}

static int run_diff(const void *options, const struct strv *args, struct err *err)
{
	const struct diff_options *o = options;
	struct printer p = { .size = o->size, .color = isatty(STDOUT_FILENO) && !getenv("NO_COLOR") };
	struct diff_callbacks callbacks = { on_layer, on_entry, &p };
	autoengine struct engine e = { 0 };

	if (engine_open(global_options.root, global_options.runroot, &e, err) < 0 ||
	    engine_diff(&e, args->items[0], &callbacks, err) < 0)
		return -1;
	return 0;
}

const struct command cmd_diff = {
	.name = "diff",
	.group = "Insight",
	.summary = "show what a container changed, or what each layer of an image did",
	.usage = "CONTAINER|IMAGE",
	.description = "A: added, C: changed, D: deleted. What is shown is the overlay's upper folder (for an image: "
		       "each layer's folder) "
		       "against the layers below it.",
	.examples = "$ cloche diff web\n$ cloche diff debian:bookworm",
	.complete = "container",
	.options = diff_table,
	.options_size = sizeof(struct diff_options),
	.min_args = 1,
	.max_args = 1,
	.run = run_diff,
};
