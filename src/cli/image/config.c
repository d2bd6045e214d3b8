#include "engine/image/edit.h"

#include "cli/command.h"

#include <errno.h>

struct config_words {
	const char *tag;
	struct strv clear, env, labels, annotations, ports, volumes, on_build, changes;
	const char *entrypoint, *cmd, *shell, *user, *working_dir, *stop_signal, *author, *os, *architecture, *variant;
	const char *health, *health_interval, *health_timeout, *health_start_period, *health_retries;
	const char *created, *created_by, *history_comment;
	bool no_history;
};

#define W struct config_words

static const struct option config_table[] = {
	OPTION_STRING("tag", 't', W, tag, "NAME[:TAG]", "the new image's name (default: IMAGE's own)", NULL),
	OPTION_HEADING("What a container is started with"),
	OPTION_LIST("env", 'e', W, env, "NAME=VALUE", "an environment variable; NAME- removes it", NULL),
	OPTION_STRING("entrypoint", 0, W, entrypoint, "COMMAND", "words, or a JSON array; '' removes it", NULL),
	OPTION_STRING("cmd", 0, W, cmd, "COMMAND", "words, or a JSON array; '' removes it", NULL),
	OPTION_STRING("user", 'u', W, user, "USER[:GROUP]", "as whom", NULL),
	OPTION_STRING("workingdir", 'w', W, working_dir, "PATH", "in which folder", NULL),
	OPTION_LIST("port", 'p', W, ports, "PORT[/PROTOCOL]", "a port that it listens on; PORT- removes it", NULL),
	OPTION_LIST("expose", 0, W, ports, "PORT[/PROTOCOL]", "the same", NULL),
	OPTION_LIST("volume", 'v', W, volumes, "PATH", "a folder for data; PATH- removes it", NULL),
	OPTION_STRING("stop-signal", 0, W, stop_signal, "SIGNAL", "what 'stop' sends", NULL),
	OPTION_STRING("healthcheck", 0, W, health, "COMMAND", "how its health is checked; none: not at all", NULL),
	OPTION_STRING("healthcheck-interval", 0, W, health_interval, "DURATION", "how often, as in 30s", NULL),
	OPTION_STRING("healthcheck-timeout", 0, W, health_timeout, "DURATION", "how long a check may take", NULL),
	OPTION_STRING("healthcheck-start-period", 0, W, health_start_period, "DURATION",
		      "how long it may fail at first", NULL),
	OPTION_STRING("healthcheck-retries", 0, W, health_retries, "N", "how often it may fail in a row", NULL),
	OPTION_HEADING("For builds"),
	OPTION_STRING("shell", 0, W, shell, "COMMAND", "what runs shell forms: words, or a JSON array", NULL),
	OPTION_LIST("onbuild", 0, W, on_build, "INSTRUCTION", "what a build FROM this image begins with", NULL),
	OPTION_LIST("change", 'c', W, changes, "INSTRUCTION", "a Dockerfile's instruction, after all the others", NULL),
	OPTION_HEADING("About the image"),
	OPTION_LIST("label", 'l', W, labels, "NAME=VALUE", "a label; NAME- removes it", NULL),
	OPTION_LIST("annotation", 'a', W, annotations, "NAME=VALUE", "an annotation of the manifest; NAME- removes it",
		    NULL),
	OPTION_STRING("author", 0, W, author, "NAME", "who made it", NULL),
	OPTION_STRING("arch", 0, W, architecture, "ARCH", "for which machine: amd64, arm64 ...", NULL),
	OPTION_STRING("variant", 0, W, variant, "VARIANT", "which kind of that machine: v8 ...", NULL),
	OPTION_STRING("os", 0, W, os, "OS", "for which system", NULL),
	OPTION_LIST("clear", 0, W, clear, "FIELD", "empty this before anything else", EDIT_FIELDS),
	OPTION_HEADING("The history"),
	OPTION_STRING("created", 0, W, created, "TIME", "date of image and step (default: now)", NULL),
	OPTION_STRING("created-by", 0, W, created_by, "TEXT", "what made the change (default 'cloche config')", NULL),
	OPTION_STRING("history-comment", 'm', W, history_comment, "TEXT", "comment of the step", NULL),
	OPTION_FLAG("no-history", 0, W, no_history, "no step in the history"),
	OPTION_END,
};

static bool any_text(const W *w)
{
	const char *const texts[] = { w->tag,
				      w->entrypoint,
				      w->cmd,
				      w->shell,
				      w->user,
				      w->working_dir,
				      w->stop_signal,
				      w->author,
				      w->os,
				      w->architecture,
				      w->variant,
				      w->health,
				      w->health_interval,
				      w->health_timeout,
				      w->health_start_period,
				      w->health_retries,
				      w->created };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i])
			return true;
	return false;
}

static bool changes_something(const W *w)
{
	return any_text(w) || w->clear.len || w->env.len || w->labels.len || w->annotations.len || w->ports.len ||
	       w->volumes.len || w->on_build.len || w->changes.len;
}

static int show(struct engine *e, const char *image, struct err *err)
{
	autobuf struct buf text = BUF_INIT(4 * IMAGE_DOCUMENT_MAX);
	int r = engine_edit_show(e, image, &text, err);

	if (r >= 0)
		puts(buf_str(&text));
	return r;
}

static int change(struct engine *e, const W *w, const char *image, struct err *err)
{
	const struct edit_options o = {
		.clear = &w->clear,
		.env = &w->env,
		.labels = &w->labels,
		.annotations = &w->annotations,
		.ports = &w->ports,
		.volumes = &w->volumes,
		.on_build = &w->on_build,
		.changes = &w->changes,
		.entrypoint = w->entrypoint,
		.cmd = w->cmd,
		.shell = w->shell,
		.user = w->user,
		.working_dir = w->working_dir,
		.stop_signal = w->stop_signal,
		.author = w->author,
		.os = w->os,
		.architecture = w->architecture,
		.variant = w->variant,
		.health = w->health,
		.health_interval = w->health_interval,
		.health_timeout = w->health_timeout,
		.health_start_period = w->health_start_period,
		.health_retries = w->health_retries,
		.words = { .created = w->created,
			   .author = w->author,
			   .created_by = w->created_by,
			   .comment = w->history_comment,
			   .no_history = w->no_history },
	};
	char text[DIGEST_STR_MAX];
	struct reference name;
	struct digest id;
	int r = w->tag ? reference_parse(w->tag, &name, err) : 0;

	if (r >= 0)
		r = engine_edit(e, image, &o, w->tag ? &name : NULL, &id, err);
	if (r < 0)
		return r;
	digest_format(&id, text);
	puts(text);
	return 0;
}

static int run_config(const void *options, const struct strv *args, struct err *err)
{
	const W *w = options;
	const char *image = args->items[0];
	autoengine struct engine e = { 0 };
	int r = engine_open(global_options.root, global_options.runroot, &e, err);

	if (r < 0)
		return r;
	if (!changes_something(w)) {
		if (w->no_history || w->created_by || w->history_comment)
			return err_set(err, EINVAL, "there is nothing to change, and so nothing for the history");
		return show(&e, image, err);
	}
	r = change(&e, w, image, err);
	return r < 0 ? err_wrap(err, "'%s'", image) : 0;
}

const struct command cmd_config = {
	.name = "config",
	.group = "Images",
	.summary = "change the fields of an image's configuration, or show it",
	.usage = "IMAGE",
	.description =
		"Makes a new image with the same layers, under IMAGE's name or with --tag under another, and prints "
		"its ID. "
		"Without any change the configuration is printed as it is.\n\n"
		"Names of options are those of 'buildah config' and, without 'config.', of 'umoci config'. COMMAND is "
		"words, "
		"split as a shell does but started without one, or a JSON array. --clear comes first, --change last; "
		"fields for --clear: " EDIT_FIELDS ".\n\n"
		"SOURCE_DATE_EPOCH, if set, is the time of the step.",
	.examples = "$ cloche config debian:bookworm\n"
		    "$ cloche config --env LANG=C.UTF-8 --cmd 'bash -l' --label maintainer=me -t mine debian:bookworm\n"
		    "$ cloche config --clear labels --healthcheck 'curl -f http://localhost/' --healthcheck-interval "
		    "10s web",
	.see_also = "inspect, commit, repack, history",
	.complete = "image",
	.options = config_table,
	.options_size = sizeof(W),
	.min_args = 1,
	.max_args = 1,
	.run = run_config,
};
