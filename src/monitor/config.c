#include "monitor/config.h"

#include "base/cleanup.h"
#include "base/num.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

enum field_kind { FIELD_STRING, FIELD_NUMBER, FIELD_FD, FIELD_FLAG };

#define FIELD(kind, name)                                                                                              \
	{                                                                                                              \
		kind, #name, offsetof(struct monitor_config, name)                                                     \
	}
#define GUARD(n)                                                                                                       \
	{                                                                                                              \
		FIELD_FD, "guard" #n, offsetof(struct monitor_config, guards[n])                                       \
	}

static const struct field {
	enum field_kind kind;
	const char *name;
	size_t offset;
} fields[] = {
	FIELD(FIELD_STRING, id),
	FIELD(FIELD_STRING, root),
	FIELD(FIELD_STRING, runroot),
	FIELD(FIELD_STRING, program),
	FIELD(FIELD_NUMBER, pid),
	FIELD(FIELD_NUMBER, exit_code),
	FIELD(FIELD_STRING, error),
	FIELD(FIELD_NUMBER, started),
	FIELD(FIELD_FD, pidfd),
	FIELD(FIELD_FD, live),
	FIELD(FIELD_FD, dir),
	FIELD(FIELD_FD, listen),
	FIELD(FIELD_FD, client),
	FIELD(FIELD_FD, console),
	FIELD(FIELD_FD, in),
	FIELD(FIELD_FD, out),
	FIELD(FIELD_FD, err),
	FIELD(FIELD_FD, mounts),
	GUARD(0),
	GUARD(1),
	GUARD(2),
	GUARD(3),
	FIELD(FIELD_NUMBER, policy),
	FIELD(FIELD_NUMBER, restart_max),
	FIELD(FIELD_NUMBER, restarts),
	FIELD(FIELD_NUMBER, delay_ms),
	FIELD(FIELD_FLAG, stdin_once),
	FIELD(FIELD_NUMBER, stop_signal),
	FIELD(FIELD_NUMBER, stop_timeout),
	FIELD(FIELD_FLAG, no_log),
	FIELD(FIELD_NUMBER, log_size),
	FIELD(FIELD_NUMBER, log_files),
	FIELD(FIELD_STRING, log_attrs),
	FIELD(FIELD_NUMBER, health_interval),
	FIELD(FIELD_NUMBER, health_timeout),
	FIELD(FIELD_NUMBER, health_start_period),
	FIELD(FIELD_NUMBER, health_start_interval),
	FIELD(FIELD_NUMBER, health_retries),
	FIELD(FIELD_STRING, event),
};

static void *field_of(const struct monitor_config *c, const struct field *f)
{
	return (char *)(uintptr_t)c + f->offset;
}

static int add_word(const struct monitor_config *c, const struct field *f, struct strv *ret)
{
	const void *at = field_of(c, f);

	switch (f->kind) {
	case FIELD_STRING: {
		const char *s = *(const char *const *)at;

		return s ? strv_addf(ret, "%s=%s", f->name, s) : 0;
	}
	case FIELD_FLAG:
		return *(const bool *)at ? strv_addf(ret, "%s=1", f->name) : 0;
	case FIELD_NUMBER:
	case FIELD_FD:
		break;
	}
	if (*(const int64_t *)at == (f->kind == FIELD_FD ? -1 : 0))
		return 0;
	return strv_addf(ret, "%s=%" PRIi64, f->name, *(const int64_t *)at);
}

int monitor_config_words(const struct monitor_config *c, struct strv *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (add_word(c, &fields[i], ret) < 0)
			return -ENOMEM;
	return 0;
}

static const struct field *find_field(const char *word, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (strlen(fields[i].name) == len && memcmp(fields[i].name, word, len) == 0)
			return &fields[i];
	return NULL;
}

static int parse_word(const char *word, struct monitor_config *c, struct err *err)
{
	size_t len = strcspn(word, "=");
	const struct field *f = word[len] ? find_field(word, len) : NULL;
	const char *value = word + len + 1;
	void *at;
	int64_t number = 0;

	if (!f)
		return err_set(err, EINVAL, "'%s' is no word of a monitor", word);
	at = field_of(c, f);
	if (f->kind == FIELD_STRING) {
		*(const char **)at = value;
		return 0;
	}
	if (num_parse_i64(value, &number) < 0 || number < 0 || (f->kind == FIELD_FLAG && number > 1))
		return err_set(err, EINVAL, "'%s' is no number of a monitor", word);
	if (f->kind == FIELD_FLAG)
		*(bool *)at = number == 1;
	else
		*(int64_t *)at = number;
	return 0;
}

int monitor_config_parse(int argc, char *const *argv, struct monitor_config *ret, struct err *err)
{
	struct monitor_config c = MONITOR_CONFIG_INIT;

	for (int i = 0; i < argc; i++) {
		int r = parse_word(argv[i], &c, err);

		if (r < 0)
			return r;
	}
	if (c.policy > RESTART_UNLESS_STOPPED)
		return err_set(err, EINVAL, "there is no restart policy %d", (int)c.policy);
	*ret = c;
	return 0;
}

size_t monitor_config_fds(struct monitor_config *c, int64_t *ret[static MONITOR_FDS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (fields[i].kind == FIELD_FD)
			ret[n++] = field_of(c, &fields[i]);
	return n;
}
