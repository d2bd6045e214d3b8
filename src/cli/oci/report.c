/* What engines read when something fails: a line in the log, in the form of logrus, which runc writes with. */
#include "cli/oci/global.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "oci/fields.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 16384 };

/* crun's way to say it; what it calls journald and syslog isn't there. */
static const char *log_path(void)
{
	const char *path = oci_globals.log, *rest = path ? str_skip_prefix(path, "file:") : NULL;

	return rest ? rest : path && *path ? path : NULL;
}

static int open_log(void)
{
	return open(log_path(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
}

int oci_log_check(struct err *err)
{
	autoclose int fd = -1;

	if (!log_path())
		return 0;
	if (str_starts_with(log_path(), "journald:") || str_starts_with(log_path(), "syslog:")) {
		err_set(err, EOPNOTSUPP, "--log '%s': only files can be written to", log_path());
		return err_hint(err, "--log FILE; what it says goes to stderr as well");
	}
	fd = open_log();
	return fd < 0 ? err_errno(err, errno, "--log: open '%s'", log_path()) : 0;
}

static void message(const struct err *err, struct buf *text)
{
	buf_add_str(text, err->msg[0] ? err->msg : strerror(err->code));
	if (err->hint[0])
		buf_addf(text, " (%s)", err->hint);
}

static void format(struct buf *line, const char *level, const char *msg)
{
	bool json = oci_globals.log_format && strcmp(oci_globals.log_format, "json") == 0;
	char when[TIME_RFC3339_MAX];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	time_format_rfc3339(now, when);
	buf_addf(line, json ? "{\"level\":\"%s\",\"msg\":" : "level=%s msg=", level);
	json_write_string(line, msg);
	buf_addf(line, json ? ",\"time\":\"%s\"}\n" : " time=\"%s\"\n", when);
}

static void report(const char *level, const struct err *err)
{
	autobuf struct buf text = BUF_INIT(LINE_MAX_BYTES), line = BUF_INIT(LINE_MAX_BYTES);
	autoclose int fd = -1;

	err_print_as(stderr, this_program->name, err);
	if (!log_path())
		return;
	message(err, &text);
	format(&line, level, buf_str(&text));
	fd = open_log();
	/* In one, so that lines of several commands don't mix. There is nobody to tell of a failure. */
	if (fd >= 0 && !line.error)
		(void)!write(fd, line.data, line.len);
}

void oci_report(const struct err *err)
{
	report("error", err);
}

void oci_warn(const struct err *err)
{
	report("warning", err);
}
