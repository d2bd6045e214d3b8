#include "engine/exec/check.h"

#include "base/cleanup.h"
#include "engine/container/container.h"
#include "engine/exec/exec.h"

#include <errno.h>
#include <string.h>

/* docker's forms: CMD with its words, or CMD-SHELL with a line for the shell. */
static int make_words(const struct container_health *h, struct strv *ret, struct err *err)
{
	int r = 0;

	if (h->test.len < 2)
		return err_set(err, EINVAL, "the container has no health check");
	if (strcmp(h->test.items[0], "CMD-SHELL") == 0)
		r = strv_add_all(ret, &h->shell);
	for (size_t i = 1; r >= 0 && i < h->test.len; i++)
		r = strv_add(ret, h->test.items[i]);
	return r < 0 ? err_oom(err) : 0;
}

int run_monitored_check(const struct store_options *store, const char *id, struct err *err)
{
	static const struct exec_callbacks silent = { 0 };
	autorecord struct container_record record = { 0 };
	struct exec_options options = { 0 };
	autostrv struct strv words = { 0 };
	autostore struct store *s = NULL;
	int exit_code, r = store_open(store, &s, err);

	if (r >= 0)
		r = container_record_read(s, id, &record, err);
	if (r >= 0)
		r = make_words(&record.health, &words, err);
	return r < 0 ? r : engine_exec(store, &options, id, &words, &silent, &exit_code, err);
}
