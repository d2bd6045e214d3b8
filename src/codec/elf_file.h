/*
 * What an ELF file says of itself and of what it needs: class, machine, static or dynamic, interpreter, libraries.
 * Only headers are read, by pread, with limits; nothing of the file is trusted.
 *
 * Sources: System V ABI (gABI) chapters 4 and 5, elf(5).
 */
#pragma once

#include "base/err.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	ELF_SEGMENTS_MAX = 4096,
	ELF_DYNAMIC_MAX = 65536, /* entries of the dynamic section */
	ELF_NEEDED_MAX = 4096,
	ELF_STRING_MAX = 4096,
};

enum elf_type { ELF_EXECUTABLE, ELF_SHARED, ELF_OTHER };

struct elf {
	int bits; /* 32 or 64 */
	bool big_endian;
	uint16_t machine_code; /* EM_… */
	const char *machine;   /* "x86-64", "AArch64", "unknown"; static */
	enum elf_type type;
	bool pie;		 /* ELF_SHARED with an interpreter or the PIE flag */
	bool is_dynamic;	 /* has a dynamic section: static PIE has one too, without interpreter and libraries */
	char *interpreter;	 /* PT_INTERP; NULL: none; owned */
	char *soname, *run_path; /* DT_SONAME, DT_RUNPATH or DT_RPATH; NULL: none; owned */
	struct strv needed;	 /* DT_NEEDED, in order */
};

/* Where the bytes are: fills DST completely from OFFSET; 0, or a negative errno (-ENODATA: past the end). */
typedef int (*elf_read_fn)(void *arg, uint64_t offset, void *dst, size_t len);

/* -EBADMSG: no ELF, or broken; -E2BIG: over a limit. */
int elf_read(elf_read_fn read, void *arg, struct elf *ret, struct err *err);
int elf_read_fd(int fd, struct elf *ret, struct err *err);
void elf_done(struct elf *elf);

/* The first bytes of a file say whether it is worth elf_read. */
bool elf_is_magic(const void *data, size_t len);
