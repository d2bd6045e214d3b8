#include "engine/exec/enter.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "engine/container/running.h"
#include "engine/exec/wait.h"
#include "runtime/console.h"
#include "sys/signals.h"
#include "sys/caps.h"
#include "sys/signals.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

extern char **environ;

static const struct {
	const char *name, *other;
	uint64_t flag;
} kinds[] = {
	{ "user", "user", CLONE_NEWUSER },	 { "mnt", "mount", CLONE_NEWNS },   { "pid", "pid", CLONE_NEWPID },
	{ "net", "network", CLONE_NEWNET },	 { "ipc", "ipc", CLONE_NEWIPC },    { "uts", "uts", CLONE_NEWUTS },
	{ "cgroup", "cgroup", CLONE_NEWCGROUP }, { "time", "time", CLONE_NEWTIME },
};

static bool is_word(const char *name, const char *word, size_t len)
{
	return strlen(name) == len && memcmp(name, word, len) == 0;
}

/* The flags of the LEN bytes at WORD; 0: it is no namespace. */
static uint64_t flags_of(const char *word, size_t len)
{
	uint64_t flags = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (is_word("all", word, len) || is_word(kinds[i].name, word, len) ||
		    is_word(kinds[i].other, word, len))
			flags |= kinds[i].flag;
	return flags;
}

int enter_parse_namespaces(const char *text, uint64_t *flags, struct err *err)
{
	uint64_t found = 0;

	for (const char *at = text;; at++) {
		size_t len = strcspn(at, ",");
		uint64_t more = flags_of(at, len);

		if (!more) {
			err_set(err, EINVAL, "'%.*s' is no namespace", (int)len, at);
			return err_hint(err, "mnt, pid, net, ipc, uts, user, cgroup, time, or all; with commas "
					     "between");
		}
		found |= more;
		at += len;
		if (!*at)
			break;
	}
	*flags |= found;
	return 0;
}

static int choose(const struct enter_options *o, uint64_t *ret, struct err *err)
{
	uint64_t flags = 0;
	int r = o->namespaces.len ? 0 : enter_parse_namespaces("all", &flags, err);

	for (size_t i = 0; r >= 0 && i < o->namespaces.len; i++)
		r = enter_parse_namespaces(o->namespaces.items[i], &flags, err);
	if (r < 0)
		return err_wrap(err, "--ns");
	*ret = flags | (geteuid() != 0 ? CLONE_NEWUSER : 0);
	return 0;
}

/* --- the process --- */

static int add_words(struct strv *dst, char *const *words)
{
	for (; *words; words++)
		if (strv_add(dst, *words) < 0)
			return -ENOMEM;
	return 0;
}

/* All over what is joined; where that isn't a user namespace, all that we have. */
static int all_caps(struct oci_capabilities *c, bool joins_users)
{
	struct cap_state ours = { 0 };

	caps_get(&ours);
	for (int i = 0; i <= cap_last(); i++)
		if (cap_name(i) && (joins_users || ours.permitted & CAP_BIT(i)) &&
		    strv_add(&c->bounding, cap_name(i)) < 0)
			return -ENOMEM;
	return strv_add_all(&c->effective, &c->bounding) < 0 || strv_add_all(&c->permitted, &c->bounding) < 0 ? -ENOMEM
													      : 0;
}

/* A configuration that says nothing but the process: no profile, and what it sees is the namespaces' matter. */
static int make_spec(struct oci_spec *spec, const struct running *c, uint64_t flags, const struct enter_options *o,
		     const struct strv *args, struct err *err)
{
	struct oci_process *p = &spec->process;
	bool is_inside = flags & CLONE_NEWNS;
	mode_t mask = umask(0);
	int r = 0;

	umask(mask);
	p->user.has_umask = true;
	p->user.umask = mask;
	p->terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	if (args->len)
		r = strv_add_all(&p->args, args);
	else
		r = strv_add(&p->args, !is_inside && getenv("SHELL") ? getenv("SHELL") : "sh");
	if (r >= 0 && is_inside)
		r = strv_add_all(&p->env, &c->spec.process.env);
	else if (r >= 0)
		r = add_words(&p->env, environ);
	if (r >= 0 && p->terminal && !strv_env_get(&p->env, "TERM"))
		r = strv_env_set(&p->env, "TERM=xterm");
	if (r >= 0)
		r = all_caps(&p->capabilities, flags & CLONE_NEWUSER);
	if (r < 0)
		return err_oom(err);
	if (o->workdir && *o->workdir != '/')
		return err_set(err, EINVAL, "the working directory '%s' is not an absolute path", o->workdir);
	p->cwd = o->workdir ? strdup(o->workdir) : NULL;
	return o->workdir && !p->cwd ? err_oom(err) : 0;
}

/* A tracer in there could make the program, which has our files, do whatever it likes. */
static void warn(const struct running *c, uint64_t flags, void (*on_notice)(const char *text))
{
	bool sees_us = flags & CLONE_NEWPID && !(flags & CLONE_NEWNS);

	if (sees_us && strv_contains(&c->spec.process.capabilities.bounding, "CAP_SYS_PTRACE"))
		on_notice("the container may trace what it sees (CAP_SYS_PTRACE), so it can take over a program that "
			  "you run "
			  "among its processes with your own files; do so only if you trust it");
}

static int enter(struct running *c, const struct enter_options *o, const struct strv *args,
		 void (*on_notice)(const char *text), int *ret_exit, struct err *err)
{
	struct container_process p = CONTAINER_PROCESS_INIT;
	struct runtime_options options = RUNTIME_OPTIONS_INIT;
	autospec struct oci_spec spec = { 0 };
	uint64_t flags;
	int r = choose(o, &flags, err);

	if (r >= 0)
		r = make_spec(&spec, c, flags, o, args, err);
	if (r < 0)
		return r;
	warn(c, flags, on_notice);
	options.exit_code = ret_exit;
	signals_hold();
	r = runtime_exec(&spec, &c->target, flags, &options, &p, err);
	return r < 0 ? r : exec_wait(&p, true, NULL, err);
}

int engine_enter(const struct store_options *where, const struct enter_options *options, const char *name,
		 const struct strv *args, void (*on_notice)(const char *text), int *ret_exit, struct err *err)
{
	autorunning struct running c = RUNNING_INIT;
	autostore struct store *s = NULL;
	int r = store_open(where, &s, err);

	*ret_exit = 125;
	if (r >= 0)
		r = running_open(s, name, true, &c, err);
	if (r < 0)
		return r;
	store_settle(s);
	return enter(&c, options, args, on_notice, ret_exit, err);
}
