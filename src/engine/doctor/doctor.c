#include "engine/doctor/doctor.h"

#include "base/cleanup.h"
#include "engine/doctor/check.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const char *doctor_state_name(enum doctor_state state)
{
	static const char *const names[] = { "ok", "less", "missing", "fatal" };

	return names[state];
}

void doctor_report_done(struct doctor_report *r)
{
	for (size_t i = 0; i < r->len; i++) {
		free(r->items[i].found);
		free(r->items[i].used);
		free(r->items[i].cost);
		free(r->items[i].remedy);
	}
	free(r->items);
	*r = (struct doctor_report){ 0 };
}

static int copy(const char *text, char **ret)
{
	*ret = text && *text ? strdup(text) : NULL;
	return text && *text && !*ret ? -ENOMEM : 0;
}

int doctor_add(struct doctor *d, const char *name, enum doctor_state state, const char *found, const char *used,
	       const char *cost, const char *remedy)
{
	struct doctor_finding f = { .name = name, .state = state };

	if (copy(found, &f.found) < 0 || copy(used, &f.used) < 0 || copy(cost, &f.cost) < 0 ||
	    copy(remedy, &f.remedy) < 0 || doctor_report_push(d->report, f) < 0) {
		free(f.found);
		free(f.used);
		free(f.cost);
		free(f.remedy);
		return -ENOMEM;
	}
	return 0;
}

void doctor_read(const char *path, char *dst, size_t size)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, dst, size - 1);

	dst[n > 0 ? n : 0] = '\0';
	dst[strcspn(dst, "\n")] = '\0';
}

int doctor_try(int (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return -errno;
	if (pid == 0)
		_exit(-fn(arg) & 0xff);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFSIGNALED(status))
		return -EIO;
	return -WEXITSTATUS(status);
}

int doctor_run(const struct store_options *store, struct doctor_report *ret, struct err *err)
{
	static int (*const checks[])(struct doctor * d) = {
		doctor_check_kernel,  doctor_check_userns,  doctor_check_ids,	   doctor_check_namespaces,
		doctor_check_proc,    doctor_check_overlay, doctor_check_store,	   doctor_check_runroot,
		doctor_check_cgroups, doctor_check_seccomp, doctor_check_landlock, doctor_check_memfd,
		doctor_check_devices,
	};
	struct doctor_report report = { 0 };
	struct doctor d = { .report = &report };
	struct store_options where = *store;
	autostore struct store *s = NULL;
	int r = idmap_detect(&d.ids, err);

	if (r < 0)
		return r;
	where.single = d.ids.mode == ID_MODE_SINGLE;
	r = store_open(&where, &s, err);
	if (r < 0)
		return r;
	d.store = s;
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		if (checks[i](&d) < 0) {
			doctor_report_done(&report);
			return err_oom(err);
		}
	}
	*ret = report;
	return 0;
}
