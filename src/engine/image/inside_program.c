/* What an image starts: found as execve and a shell would, and read as an ELF file. */
#include "engine/image/inside.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "codec/elf_file.h"
#include "engine/image/inside_libraries.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SCRIPTS_MAX = 4, SCRIPT_LINE_MAX = 256 };

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct finding {
	const struct store_image *img;
	const struct layered *layers;
	json_t *object;	 /* borrowed: Program */
	json_t *scripts; /* borrowed: its Scripts */
};

/* Says what stands in the way of a start. */
static int problem(struct finding *f, struct err *err, const char *fmt, const char *what)
{
	autofree char *text = str_format(fmt, what);

	return !text || json_add_string(f->object, "Problem", text) < 0 ? err_oom(err) : 0;
}

/* --- where it is --- */

static int open_program(struct finding *f, const char *path, char **ret_path)
{
	autoclose int fd = layered_open(f->layers, path, ret_path, NULL);
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && !(st.st_mode & 0111)) {
		free(TAKE_PTR(*ret_path));
		return -EACCES;
	}
	return TAKE_FD(fd);
}

/* NAME as the runtime finds it: by PATH, or from the working folder. Returns a descriptor, -ENOENT, -EACCES … */
static int search(struct finding *f, const char *name, char **ret_path)
{
	const struct image_config *c = &f->img->config;
	const char *at = strv_env_get(&c->env, "PATH");
	int r = -ENOENT;

	if (strchr(name, '/')) {
		autofree char *path =
			path_resolve(c->working_dir && *c->working_dir == '/' ? c->working_dir : "/", name);

		return path ? open_program(f, path, ret_path) : -ENOMEM;
	}
	for (at = at ? at : DEFAULT_PATH; *at;) {
		size_t len = strcspn(at, ":");
		autofree char *path = str_format("%.*s/%s", (int)len, at, name);
		int fd = path ? open_program(f, path, ret_path) : -ENOMEM;

		if (fd >= 0)
			return fd;
		if (fd == -EACCES)
			r = fd;
		at += len + (at[len] == ':');
	}
	return r;
}

/* The number of the layer that has the file, counted from the base, from 1; 0: not found. */
static int64_t layer_of(const struct layered *layers, const char *path, int fd)
{
	struct stat wanted, st;

	if (fstat(fd, &wanted) < 0)
		return 0;
	for (size_t i = 0; i < layers->len; i++) {
		autoclose int at = fs_open_beneath(layers->fds[i], path + 1, O_PATH, 0, NULL);

		if (at >= 0 && fstat(at, &st) == 0 && st.st_ino == wanted.st_ino && st.st_dev == wanted.st_dev)
			return (int64_t)(layers->len - i);
	}
	return 0;
}

/* --- scripts --- */

/* The interpreter of a "#!" line in LINE, cut out in place; NULL if it is none. */
static char *script_interpreter(char *line)
{
	if (!str_starts_with(line, "#!"))
		return NULL;
	line += 2 + strspn(line + 2, " \t");
	line[strcspn(line, " \t\r\n")] = '\0';
	return *line ? line : NULL;
}

static int add_script(struct finding *f, const char *path, const char *interpreter, struct err *err)
{
	autojson json_t *script = json_object();

	if (!script || json_add_string(script, "Path", path) < 0 ||
	    json_add_string(script, "Interpreter", interpreter) < 0 || json_array_append(f->scripts, script) < 0)
		return err_oom(err);
	return 0;
}

/*
 * Follows "#!" lines from *FD and *PATH to the program that the kernel would run in the end. 1: FD and PATH are it;
 * 0: there is a problem, which was noted.
 */
static int follow_scripts(struct finding *f, int *fd, char **path, struct err *err)
{
	for (int i = 0; i < SCRIPTS_MAX; i++) {
		char line[SCRIPT_LINE_MAX + 1], *interpreter, *next = NULL;
		ssize_t n = pread(*fd, line, SCRIPT_LINE_MAX, 0);
		int r;

		if (n < 0)
			return err_errno(err, errno, "read '%s'", *path);
		line[n] = '\0';
		interpreter = script_interpreter(line);
		if (!interpreter)
			return 1;
		r = add_script(f, *path, interpreter, err);
		if (r < 0)
			return r;
		close(*fd);
		*fd = search(f, interpreter, &next);
		free(*path);
		*path = next;
		if (*fd < 0)
			return problem(f, err,
				       *fd == -EACCES ? "its interpreter %s can't be executed"
						      : "its interpreter %s is not in the image",
				       interpreter);
	}
	return problem(f, err, "scripts lead to scripts: %s", *path);
}

/* --- what it needs --- */

static int add_format(struct finding *f, const struct elf *elf, struct err *err)
{
	bool is_static = !elf->interpreter && elf->needed.len == 0;
	autofree char *format = str_format("ELF %d-bit %s, %s%s", elf->bits, elf->machine,
					   is_static ? "static" : "dynamic", elf->pie ? ", position-independent" : "");

	if (!format || json_add_string(f->object, "Format", format) < 0 ||
	    json_add_bool(f->object, "Static", is_static) < 0)
		return err_oom(err);
	return 0;
}

static int add_needs(struct finding *f, const char *path, const struct elf *elf, struct err *err)
{
	json_t *libraries = NULL;
	size_t missing = 0;
	int r;

	if (elf->interpreter) {
		autofree char *real = NULL;
		autoclose int fd = layered_open(f->layers, elf->interpreter, &real, NULL);

		if (json_add_string(f->object, "Interpreter", elf->interpreter) < 0 ||
		    (fd >= 0 && json_add_string(f->object, "InterpreterPath", real) < 0))
			return err_oom(err);
		if (fd < 0 && problem(f, err, "its interpreter %s is not in the image", elf->interpreter) < 0)
			return -err->code;
	}
	r = inside_libraries(f->layers, path, elf, &f->img->config.env, &libraries, &missing, err);
	if (r < 0)
		return r;
	if (json_add(f->object, "Libraries", libraries) < 0 || json_add_int(f->object, "Missing", (int64_t)missing) < 0)
		return err_oom(err);
	if (missing > 0 && !json_object_get(f->object, "Problem"))
		return problem(f, err, "libraries that it needs are not in the image%s", "");
	return 0;
}

/* GOARCH for what the ELF file is for; NULL: not known. */
static const char *architecture(const struct elf *elf)
{
	static const struct {
		const char *machine, *name;
	} known[] = {
		{ "x86-64", "amd64" },	 { "AArch64", "arm64" }, { "i386", "386" },	     { "ARM", "arm" },
		{ "RISC-V", "riscv64" }, { "S/390", "s390x" },	 { "LoongArch", "loong64" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strcmp(known[i].machine, elf->machine) == 0)
			return known[i].name;
	return NULL;
}

static int describe_elf(struct finding *f, const char *path, int fd, struct err *err)
{
	const char *said = f->img->config.architecture, *is;
	struct err why = { 0 };
	struct elf elf;
	int r = elf_read_fd(fd, &elf, &why);

	if (r == -EBADMSG || r == -E2BIG)
		return problem(f, err, "%s", why.msg);
	if (r < 0)
		return err_set(err, why.code, "%s", why.msg);
	is = architecture(&elf);
	r = add_format(f, &elf, err);
	if (r >= 0)
		r = add_needs(f, path, &elf, err);
	if (r >= 0 && is && said && strcmp(is, said) != 0 && !json_object_get(f->object, "Problem"))
		r = problem(f, err, "it is for %s, and the image says that it is for another architecture", is);
	elf_done(&elf);
	return r;
}

static int describe(struct finding *f, const char *name, struct err *err)
{
	autofree char *path = NULL;
	autoclose int fd = search(f, name, &path);
	int r;

	if (fd == -EACCES)
		return problem(f, err, "%s can't be read, or is not executable", name);
	if (fd < 0)
		return problem(f, err, "%s is not in the image", name);
	r = follow_scripts(f, &fd, &path, err);
	if (r <= 0)
		return r;
	if (json_add_string(f->object, "Path", path) < 0 ||
	    json_add_int(f->object, "Layer", layer_of(f->layers, path, fd)) < 0)
		return err_oom(err);
	return describe_elf(f, path, fd, err);
}

int inside_program(const struct store_image *img, const struct layered *layers, json_t **ret, struct err *err)
{
	autojson json_t *object = json_object(), *scripts = json_array();
	struct finding f = { img, layers, object, scripts };
	autostrv struct strv command = { 0 };
	int r;

	if (!object || !scripts || strv_add_all(&command, &img->config.entrypoint) < 0 ||
	    strv_add_all(&command, &img->config.cmd) < 0)
		return err_oom(err);
	if (command.len == 0)
		return 0;
	if (json_add_strings(object, "Command", &command, false) < 0)
		return err_oom(err);
	r = describe(&f, command.items[0], err);
	if (r >= 0 && json_array_size(scripts) > 0 && json_add(object, "Scripts", json_incref(scripts)) < 0)
		r = err_oom(err);
	if (r >= 0)
		*ret = TAKE_PTR(object);
	return r;
}
