/* ELF headers: no read outside of the file's bytes, no list over its limit. */
#include "tests/fuzz/fuzz.h"

#include "codec/elf_file.h"

#include <errno.h>

struct input {
	const uint8_t *data;
	size_t size;
};

static int read_at(void *arg, uint64_t offset, void *dst, size_t len)
{
	const struct input *in = arg;

	if (offset > in->size || len > in->size - offset)
		return -ENODATA;
	memcpy(dst, in->data + offset, len);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct err err = { 0 };
	struct elf elf;

	if (elf_read(read_at, &in, &elf, &err) < 0) {
		FUZZ_ASSERT(err.code == EBADMSG || err.code == E2BIG || err.code == ENOMEM);
		return 0;
	}
	FUZZ_ASSERT(elf.bits == 32 || elf.bits == 64);
	FUZZ_ASSERT(elf.needed.len <= ELF_NEEDED_MAX);
	FUZZ_ASSERT(!elf.interpreter || strlen(elf.interpreter) < ELF_STRING_MAX);
	elf_done(&elf);
	return 0;
}
