/* Whatever an attribute holds: it is refused, or it is an owner that encodes again to something that means the same. */
#include "codec/owner.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const mode_t types[] = { S_IFREG, S_IFDIR, S_IFLNK, S_IFSOCK, S_IFIFO };
	uint8_t value[OWNER_VALUE_MAX];
	struct owner o, again;
	mode_t type;
	int len;

	if (size == 0)
		return 0;
	type = types[data[0] % (sizeof(types) / sizeof(types[0]))];
	if (owner_decode(type, data + 1, size - 1, &o) < 0)
		return 0;
	len = owner_encode(&o, type, value);
	if (len < 0 || owner_decode(type, value, (size_t)len, &again) < 0 || memcmp(&o, &again, sizeof(o)) != 0)
		abort();
	return 0;
}
