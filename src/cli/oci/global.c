#include "cli/oci/global.h"

#include <errno.h>
#include <string.h>

struct oci_globals oci_globals;

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

int oci_globals_check(struct err *err)
{
	static const char *const formats[] = { "text", "json", NULL };
	static const char *const managers[] = { "cgroupfs", "systemd", "disabled", NULL };
	static const char *const answers[] = { "true", "false", "auto", NULL };
	const struct oci_globals *g = &oci_globals;

	if (g->log_format && !is_one_of(g->log_format, formats))
		return err_set(err, EINVAL, "--log-format '%s': text or json", g->log_format);
	if (g->cgroup_manager && !is_one_of(g->cgroup_manager, managers))
		return err_set(err, EINVAL, "--cgroup-manager '%s': cgroupfs, systemd or disabled", g->cgroup_manager);
	if (g->rootless && !is_one_of(g->rootless, answers))
		return err_set(err, EINVAL, "--rootless '%s': true, false or auto", g->rootless);
	return oci_log_check(err);
}

int oci_open_root(struct err *err)
{
	return life_open_root(oci_globals.root, NULL, err);
}

int oci_set_group(struct life_create *c, struct err *err)
{
	const struct oci_globals *g = &oci_globals;
	bool is_auto = !g->rootless || strcmp(g->rootless, "auto") == 0;

	c->no_group = g->cgroup_manager && strcmp(g->cgroup_manager, "disabled") == 0;
	c->needs_slice = g->systemd_cgroup || (g->cgroup_manager && strcmp(g->cgroup_manager, "systemd") == 0);
	if (c->no_group && g->systemd_cgroup)
		return err_set(err, EINVAL, "--systemd-cgroup contradicts --cgroup-manager disabled");
	c->group_optional = is_auto ? !life_is_privileged() : strcmp(g->rootless, "true") == 0;
	return 0;
}
