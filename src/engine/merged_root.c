#include "engine/merged_root.h"

#include "base/cleanup.h"
#include "runtime/runtime.h"
#include "sys/fs.h"
#include "sys/msg.h"
#include "sys/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

struct request {
	const char *store_root, *upper, *work, *probe;
	const struct strv *lowers;
	int sock;
};

struct reply {
	bool exists, is_dir;
};

static int set_string(int fs, const char *key, const char *value)
{
	return fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0) < 0 ? -errno : 0;
}

/* fsconfig takes strings of 255 bytes: UPPER and WORK are long, so they are said relative to the working folder. */
static const char *relative(const struct request *q, const char *path)
{
	size_t len = strlen(q->store_root);

	return strncmp(path, q->store_root, len) == 0 && path[len] == '/' ? path + len + 1 : path;
}

/* One "lowerdir+" a layer, since Linux 6.7. */
static int mount_new(const struct request *q)
{
	autoclose int fs = fsopen("overlay", FSOPEN_CLOEXEC);
	int r = fs < 0 ? -errno : 0, tree;

	for (size_t i = 0; i < q->lowers->len && r == 0; i++)
		r = set_string(fs, "lowerdir+", relative(q, q->lowers->items[i]));
	if (r == 0 && q->upper)
		r = set_string(fs, "upperdir", relative(q, q->upper));
	if (r == 0 && q->upper)
		r = set_string(fs, "workdir", relative(q, q->work));
	if (r == 0 && fsconfig(fs, FSCONFIG_SET_FLAG, "userxattr", NULL, 0) < 0)
		r = -errno;
	/* What is written is read back by the layer helper and synced by the store: overlay need not do it too. */
	if (r == 0 && q->upper && fsconfig(fs, FSCONFIG_SET_FLAG, "volatile", NULL, 0) < 0)
		r = -errno;
	if (r == 0 && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		r = -errno;
	if (r < 0)
		return r;
	tree = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	return tree < 0 ? -errno : tree;
}

/* All in one string, for older kernels: mounted over the working folder, then taken off as a tree of its own. */
static int mount_old(const struct request *q)
{
	autobuf struct buf text = BUF_INIT(4000);
	int tree;

	buf_add_str(&text, "userxattr,lowerdir=");
	for (size_t i = 0; i < q->lowers->len; i++)
		buf_addf(&text, "%s%s", i ? ":" : "", relative(q, q->lowers->items[i]));
	if (q->upper)
		buf_addf(&text, ",volatile,upperdir=%s,workdir=%s", relative(q, q->upper), relative(q, q->work));
	if (text.error)
		return -E2BIG;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("overlay", "tmp", "overlay", 0, buf_str(&text)) < 0)
		return -errno;
	tree = open_tree(AT_FDCWD, "tmp", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	return tree < 0 ? -errno : tree;
}

static struct reply look(int root, const char *probe)
{
	autoclose int fd = fs_open_in_root(root, probe, O_PATH, 0, NULL);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return (struct reply){ false, false };
	return (struct reply){ true, S_ISDIR(st.st_mode) };
}

/* Overlayfs doesn't want these folders, as opposed to something being missing. */
static bool is_refusal(int code)
{
	return code == -EINVAL || code == -EPERM || code == -EACCES || code == -ENODEV || code == -EOPNOTSUPP ||
	       code == -ELOOP;
}

/* In the child: mounts, looks, and hands the root over. */
static int make_root(void *arg, struct err *err)
{
	struct request *q = arg;
	struct reply reply = { 0 };
	autoclose int tree = -1;

	if (chdir(q->store_root) < 0)
		return err_errno(err, errno, "enter '%s'", q->store_root);
	tree = mount_new(q);
	if (tree == -EINVAL || tree == -ENOSYS || tree == -EOPNOTSUPP)
		tree = mount_old(q);
	if (is_refusal(tree))
		return err_set(err, RUNTIME_OVERLAY_REFUSED, "the kernel refuses an overlay on '%s': %s", q->store_root,
			       strerror(-tree));
	if (tree < 0) {
		err_errno(err, -tree, "mount an overlay of %zu layers", q->lowers->len);
		return err_hint(err, "'cloche doctor' says what this machine's kernel and file system offer");
	}
	if (q->probe)
		reply = look(tree, q->probe);
	return msg_send(q->sock, &reply, sizeof(reply), &tree, 1, err);
}

int merged_root_open_tree(const char *tree, const char *probe, struct merged_root *ret, struct err *err)
{
	struct reply reply = { 0 };
	int fd = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, errno, "open '%s'", tree);
	if (probe)
		reply = look(fd, probe);
	*ret = (struct merged_root){ fd, reply.is_dir, reply.exists };
	return 0;
}

int merged_root_open(const struct idmap *ids, const char *store_root, const struct strv *lowers, const char *upper,
		     const char *work, const char *probe, struct merged_root *ret, struct err *err)
{
	struct request q = { store_root, upper, work, probe, lowers, -1 };
	autobuf struct buf text = BUF_INIT(MSG_MAX);
	autoclose int ours = -1, theirs = -1;
	struct reply reply;
	int pair[2], fd, r;

	r = msg_pair(pair, err);
	if (r < 0)
		return r;
	ours = pair[0];
	theirs = q.sock = pair[1];
	/* Root needs no namespace of ids, but a child: the working folder is the process's. */
	r = userns_run(ids->mode == ID_MODE_ROOT ? NULL : ids, USERNS_MOUNT, make_root, &q, err);
	if (r < 0)
		return r;
	r = msg_receive(ours, &text, &fd, 1, err);
	if (r < 0)
		return r;
	if (r != 1 || text.len != sizeof(reply))
		return err_set(err, EPROTO, "mount an overlay: no answer");
	memcpy(&reply, text.data, sizeof(reply));
	*ret = (struct merged_root){ fd, reply.is_dir, reply.exists };
	return 0;
}
