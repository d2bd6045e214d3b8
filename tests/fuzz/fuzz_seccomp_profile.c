/* docker's seccomp profiles: refused with a message, or a filter that answers every call within its bounds. */
#include "tests/fuzz/fuzz.h"

#include "base/cleanup.h"
#include "runtime/profile.h"
#include "runtime/seccomp_default.h"
#include "tests/unit/bpf.h"

#include <linux/audit.h>

static void ask(const struct sock_filter *code, size_t len)
{
	static const uint32_t archs[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64 };

	for (int nr = -1; nr < 600; nr++) {
		struct seccomp_data data = { .nr = nr, .arch = archs[(nr + 1) % 3], .args = { 1, UINT64_MAX, 0 } };
		struct bpf_machine m = { .code = code, .len = len };

		bpf_run(&m, &data);
		FUZZ_ASSERT(!m.bad);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(oci_seccomp_done) struct oci_seccomp profile = { 0 };
	autofree struct sock_filter *code = NULL;
	struct err err = { 0 };
	size_t len;

	if (seccomp_docker_parse((const char *)data, size, UINT64_C(0xa80425fb), &profile, &err) < 0) {
		FUZZ_ASSERT(err.code && err.msg[0]);
		return 0;
	}
	if (profile_compile(&profile, &code, &len, &err) < 0)
		FUZZ_ASSERT(err.code && err.msg[0]);
	else
		ask(code, len);
	return 0;
}
