#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "codec/elf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

struct input {
	const unsigned char *data;
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

static void reads_this_program(void **state)
{
	autoclose int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct elf elf;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(elf_read_fd(fd, &elf, &err), 0);
	assert_int_equal(elf.bits, 8 * (int)sizeof(void *));
	assert_non_null(elf.interpreter);
	assert_true(strv_contains(&elf.needed, "libcmocka.so.0"));
	assert_true(elf.pie);
	elf_done(&elf);
}

/* A little-endian 64-bit header with one segment header behind it, of which the test sets what it needs. */
static void make_header(unsigned char file[static 512])
{
	memset(file, 0, 512);
	memcpy(file, "\177ELF\2\1\1", 7);
	file[16] = 2;  /* ET_EXEC */
	file[18] = 62; /* x86-64 */
	file[32] = 64; /* e_phoff */
	file[54] = 56; /* e_phentsize */
	file[56] = 1;  /* e_phnum */
}

static int read_file(const unsigned char *file, size_t size, struct elf *ret, struct err *err)
{
	struct input in = { file, size };

	return elf_read(read_at, &in, ret, err);
}

static void a_static_program_needs_nothing(void **state)
{
	unsigned char file[512];
	struct elf elf;

	(void)state;
	make_header(file);
	file[64] = 1; /* PT_LOAD */
	assert_int_equal(read_file(file, sizeof(file), &elf, NULL), 0);
	assert_string_equal(elf.machine, "x86-64");
	assert_int_equal(elf.type, ELF_EXECUTABLE);
	assert_null(elf.interpreter);
	assert_int_equal(elf.needed.len, 0);
	elf_done(&elf);
}

static void the_interpreter_is_read(void **state)
{
	unsigned char file[512];
	struct elf elf;

	(void)state;
	make_header(file);
	file[64] = 3;	    /* PT_INTERP */
	file[64 + 8] = 200; /* p_offset */
	file[64 + 32] = 9;  /* p_filesz */
	memcpy(file + 200, "/lib/ld.x", 9);
	assert_int_equal(read_file(file, sizeof(file), &elf, NULL), -EBADMSG); /* no NUL within the segment */
	file[64 + 32] = 10;
	assert_int_equal(read_file(file, sizeof(file), &elf, NULL), 0);
	assert_string_equal(elf.interpreter, "/lib/ld.x");
	elf_done(&elf);
	assert_int_equal(read_file(file, 205, &elf, NULL), -EBADMSG);
}

static void broken_files_are_refused(void **state)
{
	static const struct {
		size_t at;
		unsigned char value;
		int code;
	} rows[] = {
		{ 0, 'x', EBADMSG },   /* magic */
		{ 4, 7, EBADMSG },     /* class */
		{ 5, 9, EBADMSG },     /* endianness */
		{ 39, 0xff, EBADMSG }, /* segment headers at 2^63 and more */
		{ 54, 3, EBADMSG },    /* segment headers too small */
		{ 57, 0xff, E2BIG },   /* 65,281 segments */
	};
	unsigned char file[512];
	struct elf elf;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		make_header(file);
		file[rows[i].at] = rows[i].value;
		assert_int_equal(read_file(file, sizeof(file), &elf, NULL), -rows[i].code);
	}
	make_header(file);
	for (size_t size = 0; size < 64 + 56; size++)
		assert_int_equal(read_file(file, size, &elf, NULL), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_this_program),
		cmocka_unit_test(a_static_program_needs_nothing),
		cmocka_unit_test(the_interpreter_is_read),
		cmocka_unit_test(broken_files_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
