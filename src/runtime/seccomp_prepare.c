/* The filter of a start: the one that is ready, or the spec's profile, compiled. */
#include "runtime/profile.h"
#include "runtime/start.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>

static int flags_of(const struct strv *names, unsigned *ret, struct err *err)
{
	unsigned flags = 0;

	for (size_t i = 0; i < names->len; i++) {
		const struct profile_flag *f = profile_flags;

		while (f->name && strcmp(f->name, names->items[i]) != 0)
			f++;
		if (!f->name)
			return err_set(err, EINVAL, "seccomp: there is no flag '%s'", names->items[i]);
		flags |= f->flag;
	}
	*ret = flags;
	return 0;
}

static bool has_notify(const struct oci_seccomp *seccomp)
{
	for (size_t i = 0; i < seccomp->syscalls.len; i++)
		if (strcmp(seccomp->syscalls.items[i].action, "SCMP_ACT_NOTIFY") == 0)
			return true;
	return false;
}

/* Without a rule that notifies, listenerPath means nothing: config-linux.md. */
static int prepare_notify(struct start *st, struct err *err)
{
	const struct oci_seccomp *seccomp = &st->spec->linux_.seccomp;

	if (seccomp->listener_metadata && !seccomp->listener_path)
		return err_set(err, EINVAL, "seccomp: listenerMetadata without listenerPath");
	if (!has_notify(seccomp)) {
		st->filter_flags &= ~(unsigned)SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
		return 0;
	}
	if (!seccomp->listener_path)
		return err_set(err, EINVAL, "seccomp: SCMP_ACT_NOTIFY without listenerPath");
	if (st->options->notify_filter_len > 0) {
		err_set(err, EOPNOTSUPP,
			"seccomp: SCMP_ACT_NOTIFY, where ids are emulated: the kernel has one listener for a process");
		return err_hint(err, "run it as root or as a user with a range in /etc/subuid");
	}
	st->filter_notifies = true;
	st->filter_flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
	return 0;
}

int start_prepare_seccomp(struct start *st, struct err *err)
{
	const struct oci_linux *l = &st->spec->linux_;
	int r;

	if (l->seccomp_ready.json) {
		st->filter = l->seccomp_ready.filter;
		st->filter_len = l->seccomp_ready.filter_len;
		return 0;
	}
	if (!l->has_seccomp)
		return 0;
	r = flags_of(&l->seccomp.flags, &st->filter_flags, err);
	if (r == 0)
		r = profile_compile(&l->seccomp, &st->filter_owned, &st->filter_len, err);
	st->filter = st->filter_owned;
	return r == 0 ? prepare_notify(st, err) : r;
}
