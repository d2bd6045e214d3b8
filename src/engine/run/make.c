/* `create`: a container on disk, to be started later. */
#include "base/cleanup.h"
#include "base/timefmt.h"
#include "engine/run/session.h"

#include <string.h>

int create_container(const struct store_options *store, const struct run_options *options, const char *image,
		     const struct strv *args, const struct run_callbacks *callbacks,
		     char ret_id[static CONTAINER_ID_MAX], struct err *err)
{
	CLEANUP(run_session_done) struct run_session s = RUN_SESSION_INIT(callbacks);
	const struct run_order order = { options, image, args };
	int r = run_create_check(&s, options, err);

	if (r >= 0)
		r = run_session_open(&s, store, err);
	if (r >= 0)
		r = run_create_begin(&s, &order, err);
	if (r >= 0)
		r = run_create_finish(&s, err);
	/* What could not be made whole is not there at all. */
	if (r < 0)
		run_end(&s, 125, err);
	if (s.store)
		store_settle(s.store);
	container_live_done(&s.live);
	if (r >= 0)
		memcpy(ret_id, s.id, CONTAINER_ID_MAX);
	return r;
}
