#include "engine/image/inside_libraries.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

enum { LIBRARIES_MAX = 1024, CONF_MAX = 65536, FOLDERS_MAX = 256 };

struct search {
	const struct layered *layers;
	const struct elf *program;
	struct strv folders; /* those that every library is looked for in */
	struct strv known;   /* names met so far */
	json_t *list;	     /* owned */
	size_t missing;
	struct err *err;
};

/* A library that is looked for, on behalf of a file. */
struct need {
	const char *name, *by; /* by: path in the image */
	const char *run_path;
};

/* "x86_64-linux-gnu": Debian's folders. */
static const char *triplet(const char *machine, int bits)
{
	if (strcmp(machine, "x86-64") == 0)
		return bits == 64 ? "x86_64-linux-gnu" : "x86_64-linux-gnux32";
	if (strcmp(machine, "AArch64") == 0)
		return "aarch64-linux-gnu";
	if (strcmp(machine, "i386") == 0)
		return "i386-linux-gnu";
	if (strcmp(machine, "ARM") == 0)
		return "arm-linux-gnueabihf";
	if (strcmp(machine, "RISC-V") == 0)
		return "riscv64-linux-gnu";
	if (strcmp(machine, "PowerPC64") == 0)
		return "powerpc64le-linux-gnu";
	return strcmp(machine, "S/390") == 0 ? "s390x-linux-gnu" : "";
}

static int add_folder(struct search *s, const char *folder, size_t len)
{
	autofree char *copy = strndup(folder, len);

	if (!copy)
		return -ENOMEM;
	if (copy[0] != '/' || s->folders.len >= FOLDERS_MAX || strv_contains(&s->folders, copy))
		return 0;
	return strv_add(&s->folders, copy);
}

/* Folders parted by any of SEPARATORS. */
static int add_folders(struct search *s, const char *text, const char *separators)
{
	int r = 0;

	while (r >= 0 && text && *text) {
		size_t len = strcspn(text, separators);

		r = add_folder(s, text, len);
		text += len;
		text += strspn(text, separators);
	}
	return r;
}

/* Without a comment and without blanks at either end, in place. */
static char *trim(char *line)
{
	size_t len;

	line += strspn(line, " \t");
	len = strcspn(line, "#");
	while (len > 0 && strchr(" \t\r", line[len - 1]))
		len--;
	line[len] = '\0';
	return line;
}

static int read_conf(struct search *s, const char *path, bool includes);

/* The pattern of an "include" line. */
static int read_included(struct search *s, const char *pattern)
{
	autofree char *folder = strndup(pattern, (size_t)(path_basename(pattern) - pattern));
	autostrv struct strv names = { 0 };
	int r = 0;

	if (!folder || layered_list(s->layers, folder, &names, NULL) < 0)
		return folder ? 0 : -ENOMEM;
	strv_sort(&names);
	for (size_t i = 0; r >= 0 && i < names.len; i++) {
		autofree char *path = path_join(folder, names.items[i]);

		if (fnmatch(path_basename(pattern), names.items[i], FNM_PERIOD) == 0)
			r = path ? read_conf(s, path, false) : -ENOMEM;
	}
	return r;
}

static int read_conf(struct search *s, const char *path, bool includes)
{
	autobuf struct buf text = BUF_INIT(CONF_MAX + 1);
	char *rest, *line;
	int r = 0;

	if (layered_read_file(s->layers, path, CONF_MAX, &text, NULL) < 0)
		return 0;
	rest = text.data;
	while (r >= 0 && rest && (line = strsep(&rest, "\n"))) {
		const char *pattern;

		line = trim(line);
		pattern = str_skip_prefix(line, "include ");
		if (pattern && includes)
			r = read_included(s, pattern + strspn(pattern, " \t"));
		else if (!pattern)
			r = add_folder(s, line, strlen(line));
	}
	return r;
}

static bool is_musl(const struct elf *elf)
{
	return elf->interpreter && str_starts_with(path_basename(elf->interpreter), "ld-musl-");
}

/* musl reads /etc/ld-musl-<arch>.path, else has three folders. */
static int add_musl_folders(struct search *s)
{
	const char *arch = path_basename(s->program->interpreter) + strlen("ld-musl-");
	autofree char *path = str_format("/etc/ld-musl-%.*s.path", (int)strcspn(arch, "."), arch);
	autobuf struct buf text = BUF_INIT(CONF_MAX + 1);

	if (!path)
		return -ENOMEM;
	if (layered_read_file(s->layers, path, CONF_MAX, &text, NULL) >= 0)
		return add_folders(s, buf_str(&text), ":\n");
	return add_folders(s, "/lib:/usr/local/lib:/usr/lib", ":");
}

static int add_glibc_folders(struct search *s)
{
	const char *name = triplet(s->program->machine, s->program->bits);
	autofree char *debian = str_format("/lib/%s:/usr/lib/%s", name, name);
	int r = read_conf(s, "/etc/ld.so.conf", true);

	if (!debian)
		return -ENOMEM;
	if (r >= 0 && *name)
		r = add_folders(s, debian, ":");
	if (r >= 0 && s->program->bits == 64)
		r = add_folders(s, "/lib64:/usr/lib64", ":");
	return r < 0 ? r : add_folders(s, "/lib:/usr/lib", ":");
}

/* --- looking --- */

/* A library in this file that fits the program: *RET_ELF is to be released. */
static bool try_file(struct search *s, const char *path, struct elf *ret_elf)
{
	autoclose int fd = layered_open(s->layers, path, NULL, NULL);

	if (fd < 0 || elf_read_fd(fd, ret_elf, NULL) < 0)
		return false;
	if (ret_elf->bits == s->program->bits && ret_elf->machine_code == s->program->machine_code)
		return true;
	elf_done(ret_elf);
	return false;
}

static char *try_folder(struct search *s, const char *folder, size_t len, const char *name, struct elf *ret_elf)
{
	autofree char *path = str_format("%.*s/%s", (int)len, folder, name);

	return path && try_file(s, path, ret_elf) ? TAKE_PTR(path) : NULL;
}

/* A run path has folders parted by colons, in which $ORIGIN is the folder of the file that has it. */
static char *try_run_path(struct search *s, const struct need *need, struct elf *ret_elf)
{
	const char *at = need->run_path;

	while (at && *at) {
		size_t len = strcspn(at, ":");
		autofree char *entry = strndup(at, len), *folder = NULL;
		const char *rest = entry ? str_skip_prefix(entry, "$ORIGIN") : NULL;
		char *found;

		if (entry && !rest)
			rest = str_skip_prefix(entry, "${ORIGIN}");
		folder = rest	 ? str_format("%.*s%s", (int)(path_basename(need->by) - need->by), need->by, rest)
			 : entry ? strdup(entry)
				 : NULL;
		found = folder && folder[0] == '/' ? try_folder(s, folder, strlen(folder), need->name, ret_elf) : NULL;
		if (found)
			return found;
		at += len;
		at += *at == ':';
	}
	return NULL;
}

static char *find_library(struct search *s, const struct need *need, struct elf *ret_elf)
{
	char *found = NULL;

	if (strchr(need->name, '/'))
		return try_file(s, need->name, ret_elf) ? strdup(need->name) : NULL;
	found = try_run_path(s, need, ret_elf);
	for (size_t i = 0; !found && i < s->folders.len; i++)
		found = try_folder(s, s->folders.items[i], strlen(s->folders.items[i]), need->name, ret_elf);
	return found;
}

static int add_result(struct search *s, const struct need *need, const char *path)
{
	autojson json_t *object = json_object();

	if (!object || json_add_string(object, "Name", need->name) < 0 || json_add_string(object, "Path", path) < 0 ||
	    json_add_string(object, "NeededBy", need->by) < 0)
		return -ENOMEM;
	return json_array_append(s->list, object);
}

static int resolve(struct search *s, const char *by, const struct elf *elf, int depth);

static int resolve_one(struct search *s, const struct need *need, int depth)
{
	autofree char *path = NULL;
	struct elf elf = { 0 };
	int r;

	if (strv_contains(&s->known, need->name))
		return 0;
	if (s->known.len >= LIBRARIES_MAX)
		return err_set(s->err, E2BIG, "the program needs more than %d libraries", LIBRARIES_MAX);
	if (strv_add(&s->known, need->name) < 0)
		return err_oom(s->err);
	path = find_library(s, need, &elf);
	r = add_result(s, need, path) < 0 ? err_oom(s->err) : 0;
	if (!path)
		s->missing++;
	else if (r >= 0)
		r = resolve(s, path, &elf, depth + 1);
	elf_done(&elf);
	return r;
}

static int resolve(struct search *s, const char *by, const struct elf *elf, int depth)
{
	int r = 0;

	/* Deeper than any real chain: their names would have to differ each time. */
	if (depth > 64)
		return 0;
	for (size_t i = 0; r >= 0 && i < elf->needed.len; i++) {
		struct need need = { elf->needed.items[i], by, elf->run_path };

		r = resolve_one(s, &need, depth);
	}
	return r;
}

int inside_libraries(const struct layered *layers, const char *program, const struct elf *elf, const struct strv *env,
		     json_t **ret, size_t *ret_missing, struct err *err)
{
	struct search s = { .layers = layers, .program = elf, .list = json_array(), .err = err };
	const char *path = strv_env_get(env, "LD_LIBRARY_PATH");
	int r = s.list ? 0 : -ENOMEM;

	if (r >= 0 && path)
		r = add_folders(&s, path, ":;");
	if (r >= 0)
		r = is_musl(elf) ? add_musl_folders(&s) : add_glibc_folders(&s);
	r = r < 0 ? err_oom(err) : resolve(&s, program, elf, 0);
	strv_done(&s.folders);
	strv_done(&s.known);
	if (r < 0) {
		json_decref(s.list);
		return r;
	}
	*ret = s.list;
	*ret_missing = s.missing;
	return 0;
}
