#include "engine/exec/debug_tools.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "codec/elf_file.h"
#include "codec/tar.h"
#include "engine/exec/debug.h"
#include "engine/image/import.h"
#include "store/image.h"
#include "sys/fs.h"
#include "sys/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUSYBOX_MAX = 16 << 20, APPLETS_MAX = 64 * 1024, TAR_MAX = BUSYBOX_MAX + (4 << 20) };

static const char *const places[] = { "/bin/busybox", "/usr/bin/busybox", "/usr/local/bin/busybox",
				      "/usr/lib/busybox/bin/busybox" };

static int open_busybox(const char **ret_path, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		autoclose int fd = open(places[i], O_RDONLY | O_CLOEXEC);
		struct elf elf;

		if (fd < 0 || elf_read_fd(fd, &elf, NULL) < 0)
			continue;
		*ret_path = elf.interpreter ? NULL : places[i];
		elf_done(&elf);
		if (*ret_path)
			return TAKE_FD(fd);
	}
	err_set(err, ENOENT, "this machine has no static busybox");
	return err_hint(err, "name an image that has tools with --image, or install Debian's busybox-static");
}

/* The names that it answers to, one a line. */
static int list_applets(const char *path, struct buf *ret, struct err *err)
{
	CLEANUP(process_done) struct process p = PROCESS_INIT;
	autoclose int from = -1, to = -1;
	char *argv[] = { (char *)(uintptr_t) "busybox", (char *)(uintptr_t) "--list", NULL };
	int pipe_fds[2], r;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_errno(err, errno, "make a pipe");
	from = pipe_fds[0];
	to = pipe_fds[1];

	const int fds[] = { -1, to, -1 };
	const struct spawn s = { .path = path, .argv = argv, .fds = fds, .fds_len = 3, .die_with_parent = true };

	r = spawn_start(&s, &p, err);
	close(TAKE_FD(to));
	if (r >= 0)
		r = fs_read_fd(from, ret->max, ret, err);
	return r < 0 ? err_wrap(err, "ask '%s' what it can do", path) : 0;
}

static int add_entry(struct buf *tar, enum tar_type type, const char *name, const char *link, uint32_t mode,
		     uint64_t size)
{
	const struct tar_entry e = { .type = type, .name = name, .link = link, .mode = mode, .size = size };

	return tar_write_header(tar, &e);
}

static int add_busybox(int fd, struct buf *tar, struct err *err)
{
	static const char zeros[TAR_BLOCK_SIZE];
	autobuf struct buf program = BUF_INIT(BUSYBOX_MAX);
	int r = fs_read_fd(fd, program.max, &program, err);

	if (r < 0)
		return err_wrap(err, "read busybox");
	add_entry(tar, TAR_FILE, "bin/busybox", "", 0755, program.len);
	buf_add(tar, program.data, program.len);
	buf_add(tar, zeros, tar_padding(program.len));
	return 0;
}

static void add_links(char *names, struct buf *tar)
{
	char *name;

	while ((name = strsep(&names, "\n"))) {
		char path[64];

		if (*name && !strchr(name, '/') && strlen(name) < 50 && strcmp(name, "busybox") != 0) {
			snprintf(path, sizeof(path), "bin/%s", name);
			add_entry(tar, TAR_SYMLINK, path, "busybox", 0777, 0);
		}
	}
}

static int make_tar(struct buf *tar, struct err *err)
{
	static const char *const folders[] = { "bin", "container", "dev", "etc", "proc", "root", "sys", "tmp" };
	autobuf struct buf applets = BUF_INIT(APPLETS_MAX);
	autofree char *names = NULL;
	const char *path;
	autoclose int fd = open_busybox(&path, err);
	int r = fd < 0 ? fd : list_applets(path, &applets, err);

	if (r < 0)
		return r;
	names = buf_take(&applets);
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		add_entry(tar, TAR_FOLDER, folders[i], "", 0755, 0);
	r = add_busybox(fd, tar, err);
	if (r < 0)
		return r;
	if (names)
		add_links(names, tar);
	tar_write_end(tar);
	return !names || tar->error ? err_oom(err) : 0;
}

int debug_tools_ensure(struct engine *e, struct err *err)
{
	autobuf struct buf tar = BUF_INIT(TAR_MAX);
	struct import_options o = { .origin = "the host's busybox" };
	const struct strv none = { 0 };
	struct reference name;
	struct store_image img;
	struct digest id;
	autoclose int fd = -1;
	int r = store_image_open(e->store, DEBUG_TOOLS_IMAGE, &img, NULL);

	if (r >= 0) {
		store_image_done(&img);
		return 0;
	}
	r = reference_parse(DEBUG_TOOLS_IMAGE, &name, err);
	if (r >= 0)
		r = make_tar(&tar, err);
	if (r < 0)
		return r;
	fd = memfd_create("tools", MFD_CLOEXEC);
	if (fd < 0)
		return err_errno(err, errno, "make a memory file");
	r = fs_write_all(fd, tar.data, tar.len, err);
	if (r < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return r;
	o.name = &name;
	o.changes = &none;
	r = engine_import(e, fd, &o, &id, err);
	return r < 0 ? err_wrap(err, "make an image of busybox") : 0;
}
