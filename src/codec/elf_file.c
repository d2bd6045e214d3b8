#include "codec/elf_file.h"

#include "base/cleanup.h"

#include <elf.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The file, and the two things on which the meaning of its numbers depends. */
struct reader {
	elf_read_fn read;
	void *arg;
	bool wide, swap;
	struct err *err;
};

struct segment {
	uint32_t type;
	uint64_t offset, address, file_size;
};

struct segments {
	struct segment *items;
	size_t len;
};

struct dynamic {
	uint64_t strings, strings_size; /* DT_STRTAB (an address), DT_STRSZ */
	uint64_t soname, run_path, r_path;
	bool has_soname, has_run_path, has_r_path;
	uint64_t flags_1;
	uint64_t *needed; /* owned */
	size_t needed_len;
};

bool elf_is_magic(const void *data, size_t len)
{
	return len >= SELFMAG && memcmp(data, ELFMAG, SELFMAG) == 0;
}

void elf_done(struct elf *elf)
{
	free(elf->interpreter);
	free(elf->soname);
	free(elf->run_path);
	strv_done(&elf->needed);
	*elf = (struct elf){ 0 };
}

static int broken(struct reader *r, const char *what)
{
	return err_set(r->err, EBADMSG, "the ELF file is broken: %s", what);
}

static int fetch(struct reader *r, uint64_t offset, void *dst, size_t len, const char *what)
{
	int code = r->read(r->arg, offset, dst, len);

	if (code == -ENODATA)
		return broken(r, what);
	return code < 0 ? err_errno(r->err, -code, "read the ELF file") : 0;
}

static uint16_t u16(const struct reader *r, uint16_t v)
{
	return r->swap ? __builtin_bswap16(v) : v;
}

static uint32_t u32(const struct reader *r, uint32_t v)
{
	return r->swap ? __builtin_bswap32(v) : v;
}

static uint64_t u64(const struct reader *r, uint64_t v)
{
	return r->swap ? __builtin_bswap64(v) : v;
}

static const char *machine_name(uint16_t code)
{
	static const struct {
		uint16_t code;
		const char *name;
	} known[] = {
		{ EM_X86_64, "x86-64" }, { EM_AARCH64, "AArch64" },  { EM_386, "i386" },   { EM_ARM, "ARM" },
		{ EM_RISCV, "RISC-V" },	 { EM_PPC64, "PowerPC64" },  { EM_S390, "S/390" }, { EM_MIPS, "MIPS" },
		{ EM_PPC, "PowerPC" },	 { EM_SPARCV9, "SPARC v9" }, { EM_68K, "m68k" },   { 258, "LoongArch" },
		{ EM_BPF, "BPF" },	 { EM_IA_64, "IA-64" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].code == code)
			return known[i].name;
	return "unknown";
}

static enum elf_type type_of(uint16_t type)
{
	return type == ET_EXEC ? ELF_EXECUTABLE : type == ET_DYN ? ELF_SHARED : ELF_OTHER;
}

/* --- headers --- */

static int read_segment(struct reader *r, uint64_t at, struct segment *ret)
{
	union {
		Elf32_Phdr narrow;
		Elf64_Phdr wide;
	} h;
	int code = fetch(r, at, &h, r->wide ? sizeof(h.wide) : sizeof(h.narrow), "a segment's header is past its end");

	if (code < 0)
		return code;
	if (r->wide)
		*ret = (struct segment){ u32(r, h.wide.p_type), u64(r, h.wide.p_offset), u64(r, h.wide.p_vaddr),
					 u64(r, h.wide.p_filesz) };
	else
		*ret = (struct segment){ u32(r, h.narrow.p_type), u32(r, h.narrow.p_offset), u32(r, h.narrow.p_vaddr),
					 u32(r, h.narrow.p_filesz) };
	return 0;
}

static int read_segments(struct reader *r, uint64_t offset, size_t entry_size, size_t len, struct segments *ret)
{
	size_t least = r->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);

	if (len == 0)
		return 0;
	if (len > ELF_SEGMENTS_MAX)
		return err_set(r->err, E2BIG, "the ELF file has %zu segments, over the limit of %d", len,
			       ELF_SEGMENTS_MAX);
	if (entry_size < least)
		return broken(r, "segment headers are too small");
	ret->items = calloc(len, sizeof(*ret->items));
	if (!ret->items)
		return err_oom(r->err);
	for (size_t i = 0; i < len; i++) {
		uint64_t at;
		int code;

		if (__builtin_add_overflow(offset, (uint64_t)i * entry_size, &at))
			return broken(r, "segment headers are past its end");
		code = read_segment(r, at, &ret->items[i]);
		if (code < 0)
			return code;
		ret->len = i + 1;
	}
	return 0;
}

static int read_header(struct reader *r, struct elf *elf, struct segments *segments)
{
	union {
		unsigned char ident[EI_NIDENT];
		Elf32_Ehdr narrow;
		Elf64_Ehdr wide;
	} h;
	int code = fetch(r, 0, h.ident, EI_NIDENT, "it is shorter than its first header");

	if (code < 0)
		return code;
	if (!elf_is_magic(h.ident, EI_NIDENT))
		return err_set(r->err, EBADMSG, "not an ELF file");
	if (h.ident[EI_CLASS] != ELFCLASS32 && h.ident[EI_CLASS] != ELFCLASS64)
		return broken(r, "neither 32 nor 64 bits");
	if (h.ident[EI_DATA] != ELFDATA2LSB && h.ident[EI_DATA] != ELFDATA2MSB)
		return broken(r, "neither little nor big endian");
	r->wide = h.ident[EI_CLASS] == ELFCLASS64;
	elf->bits = r->wide ? 64 : 32;
	elf->big_endian = h.ident[EI_DATA] == ELFDATA2MSB;
	r->swap = elf->big_endian != (__BYTE_ORDER == __BIG_ENDIAN);
	code = fetch(r, 0, &h, r->wide ? sizeof(h.wide) : sizeof(h.narrow), "it is shorter than its first header");
	if (code < 0)
		return code;
	elf->machine_code = u16(r, h.wide.e_machine); /* at the same place in both classes, as is e_type */
	elf->machine = machine_name(elf->machine_code);
	elf->type = type_of(u16(r, h.wide.e_type));
	if (r->wide)
		return read_segments(r, u64(r, h.wide.e_phoff), u16(r, h.wide.e_phentsize), u16(r, h.wide.e_phnum),
				     segments);
	return read_segments(r, u32(r, h.narrow.e_phoff), u16(r, h.narrow.e_phentsize), u16(r, h.narrow.e_phnum),
			     segments);
}

/* --- strings --- */

/* The NUL-terminated string at OFFSET, at most LIMIT bytes with the NUL. */
static int read_string(struct reader *r, uint64_t offset, uint64_t limit, char **ret)
{
	size_t max = limit < ELF_STRING_MAX ? (size_t)limit : ELF_STRING_MAX, len = 0;
	char text[ELF_STRING_MAX];

	while (len < max) {
		uint64_t at;

		if (__builtin_add_overflow(offset, (uint64_t)len, &at))
			return broken(r, "a string is past its end");
		/* Byte by byte near the end of the file, in pieces before. */
		if (len + 64 > max || r->read(r->arg, at, text + len, 64) < 0) {
			int code = fetch(r, at, text + len, 1, "a string is past its end");

			if (code < 0)
				return code;
			if (!text[len++])
				break;
		} else if (memchr(text + len, '\0', 64)) {
			len += strlen(text + len) + 1;
			break;
		} else {
			len += 64;
		}
	}
	if (len == 0 || text[len - 1])
		return broken(r, "a string has no end");
	*ret = strdup(text);
	return *ret ? 0 : err_oom(r->err);
}

/* --- the dynamic section --- */

static void note_entry(struct dynamic *d, uint64_t tag, uint64_t value)
{
	switch (tag) {
	case DT_NEEDED:
		if (d->needed_len < ELF_NEEDED_MAX)
			d->needed[d->needed_len++] = value;
		break;
	case DT_STRTAB:
		d->strings = value;
		break;
	case DT_STRSZ:
		d->strings_size = value;
		break;
	case DT_SONAME:
		d->soname = value;
		d->has_soname = true;
		break;
	case DT_RUNPATH:
		d->run_path = value;
		d->has_run_path = true;
		break;
	case DT_RPATH:
		d->r_path = value;
		d->has_r_path = true;
		break;
	case DT_FLAGS_1:
		d->flags_1 = value;
		break;
	default:
		break;
	}
}

static int read_dynamic(struct reader *r, const struct segment *s, struct dynamic *d)
{
	size_t size = r->wide ? sizeof(Elf64_Dyn) : sizeof(Elf32_Dyn);
	uint64_t len = s->file_size / size;

	if (len > ELF_DYNAMIC_MAX)
		return err_set(r->err, E2BIG, "the ELF file's dynamic section is over the limit of %d entries",
			       ELF_DYNAMIC_MAX);
	d->needed = calloc(ELF_NEEDED_MAX, sizeof(*d->needed));
	if (!d->needed)
		return err_oom(r->err);
	for (uint64_t i = 0; i < len; i++) {
		Elf64_Dyn wide;
		Elf32_Dyn narrow;
		uint64_t at, tag, value;
		int code;

		if (__builtin_add_overflow(s->offset, i * size, &at))
			return broken(r, "the dynamic section is past its end");
		code = fetch(r, at, r->wide ? (void *)&wide : (void *)&narrow, size,
			     "the dynamic section is past its end");
		if (code < 0)
			return code;
		tag = r->wide ? u64(r, (uint64_t)wide.d_tag) : u32(r, (uint32_t)narrow.d_tag);
		value = r->wide ? u64(r, wide.d_un.d_val) : u32(r, narrow.d_un.d_val);
		if (tag == DT_NULL)
			break;
		note_entry(d, tag, value);
	}
	return 0;
}

/* Where in the file the address is; -EBADMSG if no segment holds it. */
static int file_offset(struct reader *r, const struct segments *segments, uint64_t address, uint64_t *ret)
{
	for (size_t i = 0; i < segments->len; i++) {
		const struct segment *s = &segments->items[i];

		if (s->type == PT_LOAD && address >= s->address && address - s->address < s->file_size &&
		    !__builtin_add_overflow(s->offset, address - s->address, ret))
			return 0;
	}
	return broken(r, "its strings are in no segment");
}

static int dynamic_string(struct reader *r, const struct dynamic *d, uint64_t table, uint64_t at, char **ret)
{
	uint64_t offset;

	if (at >= d->strings_size || __builtin_add_overflow(table, at, &offset))
		return broken(r, "a library's name is outside of its strings");
	return read_string(r, offset, d->strings_size - at, ret);
}

static int name_libraries(struct reader *r, const struct segments *segments, const struct dynamic *d, struct elf *elf)
{
	uint64_t table = 0;
	int code = 0;

	if (d->needed_len > 0 || d->has_soname || d->has_run_path || d->has_r_path)
		code = file_offset(r, segments, d->strings, &table);
	for (size_t i = 0; code >= 0 && i < d->needed_len; i++) {
		char *name = NULL;

		code = dynamic_string(r, d, table, d->needed[i], &name);
		if (code >= 0 && strv_take(&elf->needed, name) < 0)
			code = err_oom(r->err);
	}
	if (code >= 0 && d->has_soname)
		code = dynamic_string(r, d, table, d->soname, &elf->soname);
	if (code >= 0 && (d->has_run_path || d->has_r_path))
		code = dynamic_string(r, d, table, d->has_run_path ? d->run_path : d->r_path, &elf->run_path);
	return code;
}

static int read_segments_content(struct reader *r, const struct segments *segments, struct elf *elf)
{
	struct dynamic d = { 0 };
	int code = 0;

	for (size_t i = 0; code >= 0 && i < segments->len; i++) {
		const struct segment *s = &segments->items[i];

		if (s->type == PT_INTERP && !elf->interpreter) {
			code = read_string(r, s->offset, s->file_size, &elf->interpreter);
		} else if (s->type == PT_DYNAMIC && !elf->is_dynamic) {
			elf->is_dynamic = true;
			code = read_dynamic(r, s, &d);
		}
	}
	if (code >= 0)
		code = name_libraries(r, segments, &d, elf);
	elf->pie = elf->type == ELF_SHARED && (elf->interpreter || d.flags_1 & DF_1_PIE);
	free(d.needed);
	return code;
}

int elf_read(elf_read_fn read, void *arg, struct elf *ret, struct err *err)
{
	struct reader r = { .read = read, .arg = arg, .err = err };
	struct segments segments = { 0 };
	struct elf elf = { 0 };
	int code = read_header(&r, &elf, &segments);

	if (code >= 0)
		code = read_segments_content(&r, &segments, &elf);
	free(segments.items);
	if (code < 0) {
		elf_done(&elf);
		return code;
	}
	*ret = elf;
	return 0;
}

static int read_at(void *arg, uint64_t offset, void *dst, size_t len)
{
	const int *fd = arg;
	char *p = dst;

	if (offset > INT64_MAX - len)
		return -ENODATA;
	while (len > 0) {
		ssize_t n = pread(*fd, p, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENODATA;
		p += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int elf_read_fd(int fd, struct elf *ret, struct err *err)
{
	return elf_read(read_at, &fd, ret, err);
}
