/* The words of run's options: -v, --mount, --tmpfs, --device, --ulimit, --env-file, --add-host. */
#include "tests/fuzz/fuzz.h"

#include "base/cleanup.h"
#include "engine/run/env.h"
#include "engine/run/hosts.h"
#include "engine/run/limits.h"
#include "engine/run/mounts.h"
#include "store/volumes.h"

static void check_mount(int result, struct run_mount *m)
{
	if (result >= 0) {
		FUZZ_ASSERT(m->target && m->target[0] == '/' && m->target[1]);
		FUZZ_ASSERT((m->kind != RUN_MOUNT_BIND && m->kind != RUN_MOUNT_OVERLAY) ||
			    (m->source && m->source[0] == '/'));
		FUZZ_ASSERT(m->kind != RUN_MOUNT_IMAGE || m->name);
		FUZZ_ASSERT(m->kind != RUN_MOUNT_VOLUME || !m->name || volume_name_is_valid(m->name));
		FUZZ_ASSERT(!m->subpath || m->subpath[0] != '/');
		FUZZ_ASSERT(!strstr(m->target, "/../") && !strstr(m->target, "//"));
		run_mount_done(m);
	}
}

static void check_others(const char *s)
{
	autostrv struct strv env = { 0 }, outer = { 0 };
	autobuf struct buf hosts = BUF_INIT(RUN_HOSTS_MAX);
	struct run_ulimit limit;
	struct run_device device = { 0 };

	if (run_parse_ulimit(s, &limit, NULL) >= 0)
		FUZZ_ASSERT(limit.soft <= limit.hard);
	if (run_parse_device(s, &device, NULL) >= 0)
		run_device_done(&device);
	run_env_apply_text(&env, "env", s, strlen(s), &outer, NULL);
	for (size_t i = 0; i < env.len; i++)
		FUZZ_ASSERT(strchr(env.items[i], '='));
	run_hosts_add(s, NULL, &hosts, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autofree char *s = fuzz_string(data, size);
	struct run_mount m = { 0 };

	check_mount(run_parse_volume(s, "/home/me", &m, NULL), &m);
	memset(&m, 0, sizeof(m));
	check_mount(run_parse_mount(s, "/home/me", &m, NULL), &m);
	memset(&m, 0, sizeof(m));
	check_mount(run_parse_tmpfs(s, &m, NULL), &m);
	check_others(s);
	return 0;
}
