#include "cgroup/systemd.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "codec/dbus.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { TIMEOUT_US = 10 * 1000 * 1000, AUTH_LINE_MAX = 256 };

/* The calls of a conversation by their numbers; all are sent at once, since none needs another's answer. */
enum { CALL_HELLO = 1, CALL_SUBSCRIBE, CALL_MATCH, CALL_START };

/* --- the socket --- */

static const char *bus_name(void)
{
	return geteuid() == 0 ? "the system's bus" : "the user's bus";
}

/* The candidate number WHICH; NULL: there is none. */
static char *candidate(int which)
{
	const char *run = getenv("XDG_RUNTIME_DIR"), *address = getenv("DBUS_SESSION_BUS_ADDRESS"), *path;

	if (geteuid() == 0)
		return which == 0 ? strdup("/run/dbus/system_bus_socket") : NULL;
	if (which == 0)
		return str_format("/run/user/%u/bus", geteuid());
	if (which == 1)
		return path_join(run ? run : "/nowhere", "bus");
	path = which == 2 && address ? str_skip_prefix(address, "unix:path=") : NULL;
	return path ? strndup(path, strcspn(path, ",;")) : NULL;
}

static char *find_socket(void)
{
	for (int which = 0; which <= 2; which++) {
		autofree char *path = candidate(which);

		if (path && access(path, W_OK) == 0)
			return TAKE_PTR(path);
	}
	return NULL;
}

bool systemd_can_be_asked(void)
{
	autofree char *path = access("/run/systemd/system", F_OK) == 0 ? find_socket() : NULL;

	return path != NULL;
}

static int open_bus(struct err *err)
{
	autofree char *path = find_socket();
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (!path || strlen(path) >= sizeof(a.sun_path))
		return err_set(err, ENOENT, "ask systemd for a control group: %s has no socket", bus_name());
	memcpy(a.sun_path, path, strlen(path) + 1);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return err_errno(err, errno, "ask systemd for a control group: connect to '%s'", path);
	return TAKE_FD(fd);
}

static int send_all(int fd, const struct buf *b)
{
	for (size_t at = 0; at < b->len;) {
		ssize_t n = send(fd, b->data + at, b->len - at, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return -errno;
		at += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* LEN bytes, until END_US. */
static int read_exactly(int fd, void *data, size_t len, uint64_t end_us)
{
	for (size_t at = 0; at < len;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		uint64_t now = time_now_us();
		ssize_t n;

		if (now >= end_us)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)((end_us - now) / 1000) + 1) <= 0)
			continue;
		n = recv(fd, (char *)data + at, len - at, 0);
		if (n == 0)
			return -ECONNRESET;
		if (n < 0 && errno != EINTR)
			return -errno;
		at += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* --- what is said --- */

static void begin_property(struct buf *b, const char *name, const char *type)
{
	dbus_put_align(b, 8);
	dbus_put_string(b, name);
	dbus_put_signature(b, type);
}

static void put_text_property(struct buf *b, const char *name, const char *value)
{
	begin_property(b, name, "s");
	dbus_put_string(b, value);
}

static void put_pids(struct buf *b, const pid_t *pids, size_t len)
{
	size_t at, start;

	begin_property(b, "PIDs", "au");
	at = dbus_begin_array(b, 4, &start);
	for (size_t i = 0; i < len; i++)
		dbus_put_u32(b, (uint32_t)pids[i]);
	dbus_end_array(b, at, start);
}

/* ssa(sv)a(sa(sv)): name, mode, properties, further units. */
static void put_start(struct buf *b, const char *name, const char *slice, const pid_t *pids, size_t pids_len)
{
	size_t at, start;

	dbus_put_string(b, name);
	dbus_put_string(b, "fail");
	at = dbus_begin_array(b, 8, &start);
	put_text_property(b, "Description", "container of cloche");
	/* Else a scope whose processes were killed would stay as "failed". */
	put_text_property(b, "CollectMode", "inactive-or-failed");
	if (slice)
		put_text_property(b, "Slice", slice);
	begin_property(b, "Delegate", "b");
	dbus_put_u32(b, 1);
	/* A container's own limit counts, not systemd's usual one. */
	begin_property(b, "TasksMax", "t");
	dbus_put_align(b, 8);
	dbus_put_u32(b, UINT32_MAX);
	dbus_put_u32(b, UINT32_MAX);
	put_pids(b, pids, pids_len);
	dbus_end_array(b, at, start);
	at = dbus_begin_array(b, 8, &start);
	dbus_end_array(b, at, start);
}

static void put_auth(struct buf *b)
{
	char uid[16];

	snprintf(uid, sizeof(uid), "%u", geteuid());
	buf_add_char(b, '\0');
	buf_add_str(b, "AUTH EXTERNAL ");
	for (const char *p = uid; *p; p++)
		buf_addf(b, "%02x", (unsigned char)*p);
	buf_add_str(b, "\r\nBEGIN\r\n");
}

static int say(int fd, const char *name, const char *slice, const pid_t *pids, size_t pids_len)
{
	static const char bus[] = "org.freedesktop.DBus", manager[] = "org.freedesktop.systemd1",
			  manager_path[] = "/org/freedesktop/systemd1",
			  manager_interface[] = "org.freedesktop.systemd1.Manager";
	autobuf struct buf out = BUF_INIT(DBUS_MESSAGE_MAX), match = BUF_INIT(4096), unit = BUF_INIT(DBUS_MESSAGE_MAX);

	put_auth(&out);
	dbus_write_call(&out, &(struct dbus_call){ bus, "/org/freedesktop/DBus", bus, "Hello", NULL, CALL_HELLO },
			NULL);
	dbus_write_call(
		&out,
		&(struct dbus_call){ manager, manager_path, manager_interface, "Subscribe", NULL, CALL_SUBSCRIBE },
		NULL);
	dbus_put_string(&match, "type='signal',sender='org.freedesktop.systemd1',interface='org.freedesktop.systemd1."
				"Manager',member='JobRemoved'");
	dbus_write_call(&out, &(struct dbus_call){ bus, "/org/freedesktop/DBus", bus, "AddMatch", "s", CALL_MATCH },
			&match);
	put_start(&unit, name, slice, pids, pids_len);
	dbus_write_call(&out,
			&(struct dbus_call){ manager, manager_path, manager_interface, "StartTransientUnit",
					     "ssa(sv)a(sa(sv))", CALL_START },
			&unit);
	return out.error ? out.error : send_all(fd, &out);
}

/* --- what is answered --- */

/* "OK 1234deadbeef" is what we may go on after. */
static int read_auth(int fd, uint64_t end_us)
{
	char line[AUTH_LINE_MAX];
	size_t len = 0;
	int r;

	while (len < sizeof(line) - 1) {
		r = read_exactly(fd, line + len, 1, end_us);
		if (r < 0)
			return r;
		if (line[len++] == '\n')
			break;
	}
	line[len] = '\0';
	return str_starts_with(line, "OK ") ? 0 : -EACCES;
}

static int read_message(int fd, struct buf *data, struct dbus_message *m, uint64_t end_us)
{
	uint8_t header[DBUS_HEADER];
	size_t size;
	int r = read_exactly(fd, header, sizeof(header), end_us);

	if (r >= 0)
		r = dbus_message_size(header, &size);
	if (r < 0)
		return r;
	buf_reset(data);
	r = buf_reserve(data, size);
	if (r >= 0)
		r = read_exactly(fd, data->data + DBUS_HEADER, size - DBUS_HEADER, end_us);
	if (r < 0)
		return r;
	memcpy(data->data, header, sizeof(header));
	data->len = size;
	return dbus_read((const uint8_t *)data->data, size, m);
}

static int refused(const struct dbus_message *m, struct err *err)
{
	struct dbus_reader body = { m->body, m->body_len, 0 };
	char text[DBUS_STRING_MAX] = "";

	if (m->signature[0] == 's')
		dbus_get_string(&body, text, sizeof(text));
	err_set(err, EACCES, "ask systemd for a control group: %s: %s", m->error, text);
	if (strstr(m->error, "ServiceUnknown") || strstr(m->error, "Spawn"))
		return err_hint(err, "no systemd manager answers on %s; for a user: loginctl enable-linger USER",
				bus_name());
	return -EACCES;
}

/* 1: the job for NAME is done; 0: not yet. */
static int is_done(const struct dbus_message *m, const char *name, struct err *err)
{
	struct dbus_reader body = { m->body, m->body_len, 0 };
	char job[DBUS_STRING_MAX], unit[DBUS_STRING_MAX], result[DBUS_STRING_MAX];
	uint32_t id;

	if (m->type != DBUS_SIGNAL || strcmp(m->member, "JobRemoved") != 0 || strcmp(m->signature, "uoss") != 0)
		return 0;
	if (!dbus_get_u32(&body, &id) || !dbus_get_string(&body, job, sizeof(job)) ||
	    !dbus_get_string(&body, unit, sizeof(unit)) || !dbus_get_string(&body, result, sizeof(result)))
		return 0;
	if (strcmp(unit, name) != 0)
		return 0;
	if (strcmp(result, "done") == 0)
		return 1;
	err_set(err, EIO, "ask systemd for a control group: '%s' ended as '%s'", name, result);
	return err_hint(err, "systemctl %sstatus, journalctl %s-n 20 tell more", geteuid() == 0 ? "" : "--user ",
			geteuid() == 0 ? "" : "--user ");
}

static int converse(int fd, const char *name, struct err *err)
{
	autobuf struct buf data = BUF_INIT(DBUS_MESSAGE_MAX + 1);
	uint64_t end_us = time_now_us() + TIMEOUT_US;
	int r = read_auth(fd, end_us), done = 0;

	while (r >= 0 && !done) {
		struct dbus_message m;

		r = read_message(fd, &data, &m, end_us);
		if (r < 0)
			break;
		/* Whether it subscribes us is its business: of our own job it tells us in any case. */
		if (m.type == DBUS_ERROR && (m.reply_serial == CALL_HELLO || m.reply_serial == CALL_START))
			return refused(&m, err);
		done = is_done(&m, name, err);
		if (done < 0)
			return done;
	}
	return r < 0 ? err_errno(err, -r, "ask systemd for a control group over %s", bus_name()) : 0;
}

int systemd_start_scope(const char *name, const char *slice, const pid_t *pids, size_t pids_len, struct err *err)
{
	autoclose int fd = open_bus(err);
	int r;

	if (fd < 0)
		return fd;
	r = say(fd, name, slice, pids, pids_len);
	return r < 0 ? err_errno(err, -r, "ask systemd for a control group over %s", bus_name())
		     : converse(fd, name, err);
}
