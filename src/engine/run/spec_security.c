/* What a container may do: --cap-add, --cap-drop, --security-opt, --privileged. */
#include "engine/run/spec.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "runtime/default_spec.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct security {
	const char *seccomp; /* NULL: the default profile */
	bool open_paths;     /* systempaths=unconfined */
	bool no_new_privileges;
};

static int set_no_new_privileges(struct security *s, const char *value, struct err *err)
{
	if (!value || strcmp(value, "true") == 0)
		s->no_new_privileges = true;
	else if (strcmp(value, "false") == 0)
		s->no_new_privileges = false;
	else
		return err_set(err, EINVAL, "no-new-privileges takes true or false, not '%s'", value);
	return 0;
}

static int set_apparmor(const char *value, struct err *err)
{
	if (strcmp(value, "unconfined") == 0)
		return 0;
	err_set(err, EOPNOTSUPP, "AppArmor profiles are not there yet");
	return err_hint(err, "no profile is applied now, so apparmor=unconfined says what is the case");
}

static int set_label(const char *value, struct err *err)
{
	if (strcmp(value, "disable") == 0)
		return 0;
	if (access("/sys/fs/selinux/enforce", F_OK) != 0)
		return err_set(err, EOPNOTSUPP, "this machine does not run SELinux, so a label would do nothing");
	err_set(err, EOPNOTSUPP, "SELinux labels are not there yet");
	return err_hint(err, "no label is applied now, so label=disable says what is the case");
}

/* One --security-opt: "name", "name=value" or, as docker once wrote, "name:value". */
static int parse_word(struct security *s, const char *word, struct err *err)
{
	size_t len = strcspn(word, "=:");
	autofree char *name = strndup(word, len);
	const char *value = word[len] ? word + len + 1 : NULL;

	if (!name)
		return err_oom(err);
	if (strcmp(name, "no-new-privileges") == 0)
		return set_no_new_privileges(s, value, err);
	if (!value)
		return err_set(err, EINVAL, "'%s': the form is NAME=VALUE", word);
	if (strcmp(name, "apparmor") == 0)
		return set_apparmor(value, err);
	if (strcmp(name, "label") == 0)
		return set_label(value, err);
	if (strcmp(name, "seccomp") == 0) {
		s->seccomp = strcmp(value, "builtin") == 0 ? NULL : value;
		return 0;
	}
	if (strcmp(name, "systempaths") == 0 && strcmp(value, "unconfined") == 0) {
		s->open_paths = true;
		return 0;
	}
	err_set(err, EINVAL, "'%s' is not known", word);
	return err_hint(err, "known are seccomp=, no-new-privileges, systempaths=unconfined, apparmor= and label=");
}

static void open_system_paths(struct oci_spec *spec)
{
	strv_done(&spec->linux_.masked_paths);
	strv_done(&spec->linux_.readonly_paths);
}

static int set_caps(const struct run_request *q, struct oci_spec *spec, struct err *err)
{
	autostrv struct strv all = { 0 };

	if (!q->options->privileged)
		return default_spec_set_caps(spec, &q->options->cap_add, &q->options->cap_drop, err);
	if (strv_add(&all, "ALL") < 0)
		return err_oom(err);
	return default_spec_set_caps(spec, &all, &q->options->cap_drop, err);
}

int run_spec_set_security(const struct run_request *q, struct oci_spec *spec, struct err *err)
{
	const struct run_options *o = q->options;
	struct security s = { .seccomp = o->privileged ? "unconfined" : NULL,
			      .open_paths = o->privileged,
			      .no_new_privileges = spec->process.no_new_privileges };
	int r = 0;

	for (size_t i = 0; i < o->security.len; i++) {
		r = parse_word(&s, o->security.items[i], err);
		if (r < 0)
			return err_wrap(err, "--security-opt");
	}
	spec->process.no_new_privileges = s.no_new_privileges;
	if (s.open_paths)
		open_system_paths(spec);
	r = set_caps(q, spec, err);
	if (r < 0)
		return r;
	r = default_spec_set_seccomp(spec, s.seccomp, err);
	return r < 0 ? err_wrap(err, "--security-opt seccomp") : 0;
}
