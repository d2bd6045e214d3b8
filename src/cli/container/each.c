#include "cli/container/each.h"

#include "cli/command.h"

#include <stdio.h>

int cli_open_store(struct store **ret, struct err *err)
{
	struct store_options where = { .root = global_options.root, .runroot = global_options.runroot };

	return store_open(&where, ret, err);
}

int cli_each_result(const struct each *each, const char *name, int r, struct err *err)
{
	if (r < 0) {
		err_wrap(err, "%s", each->command);
		err_print(stderr, err);
		return 1;
	}
	if (!each->silent)
		puts(name);
	/* Whoever waits for one of them sees it at once. */
	fflush(stdout);
	return 0;
}

int cli_for_each(struct store *s, const struct each *each, const struct strv *names)
{
	int failed = 0;

	for (size_t i = 0; i < names->len; i++) {
		struct err err = { 0 };
		char id[CONTAINER_ID_MAX];
		int r = container_find(s, names->items[i], id, &err);

		if (r >= 0)
			r = each->do_one(s, id, names->items[i], each->arg, &err);
		failed |= cli_each_result(each, names->items[i], r, &err);
	}
	return failed;
}
