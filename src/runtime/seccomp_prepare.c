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
		const char *n = names->items[i];

		if (strcmp(n, "SECCOMP_FILTER_FLAG_LOG") == 0)
			flags |= SECCOMP_FILTER_FLAG_LOG;
		else if (strcmp(n, "SECCOMP_FILTER_FLAG_SPEC_ALLOW") == 0)
			flags |= SECCOMP_FILTER_FLAG_SPEC_ALLOW;
		else if (strcmp(n, "SECCOMP_FILTER_FLAG_TSYNC") != 0)
			return err_set(err, EINVAL, "seccomp: there is no flag '%s'", n);
	}
	*ret = flags;
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
	return r;
}
