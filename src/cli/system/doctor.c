#include "base/cleanup.h"
#include "cli/command.h"
#include "engine/doctor/doctor.h"
#include "oci/json.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct doctor_options {
	const char *format;
};

static const struct option doctor_table[] = {
	OPTION_STRING("format", 0, struct doctor_options, format, "table|json", "how to print it", "table json"),
	OPTION_END,
};

static const char *mark(enum doctor_state state, bool color)
{
	static const char *const plain[] = { "ok     ", "less   ", "missing", "FATAL  " };
	static const char *const colored[] = { "\033[32mok     \033[0m", "\033[33mless   \033[0m",
					       "\033[2mmissing\033[0m", "\033[1;31mFATAL  \033[0m" };

	return color ? colored[state] : plain[state];
}

static void print_line(const char *label, const char *text)
{
	if (text)
		printf("%26s %-7s %s\n", "", label, text);
}

static void print_table(const struct doctor_report *report)
{
	bool color = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");

	for (size_t i = 0; i < report->len; i++) {
		const struct doctor_finding *f = &report->items[i];

		printf("%s  %-16s %s\n", mark(f->state, color), f->name, f->found ? f->found : "");
		print_line("used:", f->used);
		print_line("costs:", f->cost);
		print_line("remedy:", f->remedy);
	}
}

static int print_json(const struct doctor_report *report, struct err *err)
{
	autojson json_t *all = json_array();
	autobuf struct buf text = BUF_INIT(JSON_SIZE_MAX);

	for (size_t i = 0; i < report->len; i++) {
		const struct doctor_finding *f = &report->items[i];
		json_t *o = json_object();

		json_add_string(o, "name", f->name);
		json_add_string(o, "state", doctor_state_name(f->state));
		json_add_string(o, "found", f->found);
		json_add_string(o, "used", f->used);
		json_add_string(o, "cost", f->cost);
		json_add_string(o, "remedy", f->remedy);
		json_array_append_new(all, o);
	}
	if (json_write_pretty(all, &text, err) < 0)
		return -1;
	puts(buf_str(&text));
	return 0;
}

static bool has_fatal(const struct doctor_report *report)
{
	for (size_t i = 0; i < report->len; i++)
		if (report->items[i].state == DOCTOR_FATAL)
			return true;
	return false;
}

static int run_doctor(const void *options, const struct strv *args, struct err *err)
{
	const struct doctor_options *o = options;
	struct store_options store = { .root = global_options.root, .runroot = global_options.runroot };
	CLEANUP(doctor_report_done) struct doctor_report report = { 0 };

	(void)args;
	if (o->format && strcmp(o->format, "json") != 0 && strcmp(o->format, "table") != 0)
		return err_set(err, EINVAL, "--format '%s': table or json", o->format);
	if (doctor_run(&store, &report, err) < 0)
		return -1;
	if (o->format && strcmp(o->format, "json") == 0) {
		if (print_json(&report, err) < 0)
			return -1;
	} else {
		print_table(&report);
	}
	return has_fatal(&report) ? 1 : 0;
}

const struct command cmd_doctor = {
	.name = "doctor",
	.group = "Insight",
	.summary = "say what this machine offers to containers, what is used, and what each missing thing costs",
	.usage = "",
	.description = "Each check tries what a container would do, in a process of its own. The exit code is 1 if "
		       "something is "
		       "missing without which no container runs.",
	.options = doctor_table,
	.options_size = sizeof(struct doctor_options),
	.run = run_doctor,
};
