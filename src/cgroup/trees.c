#include "cgroup/trees.h"

#include "base/buf.h"
#include "base/num.h"
#include "base/str.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static void tree_done(struct cgroup_tree *t)
{
	free(t->controllers);
	free(t->mount);
	free(t->root);
	free(t->own);
}

void cgroup_trees_done(struct cgroup_trees *t)
{
	for (size_t i = 0; i < t->len; i++)
		tree_done(&t->items[i]);
	free(t->items);
	*t = (struct cgroup_trees){ 0 };
}

bool cgroup_list_has(const char *list, const char *word)
{
	size_t len = strlen(word);

	while (list && *list) {
		size_t here = strcspn(list, ", \n");

		if (here == len && memcmp(list, word, len) == 0)
			return true;
		list += here;
		list += strspn(list, ", \n");
	}
	return false;
}

/* --- /proc/self/mountinfo: proc_pid_mountinfo(5) --- */

/* The kernel writes blanks, newlines and backslashes as \ooo. In place. */
static void unescape(char *s)
{
	char *to = s;

	while (*s) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' && s[3] >= '0' &&
		    s[3] <= '7') {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}

enum { FIELD_ROOT = 3, FIELD_MOUNT = 4, FIELDS_BEFORE_DASH = 6 };

/* What a version 1 mount controls stands in its options among others, all of which are known. */
static char *controllers_of(char *options)
{
	static const char *const others[] = { "rw",    "ro",	   "none",	    "clone_children",
					      "xattr", "noprefix", "cpuset_v2_mode" };
	struct buf list = BUF_INIT(4096);
	char *word;

	while ((word = strsep(&options, ","))) {
		bool other = !*word || str_starts_with(word, "release_agent=");

		for (size_t i = 0; i < ARRAY_SIZE(others); i++)
			other |= strcmp(word, others[i]) == 0;
		if (!other)
			buf_addf(&list, "%s%s", list.len ? "," : "", word);
	}
	return buf_take(&list);
}

static bool is_known(const struct cgroup_trees *t, const struct cgroup_tree *tree)
{
	for (size_t i = 0; i < t->len; i++)
		if (t->items[i].version == tree->version &&
		    (tree->version == 2 || strcmp(t->items[i].controllers, tree->controllers) == 0))
			return true;
	return false;
}

/* Takes over TREE's strings. */
static int add_tree(struct cgroup_trees *t, struct cgroup_tree *tree)
{
	if (!tree->controllers || !tree->mount || !tree->root) {
		tree_done(tree);
		return -ENOMEM;
	}
	if (is_known(t, tree)) {
		tree_done(tree);
		return 0;
	}
	if (t->len >= CGROUP_TREES_MAX) {
		tree_done(tree);
		return -E2BIG;
	}
	if (cgroup_trees_push(t, *tree) == 0)
		return 0;
	tree_done(tree);
	return -ENOMEM;
}

/* "30 22 0:27 / /sys/fs/cgroup/cpu rw,relatime shared:9 - cgroup cgroup rw,cpu"; what isn't such a line is passed over. */
static int parse_mount(char *line, struct cgroup_trees *t)
{
	char *fields[FIELDS_BEFORE_DASH] = { 0 }, *word, *type, *options;
	struct cgroup_tree tree = { 0 };
	size_t n = 0;

	while ((word = strsep(&line, " ")) && strcmp(word, "-") != 0)
		if (n < FIELDS_BEFORE_DASH)
			fields[n++] = word;
	type = word ? strsep(&line, " ") : NULL;
	if (n < FIELDS_BEFORE_DASH || !type || !str_starts_with(type, "cgroup") || !strsep(&line, " "))
		return 0;
	options = strsep(&line, " ");
	if (!options || (strcmp(type, "cgroup") != 0 && strcmp(type, "cgroup2") != 0))
		return 0;
	unescape(fields[FIELD_ROOT]);
	unescape(fields[FIELD_MOUNT]);
	tree.version = strcmp(type, "cgroup2") == 0 ? 2 : 1;
	tree.controllers = tree.version == 2 ? strdup("") : controllers_of(options);
	tree.mount = strdup(fields[FIELD_MOUNT]);
	tree.root = strdup(fields[FIELD_ROOT]);
	return add_tree(t, &tree);
}

int cgroup_trees_parse_mounts(const char *mountinfo, struct cgroup_trees *ret)
{
	autofree char *copy = strdup(mountinfo);
	char *rest = copy, *line;
	int r = copy ? 0 : -ENOMEM;

	while (r == 0 && rest && (line = strsep(&rest, "\n")))
		r = parse_mount(line, ret);
	return r;
}

/* --- /proc/PID/cgroup: "4:memory:/a/b" and "0::/a/b" --- */

/* The folder of the group PATH. Where the mount begins further down, PATH must be at or below that. */
static int set_own(struct cgroup_tree *tree, const char *path)
{
	size_t len = strcmp(tree->root, "/") == 0 ? 0 : strlen(tree->root);

	/* "/../x" is what a group outside of our namespace's root looks like. */
	if (tree->own || path[0] != '/' || str_starts_with(path, "/..") || strncmp(path, tree->root, len) != 0 ||
	    (len && path[len] && path[len] != '/'))
		return 0;
	path += len;
	tree->own = strcmp(path, "/") == 0 ? strdup(tree->mount) : str_format("%s%s", tree->mount, path);
	return tree->own ? 0 : -ENOMEM;
}

static int parse_own(struct cgroup_trees *t, char *line)
{
	char *hierarchy = strsep(&line, ":"), *controllers = line ? strsep(&line, ":") : NULL;

	for (size_t i = 0; line && i < t->len; i++) {
		struct cgroup_tree *tree = &t->items[i];
		bool same = tree->version == 2 ? strcmp(hierarchy, "0") == 0 && !*controllers
					       : strcmp(controllers, tree->controllers) == 0;

		if (same)
			return set_own(tree, line);
	}
	return 0;
}

int cgroup_trees_parse_own(struct cgroup_trees *t, const char *text)
{
	autofree char *copy = strdup(text);
	char *rest = copy, *line;
	int r = copy ? 0 : -ENOMEM;

	while (r == 0 && rest && (line = strsep(&rest, "\n")))
		r = parse_own(t, line);
	return r;
}

/* --- both --- */

/* Our own group may have fewer controllers than the top, and a namespace's top no others than its group. */
static int read_controllers(struct cgroup_tree *tree)
{
	autobuf struct buf text = BUF_INIT(4096);
	autofree char *path = path_join(tree->mount, "cgroup.controllers");
	char *copy;

	if (!path)
		return -ENOMEM;
	if (fs_read_file(AT_FDCWD, path, 4096, &text, NULL) < 0)
		return 0;
	copy = strndup(buf_str(&text), strcspn(buf_str(&text), "\n"));
	if (!copy)
		return -ENOMEM;
	free(tree->controllers);
	tree->controllers = copy;
	return 0;
}

int cgroup_trees_read(pid_t pid, struct cgroup_trees *ret, struct err *err)
{
	autobuf struct buf mounts = BUF_INIT(CGROUP_FILE_MAX), own = BUF_INIT(CGROUP_FILE_MAX);
	autotrees struct cgroup_trees t = { 0 };
	char path[48] = "/proc/self/cgroup";
	int r = fs_read_file(AT_FDCWD, "/proc/self/mountinfo", CGROUP_FILE_MAX, &mounts, err);

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	if (r >= 0)
		r = fs_read_file(AT_FDCWD, path, CGROUP_FILE_MAX, &own, err);
	if (r < 0)
		return r;
	r = cgroup_trees_parse_mounts(buf_str(&mounts), &t);
	if (r == 0)
		r = cgroup_trees_parse_own(&t, buf_str(&own));
	for (size_t i = 0; r == 0 && i < t.len; i++)
		if (t.items[i].version == 2)
			r = read_controllers(&t.items[i]);
	if (r < 0)
		return err_errno(err, -r, "understand /proc/self/mountinfo and '%s'", path);
	*ret = t;
	t = (struct cgroup_trees){ 0 };
	return 0;
}

const struct cgroup_tree *cgroup_trees_unified(const struct cgroup_trees *t)
{
	for (size_t i = 0; i < t->len; i++)
		if (t->items[i].version == 2)
			return &t->items[i];
	return NULL;
}

const struct cgroup_tree *cgroup_trees_with(const struct cgroup_trees *t, const char *controller)
{
	const struct cgroup_tree *unified = cgroup_trees_unified(t);

	if (unified && cgroup_list_has(unified->controllers, controller))
		return unified;
	/* The one controller that has another name in version 2. */
	if (unified && strcmp(controller, "blkio") == 0 && cgroup_list_has(unified->controllers, "io"))
		return unified;
	for (size_t i = 0; i < t->len; i++)
		if (t->items[i].version == 1 && cgroup_list_has(t->items[i].controllers, controller))
			return &t->items[i];
	return NULL;
}
