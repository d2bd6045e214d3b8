#include "engine/exec/ids.h"

#include "base/str.h"
#include "engine/container/container.h"
#include "intercept/filter.h"
#include "intercept/supervisor.h"
#include "sys/caps.h"
#include "sys/idmap.h"

#include <errno.h>
#include <string.h>

void exec_ids_done(struct exec_ids *ids)
{
	free(ids->dir);
	free(ids->filter);
	*ids = (struct exec_ids){ 0 };
}

/* Of names that the runtime has understood already. */
static cap_set caps_of(const struct strv *names)
{
	cap_set set = 0;

	for (size_t i = 0; i < names->len; i++) {
		int number = cap_from_name(names->items[i]);

		set |= number >= 0 ? CAP_BIT(number) : 0;
	}
	return set;
}

static int on_listener(int listener, pid_t pid, void *arg, struct err *err)
{
	const struct exec_ids *ids = arg;
	const struct oci_process *p = &ids->container->spec.process;
	const struct intercept_guest guest = {
		.pid = pid,
		.uid = p->user.uid,
		.gid = p->user.gid,
		.umask = p->user.has_umask ? p->user.umask & 0777 : 0022,
		.groups = p->user.additional_gids.items,
		.groups_len = p->user.additional_gids.len,
		.bounding = caps_of(&p->capabilities.bounding),
		.effective = caps_of(&p->capabilities.effective),
		.permitted = caps_of(&p->capabilities.permitted),
		.inheritable = caps_of(&p->capabilities.inheritable),
		.ambient = caps_of(&p->capabilities.ambient),
	};

	return intercept_admit(ids->dir, &guest, listener, err);
}

int exec_ids_prepare(struct exec_ids *ids, const struct running *container, struct runtime_options *options,
		     struct err *err)
{
	autorecord struct container_record record = { 0 };
	int r = container_record_read_at(container->dir_fd, container->id, &record, err);

	if (r < 0)
		return r;
	if (record.life.ids_level == 0 || !record.ids || strcmp(record.ids, id_mode_name(ID_MODE_SINGLE)) != 0)
		return 0;
	ids->container = container;
	ids->dir = str_format("%s/files/%s", container->store->runroot, container->id);
	if (!ids->dir)
		return err_oom(err);
	r = intercept_filter_build((enum intercept_level)record.life.ids_level, &ids->filter,
				   &options->notify_filter_len, err);
	if (r < 0)
		return r;
	options->notify_filter = ids->filter;
	options->on_listener = on_listener;
	options->on_listener_arg = ids;
	return 0;
}
