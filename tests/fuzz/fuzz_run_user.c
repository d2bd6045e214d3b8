/* --user against an image's own /etc/passwd and /etc/group, which are as hostile as the image. */
#include "tests/fuzz/fuzz.h"

#include "base/cleanup.h"
#include "base/vec.h"
#include "engine/run/user.h"

/* Three texts, parted by a line "--": the user, passwd, group. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char part[] = "\n--\n";
	autofree char *spec = fuzz_string(data, size);
	char *passwd = strstr(spec, part), *group = passwd ? strstr(passwd + 4, part) : NULL;
	struct strv add = { 0 };
	struct run_user user = { 0 };
	struct err err = { 0 };

	if (!passwd || !group)
		return 0;
	*passwd = *group = '\0';
	if (run_user_resolve(spec, &add, passwd + 4, group + 4, &user, &err) >= 0) {
		FUZZ_ASSERT(user.home && user.groups.len <= RUN_GROUPS_MAX);
		FUZZ_ASSERT(user.uid != UINT32_MAX && user.gid != UINT32_MAX);
		run_user_done(&user);
	} else {
		FUZZ_ASSERT(err.msg[0]);
	}
	return 0;
}
