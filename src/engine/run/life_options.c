#include "engine/run/life_options.h"

#include "base/cleanup.h"
#include "base/num.h"
#include "base/str.h"
#include "base/timefmt.h"
#include "codec/log_line.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- life --- */

static int set_path(char **to, const char *path, struct err *err)
{
	autofree char *cwd = getcwd(NULL, 0);

	if (!path)
		return 0;
	*to = path_resolve(cwd ? cwd : "/", path);
	return *to ? 0 : err_oom(err);
}

static int set_stop_timeout(struct container_life *l, const char *word, const struct image_config *image,
			    struct err *err)
{
	l->stop_timeout = image->stop_timeout >= 0 ? image->stop_timeout : CONTAINER_STOP_TIMEOUT;
	if (word && (num_parse_i64(word, &l->stop_timeout) < 0 || l->stop_timeout < -1 || l->stop_timeout > INT_MAX))
		return err_set(err, EINVAL, "--stop-timeout '%s': a number of seconds, or -1 for ever", word);
	return 0;
}

static int set_life(struct container_life *l, const struct run_options *o, const struct image_config *image,
		    struct err *err)
{
	int r = restart_parse(o->restart ? o->restart : "", &l->restart, &l->restart_max, err);

	l->interactive = o->interactive;
	l->stdin_once = o->interactive && !o->detach;
	l->init = o->init;
	if (r >= 0 && o->remove && l->restart != RESTART_NO) {
		err_set(err, EINVAL, "--rm and --restart %s contradict one another", o->restart);
		return err_hint(err, "what is removed at its end can't be started again: leave one of them out");
	}
	if (r >= 0)
		r = set_stop_timeout(l, o->stop_timeout, image, err);
	if (r >= 0)
		r = set_path(&l->pidfile, o->pidfile, err);
	return r < 0 ? r : set_path(&l->cidfile, o->cidfile, err);
}

/* --- log --- */

static int add_attr(struct buf *out, const char *key, const char *value)
{
	buf_add_char(out, out->len ? ',' : '{');
	json_text_format(out, key, strlen(key));
	buf_add_char(out, ':');
	return json_text_format(out, value, strlen(value));
}

static const char *find_label(const struct strv *labels, const char *key)
{
	for (size_t i = 0; i + 1 < labels->len; i += 2)
		if (strcmp(labels->items[i], key) == 0)
			return labels->items[i + 1];
	return NULL;
}

/* "a,b": those of the labels, or of the environment (LABELS NULL), that are there. */
static int add_attrs(struct buf *out, const char *names, const struct strv *labels, const struct strv *env,
		     struct err *err)
{
	autofree char *copy = strdup(names);
	char *rest = copy, *name;

	if (!copy)
		return err_oom(err);
	while ((name = strsep(&rest, ","))) {
		const char *value = labels ? find_label(labels, name) : strv_env_get(env, name);

		if (value && add_attr(out, name, value) < 0)
			return err_set(err, E2BIG, "--log-opt: labels and variables take more than %d bytes a line",
				       LOG_ATTRS_MAX);
	}
	return 0;
}

static int apply_log_opt(struct container_record *r, const char *word, const struct oci_spec *spec, struct buf *attrs,
			 struct err *err)
{
	const char *value = strchr(word, '=');
	size_t len = value ? (size_t)(value - word) : strlen(word);
	uint64_t size;
	uint32_t files;

	if (!value)
		return err_set(err, EINVAL, "--log-opt '%s': the form is NAME=VALUE", word);
	value++;
	if (len == 8 && memcmp(word, "max-size", len) == 0) {
		if (strcmp(value, "-1") != 0 && (num_parse_size(value, &size) < 0 || size == 0 || size > INT64_MAX))
			return err_set(err, EINVAL, "--log-opt max-size '%s': a size, as in 10m, or -1: no limit",
				       value);
		r->log.max_size = strcmp(value, "-1") == 0 ? 0 : (int64_t)size;
		return 0;
	}
	if (len == 8 && memcmp(word, "max-file", len) == 0) {
		if (num_parse_u32(value, 100, &files) < 0 || files == 0)
			return err_set(err, EINVAL, "--log-opt max-file '%s': a number from 1 to 100", value);
		r->log.files = files;
		return 0;
	}
	if (len == 6 && memcmp(word, "labels", len) == 0)
		return add_attrs(attrs, value, &r->labels, NULL, err);
	if (len == 3 && memcmp(word, "env", len) == 0)
		return add_attrs(attrs, value, NULL, &spec->process.env, err);
	err_set(err, EOPNOTSUPP, "--log-opt '%s': the name is not known", word);
	return err_hint(err, "there are max-size, max-file, labels and env");
}

static int set_log(struct container_record *r, const struct run_options *o, const struct oci_spec *spec,
		   struct err *err)
{
	autobuf struct buf attrs = BUF_INIT(LOG_ATTRS_MAX - 1);
	const char *driver = o->log_driver ? o->log_driver : "json-file";
	int result = 0;

	r->log.none = strcmp(driver, "none") == 0;
	if (!r->log.none && strcmp(driver, "json-file") != 0) {
		err_set(err, EOPNOTSUPP, "--log-driver '%s': not a driver that is there", driver);
		return err_hint(err, "json-file keeps the output in a file for 'cloche logs', none keeps nothing; what "
				     "should go elsewhere can be read from 'cloche logs -f'");
	}
	for (size_t i = 0; result >= 0 && i < o->log_opts.len; i++)
		result = apply_log_opt(r, o->log_opts.items[i], spec, &attrs, err);
	if (result < 0)
		return result;
	if (r->log.files > 1 && r->log.max_size == 0)
		return err_set(err, EINVAL, "--log-opt max-file needs max-size: without it there is one file");
	if (strv_add_all(&r->log.words, &o->log_opts) < 0)
		return err_oom(err);
	if (!attrs.len)
		return 0;
	buf_add_char(&attrs, '}');
	r->log.attrs = buf_take(&attrs);
	return r->log.attrs ? 0 : err_oom(err);
}

/* --- health --- */

enum { NS_PER_SECOND = 1000000000 };

/* An option, else the image's, else docker's default. */
static int set_time(const char *option, const char *word, int64_t image, int64_t standard, int64_t *ret,
		    struct err *err)
{
	*ret = image > 0 ? image : standard;
	if (!word)
		return 0;
	if (time_parse_duration(word, ret) < 0)
		return err_set(err, EINVAL, "--%s '%s': a time, as in 30s or 1m30s", option, word);
	if (*ret > 0 && *ret < NS_PER_SECOND / 1000)
		return err_set(err, EINVAL, "--%s '%s': at least a millisecond", option, word);
	if (*ret == 0)
		*ret = standard;
	return 0;
}

static int set_test(struct container_health *h, const struct run_options *o, const struct image_config *image,
		    struct err *err)
{
	static const char *const shell[] = { "/bin/sh", "-c" };
	int bad = 0;

	if (o->health_cmd && *o->health_cmd) {
		bad |= strv_add(&h->test, "CMD-SHELL");
		bad |= strv_add(&h->test, o->health_cmd);
	} else {
		bad |= strv_add_all(&h->test, &image->health.test);
	}
	/* "NONE", or a check without a command, is none. */
	if (h->test.len < 2)
		strv_done(&h->test);
	if (!h->test.len || strcmp(h->test.items[0], "CMD-SHELL") != 0)
		return bad ? err_oom(err) : 0;
	bad |= strv_add_all(&h->shell, &image->shell);
	for (size_t i = 0; !image->shell.len && i < ARRAY_SIZE(shell); i++)
		bad |= strv_add(&h->shell, shell[i]);
	return bad ? err_oom(err) : 0;
}

static bool says_health(const struct run_options *o)
{
	return o->health_cmd || o->health_interval || o->health_timeout || o->health_retries ||
	       o->health_start_period || o->health_start_interval;
}

static int set_health(struct container_health *h, const struct run_options *o, const struct image_config *image,
		      struct err *err)
{
	const struct image_health *i = &image->health;
	uint32_t retries = i->retries > 0 && i->retries < INT_MAX ? (uint32_t)i->retries : 3;
	int r;

	if (o->no_healthcheck && says_health(o))
		return err_set(err, EINVAL, "--no-healthcheck and --health-… contradict one another");
	if (o->no_healthcheck)
		return 0;
	r = set_test(h, o, image, err);
	if (r >= 0)
		r = set_time("health-interval", o->health_interval, i->interval_ns, INT64_C(30) * NS_PER_SECOND,
			     &h->interval_ns, err);
	if (r >= 0)
		r = set_time("health-timeout", o->health_timeout, i->timeout_ns, INT64_C(30) * NS_PER_SECOND,
			     &h->timeout_ns, err);
	if (r >= 0)
		r = set_time("health-start-period", o->health_start_period, i->start_period_ns, 0, &h->start_period_ns,
			     err);
	if (r >= 0)
		r = set_time("health-start-interval", o->health_start_interval, i->start_interval_ns,
			     INT64_C(5) * NS_PER_SECOND, &h->start_interval_ns, err);
	if (r < 0)
		return r;
	if (o->health_retries && (num_parse_u32(o->health_retries, INT_MAX, &retries) < 0 || retries == 0))
		return err_set(err, EINVAL, "--health-retries '%s': a number from 1 on", o->health_retries);
	h->retries = retries;
	return 0;
}

int run_set_life(struct container_record *r, const struct run_options *o, const struct image_config *image,
		 const struct oci_spec *spec, struct err *err)
{
	int result = set_life(&r->life, o, image, err);

	if (result >= 0)
		result = set_log(r, o, spec, err);
	return result < 0 ? result : set_health(&r->health, o, image, err);
}
