#include "engine/image/changes.h"

#include "base/cleanup.h"
#include "build/apply.h"
#include "codec/dockerfile.h"

#include <errno.h>

static int apply_one(const struct dockerfile *df, bool *cmd_is_own, struct image_config *c, struct err *err)
{
	struct apply a = { .df = df, .vars = { .env = &c->env }, .config = c, .cmd_is_own = cmd_is_own };
	autobuf struct buf said = BUF_INIT(1 << 20);

	if (df->instructions.len != 1)
		return err_set(err, EBADMSG, "one instruction is expected");
	if (!apply_is_config(df->instructions.items[0].keyword)) {
		err_set(err, EBADMSG, "this instruction does not change the configuration");
		return err_hint(
			err,
			"CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, SHELL, STOPSIGNAL, USER, VOLUME "
			"and WORKDIR do");
	}
	return apply_instruction(&a, &df->instructions.items[0], &said, err);
}

int changes_apply(const struct strv *changes, struct image_config *c, struct err *err)
{
	/* CMD and ENTRYPOINT may come in any order, and neither takes the other away. */
	bool cmd_is_own = true;

	for (size_t i = 0; i < changes->len; i++) {
		struct dockerfile df = DOCKERFILE_INIT;
		int r = dockerfile_parse_line("--change", changes->items[i], &df, err);

		if (r >= 0)
			r = apply_one(&df, &cmd_is_own, c, err);
		dockerfile_done(&df);
		if (r < 0)
			return err_wrap(err, "--change '%s'", changes->items[i]);
	}
	return 0;
}
