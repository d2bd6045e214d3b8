#include "base/cleanup.h"
#include "runtime/seccomp_default.h"

#include <linux/filter.h>

#include "seccomp_default_ready.h"

void seccomp_default_ready(struct oci_seccomp_ready *ret)
{
	*ret = (struct oci_seccomp_ready){ default_json, default_filter, ARRAY_SIZE(default_filter) };
}
