/* Instructions whose values have a form of their own: ports, paths, signals, times. */
#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "build/apply_impl.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <strings.h>

/* Adds to a list that is a sorted set. */
static int add_to_set(struct strv *set, const char *value)
{
	if (strv_contains(set, value))
		return 0;
	if (strv_add(set, value) < 0)
		return -ENOMEM;
	strv_sort(set);
	return 0;
}

/* "8080", "8000-8010", each with "/tcp", "/udp" or "/sctp". */
static int add_ports(struct strv *set, char *word)
{
	char *slash = strchr(word, '/'), *dash;
	const char *proto = slash ? slash + 1 : "tcp";
	static const char *const protos[] = { "tcp", "udp", "sctp" };
	uint32_t first, last;
	size_t p;

	for (p = 0; p < ARRAY_SIZE(protos); p++)
		if (strcasecmp(proto, protos[p]) == 0)
			break;
	if (p == ARRAY_SIZE(protos))
		return -EINVAL;
	if (slash)
		*slash = '\0';
	dash = strchr(word, '-');
	if (dash)
		*dash = '\0';
	if (num_parse_u32(word, 65535, &first) < 0 || num_parse_u32(dash ? dash + 1 : word, 65535, &last) < 0 ||
	    last < first)
		return -EINVAL;
	for (uint32_t port = first; port <= last; port++) {
		char text[24];

		snprintf(text, sizeof(text), "%u/%s", port, protos[p]);
		if (add_to_set(set, text) < 0)
			return -ENOMEM;
	}
	return 0;
}

int apply_expose(const struct apply *a, const struct dockerfile_instruction *in, struct buf *history, struct err *err)
{
	for (size_t i = 0; i < in->args.len; i++) {
		const struct dockerfile_arg *arg = &in->args.items[i];
		autostrv struct strv words = { 0 };
		int r = vars_expand_words(&a->vars, a->df, in, arg->text, arg->offset, &words, err);

		for (size_t k = 0; k < words.len && r >= 0; k++) {
			buf_addf(history, " %s", words.items[k]);
			r = add_ports(&a->config->exposed_ports, words.items[k]);
			if (r == -EINVAL)
				r = dockerfile_error(a->df, in, arg->offset, err, EBADMSG,
						     "'%s' is not a port: 80, 80/udp, 8000-8010/tcp", arg->text);
			else if (r < 0)
				r = err_oom(err);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

int apply_volume(const struct apply *a, const struct dockerfile_instruction *in, struct buf *history, struct err *err)
{
	for (size_t i = 0; i < in->args.len; i++) {
		autofree char *path = NULL;
		int r = apply_expand(a, in, &in->args.items[i], &path, err);

		if (r < 0)
			return r;
		if (!*path)
			return dockerfile_error(a->df, in, in->args.items[i].offset, err, EBADMSG,
						"a volume's path is empty");
		if (add_to_set(&a->config->volumes, path) < 0)
			return err_oom(err);
		buf_addf(history, " %s", path);
	}
	return 0;
}

static bool is_signal(const char *word)
{
	const char *name = strncasecmp(word, "SIG", 3) == 0 ? word + 3 : word;
	uint32_t number;

	if (num_parse_u32(word, (uint32_t)SIGRTMAX, &number) == 0)
		return number > 0;
	if (strncasecmp(name, "RTMIN", 5) == 0 || strncasecmp(name, "RTMAX", 5) == 0)
		return name[5] == '\0' || num_parse_u32(name + 6, 15, &number) == 0;
	for (int sig = 1; sig < 32; sig++) {
		const char *known = sigabbrev_np(sig);

		if (known && strcasecmp(known, name) == 0)
			return true;
	}
	return false;
}

int apply_stopsignal(const struct apply *a, const struct dockerfile_instruction *in, struct buf *history,
		     struct err *err)
{
	char *sig = NULL;
	int r = apply_expand(a, in, &in->args.items[0], &sig, err);

	if (r < 0)
		return r;
	if (!is_signal(sig)) {
		free(sig);
		return dockerfile_error(a->df, in, in->args.items[0].offset, err, EBADMSG, "'%s' is not a signal",
					in->args.items[0].text);
	}
	buf_addf(history, " %s", sig);
	free(a->config->stop_signal);
	a->config->stop_signal = sig;
	return 0;
}

static int health_flag(const struct apply *a, const struct dockerfile_instruction *in,
		       const struct dockerfile_flag *flag, struct image_health *health, struct err *err)
{
	int64_t *slot = strcmp(flag->name, "interval") == 0	  ? &health->interval_ns
			: strcmp(flag->name, "timeout") == 0	  ? &health->timeout_ns
			: strcmp(flag->name, "start-period") == 0 ? &health->start_period_ns
								  : &health->start_interval_ns;

	if (strcmp(flag->name, "retries") == 0) {
		if (num_parse_i64(flag->value, &health->retries) < 0 || health->retries < 0)
			return dockerfile_error(a->df, in, flag->offset, err, EBADMSG,
						"--retries takes a number, not '%s'", flag->value);
		return 0;
	}
	if (time_parse_duration(flag->value, slot) < 0)
		return dockerfile_error(a->df, in, flag->offset, err, EBADMSG,
					"--%s takes a time like 30s or 1m30s, not '%s'", flag->name, flag->value);
	if (*slot != 0 && *slot < 1000000)
		return dockerfile_error(a->df, in, flag->offset, err, EBADMSG, "--%s is less than 1ms", flag->name);
	return 0;
}

int apply_healthcheck(const struct apply *a, const struct dockerfile_instruction *in, struct buf *history,
		      struct err *err)
{
	struct image_health health = { 0 };
	int r = 0;

	for (size_t i = 0; i < in->flags.len && r >= 0; i++)
		r = health_flag(a, in, &in->flags.items[i], &health, err);
	if (r < 0)
		return r;
	if (in->healthcheck_none) {
		r = strv_add(&health.test, "NONE");
	} else {
		r = strv_add(&health.test, in->exec_form ? "CMD" : "CMD-SHELL");
		for (size_t i = 0; i < in->args.len && r >= 0; i++)
			r = strv_add(&health.test, in->args.items[i].text);
	}
	if (r < 0) {
		strv_done(&health.test);
		return err_oom(err);
	}
	buf_add_char(history, ' ');
	apply_format_list(&health.test, history);
	strv_done(&a->config->health.test);
	a->config->health = health;
	a->config->has_health = true;
	return 0;
}
