/* The command's side of a lazy image, and the messages of both. */
#include "engine/image/lazy_impl.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/num.h"
#include "sys/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int lazy_send(int sock, enum lazy_message kind, const char *const *texts, size_t count, struct err *err)
{
	struct buf autobuf out = BUF_INIT(MSG_MAX);

	buf_add_char(&out, (char)kind);
	for (size_t i = 0; i < count; i++)
		buf_add(&out, texts[i], strlen(texts[i]) + 1);
	return out.error ? err_set(err, E2BIG, "a message is too large")
			 : msg_send(sock, out.data, out.len, NULL, 0, err);
}

/* The next string of what is left of a message; "" at its end. */
static const char *next_text(const char **at, const char *end)
{
	const char *text = *at, *zero = text < end ? memchr(text, 0, (size_t)(end - text)) : NULL;

	if (!zero)
		return "";
	*at = zero + 1;
	return text;
}

static int take_error(const char *at, const char *end, struct err *err)
{
	const char *code = next_text(&at, end), *message = next_text(&at, end), *hint = next_text(&at, end);
	uint32_t number;

	if (num_parse_u32(code, 4095, &number) < 0 || number == 0)
		number = EPROTO;
	err_set(err, (int)number, "%s", message);
	if (*hint)
		err_hint(err, "%s", hint);
	return -(int)number;
}

static int take_ready(struct lazy_image *l, const char *at, const char *end, struct err *err)
{
	int r = digest_parse(next_text(&at, end), &l->manifest, err);

	while (r >= 0 && at < end) {
		const char *folder = next_text(&at, end);
		char **more = reallocarray(l->folders, l->layers + 1, sizeof(*more));

		if (!more)
			return err_oom(err);
		l->folders = more;
		l->folders[l->layers++] = *folder ? strdup(folder) : NULL;
		if (*folder && !l->folders[l->layers - 1])
			return err_oom(err);
	}
	return r < 0 ? r : 1;
}

static int gone(struct err *err)
{
	return err_set(err, EPROTO, "the process that brings the image's files was killed");
}

static int hear(struct lazy_image *l, struct err *err)
{
	struct buf autobuf message = BUF_INIT(MSG_MAX + 1);
	int r = msg_receive(l->sock, &message, NULL, 0, err);
	const char *at, *end;

	if (r == -ECONNRESET) {
		err_clear(err);
		return gone(err);
	}
	if (r < 0)
		return r;
	at = message.data + 1;
	end = message.data + message.len;
	switch (message.len ? message.data[0] : 0) {
	case LAZY_READY:
		return take_ready(l, at, end, err);
	case LAZY_FALLBACK:
		l->notice = strdup(next_text(&at, end));
		return l->notice ? 0 : err_oom(err);
	case LAZY_ERROR:
		return take_error(at, end, err);
	default:
		return err_set(err, EPROTO, "the process that brings the image's files says what makes no sense");
	}
}

static void be_server(struct engine *e, const char *image, int sock, int alarm, void (*in_child)(void *arg), void *arg)
{
	struct lazy_server s = { .engine = e,
				 .image = image,
				 .sock = sock,
				 .alarm = alarm,
				 .tmp = STORE_TMP_INIT,
				 .events = -1,
				 .timer = -1,
				 .container = -1,
				 .config_text = BUF_INIT(IMAGE_DOCUMENT_MAX + 1),
				 .background = PROCESS_INIT };

	/* Keys of the terminal are for the container, which the command passes them to. */
	setsid();
	if (in_child)
		in_child(arg);
	lazy_server_run(&s);
	_exit(0);
}

int lazy_image_open(struct engine *e, const char *image, void (*in_child)(void *arg), void *arg, struct lazy_image *ret,
		    struct err *err)
{
	struct lazy_image l = LAZY_IMAGE_INIT;
	int pair[2], ends[2], r = msg_pair(pair, err);

	if (r < 0)
		return r;
	if (pipe2(ends, O_CLOEXEC) < 0) {
		r = err_errno(err, errno, "make a pipe");
		close(pair[0]);
		close(pair[1]);
		return r;
	}
	l.server.pid = fork();
	if (l.server.pid == 0) {
		close(pair[0]);
		close(ends[0]);
		be_server(e, image, pair[1], ends[1], in_child, arg);
	}
	close(pair[1]);
	close(ends[1]);
	l.sock = pair[0];
	l.alarm = ends[0];
	if (l.server.pid < 0)
		r = err_errno(err, errno, "make a process");
	else
		l.server.pidfd = (int)syscall(SYS_pidfd_open, l.server.pid, 0);
	if (r >= 0)
		r = hear(&l, err);
	if (r <= 0) {
		char *notice = TAKE_PTR(l.notice);

		lazy_image_done(&l, NULL, NULL);
		l.notice = notice;
	}
	if (r >= 0)
		*ret = l;
	return r;
}

int lazy_image_started(struct lazy_image *l, int pidfd, struct err *err)
{
	const char kind = LAZY_STARTED;
	int r = msg_send(l->sock, &kind, 1, &pidfd, 1, err);

	if (r != -EPIPE && r != -ECONNRESET)
		return r;
	/* The alarm tells as well. */
	err_clear(err);
	return 0;
}

bool lazy_image_has_failed(const struct lazy_image *l)
{
	struct pollfd f = { l->alarm, POLLIN, 0 };

	return poll(&f, 1, 0) > 0;
}

int lazy_image_explain(struct lazy_image *l, struct err *err)
{
	for (;;) {
		struct buf autobuf message = BUF_INIT(MSG_MAX + 1);
		int r = msg_receive(l->sock, &message, NULL, 0, err);

		if (r < 0) {
			err_clear(err);
			return gone(err);
		}
		if (message.len && message.data[0] == LAZY_ERROR)
			return take_error(message.data + 1, message.data + message.len, err);
	}
}

void lazy_image_done(struct lazy_image *l, void (*on_notice)(const char *text, void *arg), void *arg)
{
	if (l->sock >= 0)
		shutdown(l->sock, SHUT_WR);
	while (l->sock >= 0) {
		struct buf autobuf message = BUF_INIT(MSG_MAX + 1);

		if (msg_receive(l->sock, &message, NULL, 0, NULL) < 0)
			break;
		if (message.len > 1 && message.data[0] == LAZY_NOTICE && !message.data[message.len - 1] && on_notice)
			on_notice(message.data + 1, arg);
	}
	if (l->server.pidfd >= 0)
		process_wait(&l->server, NULL, NULL);
	if (l->sock >= 0)
		close(TAKE_FD(l->sock));
	if (l->alarm >= 0)
		close(TAKE_FD(l->alarm));
	for (size_t i = 0; i < l->layers; i++)
		free(l->folders[i]);
	free(TAKE_PTR(l->folders));
	free(TAKE_PTR(l->notice));
	l->layers = 0;
}
