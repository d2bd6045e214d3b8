#include "cli/command.h"
#include "cli/listing.h"
#include "oci/image.h"
#include "oci/json.h"

#include "config.h"

#include <stdio.h>
#include <sys/utsname.h>

struct version_options {
	const char *format;
};

static const struct option version_table[] = {
	OPTION_STRING("format", 'f', struct version_options, format, "FORMAT", "print by a Go template or as 'json'",
		      "json"),
	OPTION_END,
};

static json_t *side(const struct utsname *u)
{
	return json_pack("{s:s, s:s, s:s, s:s}", "Version", CLOCHE_VERSION, "Os", "linux", "Arch",
			 platform_architecture(), "KernelVersion", u->release);
}

static int run_version(const void *options, const struct strv *args, struct err *err)
{
	const struct version_options *o = options;
	const struct listing listing = { .format = o->format };
	autojson json_t *rows = NULL;
	struct utsname u;

	(void)args;
	if (!o->format) {
		puts("cloche version " CLOCHE_VERSION);
		return 0;
	}
	uname(&u);
	/* Scripts ask docker for the version of either side. */
	rows = json_pack("[{s:s, s:o, s:o}]", "Version", CLOCHE_VERSION, "Client", side(&u), "Server", side(&u));
	if (!rows)
		return err_oom(err);
	return listing_print(stdout, &listing, rows, err) < 0 ? -1 : 0;
}

const struct command cmd_version = {
	.name = "version",
	.group = "Other",
	.summary = "show the version",
	.description =
		"Fields for --format: .Version, and .Client and .Server as docker has them, both the same here, with "
		".Version .Os .Arch .KernelVersion",
	.examples = "$ cloche version\n$ cloche version --format '{{.Server.Version}}'",
	.options = version_table,
	.options_size = sizeof(struct version_options),
	.run = run_version,
};
