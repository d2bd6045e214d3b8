/*
 * Runs an OCI bundle by the runtime layer alone, for tests of that layer:
 *
 *     run_bundle [-d] [-i] [-t] [-T] [-w] [-s] [-o LOWER:LOWER…,UPPER,WORK] BUNDLE [COMMAND [ARG...]]
 *
 * -i our init stays; -t trace the steps on stderr; -T with a terminal; -w create and start in two; -o overlay;
 * COMMAND replaces process.args. With -d the default spec is written to BUNDLE/config.json first; -s: and no more.
 */
#include "base/cleanup.h"
#include "cgroup/group.h"
#include "runtime/console.h"
#include "runtime/default_spec.h"
#include "runtime/runtime.h"
#include "sys/fs.h"
#include "sys/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_step(const struct runtime_step *step, void *arg)
{
	(void)arg;
	fprintf(stderr, "%7.1f us  %-32s %s%s%s\n", (double)step->ns / 1000, step->what, step->call,
		step->effect[0] ? "  -- " : "", step->effect);
}

static int fail(const struct err *err, int code)
{
	err_print(stderr, err);
	return code;
}

/* "a:b,upper,work" */
static void parse_overlay(char *text, struct runtime_overlay *o, const char **lowers)
{
	char *upper = strchr(text, ','), *work = upper ? strchr(upper + 1, ',') : NULL;

	if (work) {
		*upper = *work = '\0';
		o->upper = upper + 1;
		o->work = work + 1;
	}
	for (char *p = strtok(text, ":"); p; p = strtok(NULL, ":"))
		lowers[o->lowers_len++] = p;
	o->lowers = lowers;
	o->is_volatile = true;
}

static int write_default(int bundle, struct err *err)
{
	autobuf struct buf text = BUF_INIT(1 << 20);
	CLEANUP(oci_spec_done) struct oci_spec spec = { 0 };
	struct idmap ids;
	int r = idmap_detect(&ids, err);

	if (r == 0)
		r = default_spec_init(&ids, &spec, err);
	if (r == 0)
		r = default_spec_set_seccomp(&spec, NULL, err);
	if (r == 0)
		r = strv_add(&spec.process.args, "/bin/sh") < 0 ? err_oom(err) : 0;
	if (r == 0)
		r = oci_spec_write(&spec, &text, err);
	return r < 0 ? r : fs_write_file(bundle, "config.json", text.data, text.len, 0644, 0, err);
}

static int load(const char *bundle, bool defaults, char **command, struct oci_spec *spec, struct err *err)
{
	autoclose int dir = open(bundle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = dir < 0 ? err_errno(err, errno, "open '%s'", bundle) : 0;

	if (r == 0 && defaults)
		r = write_default(dir, err);
	if (r == 0)
		r = oci_spec_read(dir, "config.json", spec, err);
	if (r == 0 && *command)
		strv_done(&spec->process.args);
	for (; r == 0 && *command; command++)
		r = strv_add(&spec->process.args, *command);
	return r;
}

static char group_record[65536];

static int on_group(const char *record, void *arg, struct err *err)
{
	(void)arg;
	(void)err;
	snprintf(group_record, sizeof(group_record), "%s", record);
	return 0;
}

static void remove_group(void)
{
	autocgroup struct cgroup g = { 0 };

	if (cgroup_parse_record(group_record, &g) == 0)
		cgroup_remove(&g, NULL);
}

static int run(const struct oci_spec *spec, const struct runtime_options *options, bool two, int *ret_status,
	       struct err *err)
{
	CLEANUP(container_process_done) struct container_process p = CONTAINER_PROCESS_INIT;
	struct console_options console = { .in = 0, .out = 1, .interactive = true, .pass_signals = true };
	int r;

	signals_hold();
	r = two ? runtime_create(spec, options, &p, err) : runtime_run(spec, options, &p, err);

	if (r == 0 && two)
		r = runtime_start(&p, spec, options, err);
	return r < 0 ? r : console_run(&p, &console, ret_status, err);
}

int main(int argc, char **argv)
{
	struct runtime_options options = RUNTIME_OPTIONS_INIT;
	CLEANUP(oci_spec_done) struct oci_spec spec = { 0 };
	struct runtime_overlay overlay = { 0 };
	const char *lowers[RUNTIME_LOWERS_MAX];
	bool two = false, defaults = false, terminal = false, stop = false;
	int opt, code = 125, status = 0;
	struct err err = { 0 };

	fs_hold_standard_fds();
	while ((opt = getopt(argc, argv, "+itTwdso:")) != -1) {
		if (opt == 'i')
			options.init = true;
		else if (opt == 't')
			options.on_step = print_step;
		else if (opt == 'T')
			terminal = true;
		else if (opt == 'w')
			two = true;
		else if (opt == 'd')
			defaults = true;
		else if (opt == 's')
			stop = true;
		else if (opt == 'o')
			parse_overlay(optarg, &overlay, lowers);
		else
			return 125;
	}
	if (optind >= argc)
		return 125;
	options.bundle = argv[optind];
	options.exit_code = &code;
	options.on_group = on_group;
	if (overlay.lowers_len)
		options.overlay = &overlay;
	if (load(argv[optind], defaults, argv + optind + 1, &spec, &err) < 0)
		return fail(&err, 125);
	if (stop)
		return 0;
	spec.process.terminal = spec.process.terminal || terminal;
	if (run(&spec, &options, two, &status, &err) < 0)
		return fail(&err, code);
	remove_group();
	return container_exit_code(status);
}
