#include "tests/unit/test.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "store/blob.h"
#include "store/containers.h"
#include "store/gc.h"
#include "store/image.h"
#include "store/layers.h"
#include "store/lists.h"
#include "store/usage.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[64];

static int make_root(void **state)
{
	(void)state;
	strcpy(root, "/tmp/cloche-store-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
	(void)state;
	return fs_remove_tree(AT_FDCWD, root, NULL);
}

static struct store *open_store(void)
{
	struct store_options options = { .root = root };
	struct store *s = NULL;
	struct err err = { 0 };

	if (store_open(&options, &s, &err) < 0)
		fail_msg("%s", err.msg);
	return s;
}

/* An image without layers, different for each NOTE. */
static struct digest put_image(struct store *s, const char *note)
{
	autofree char *config =
		str_format("{\"author\":\"%s\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\"}}", note);
	struct digest manifest;
	struct err err = { 0 };

	if (store_image_put(s, config, strlen(config), NULL, 0, &manifest, NULL, &err) < 0)
		fail_msg("%s", err.msg);
	return manifest;
}

static void set(struct store *s, const char *name, const struct digest *manifest)
{
	struct reference ref;
	struct err err = { 0 };

	assert_int_equal(reference_parse(name, &ref, NULL), 0);
	if (ref_set(s, &ref, manifest, "test", &err) < 0)
		fail_msg("%s", err.msg);
}

static void names(void **state)
{
	autostore struct store *s = open_store();
	struct digest one = put_image(s, "one"), two = put_image(s, "two"), found;
	autofree char *name = NULL;
	autorefs struct refs refs = { 0 };

	(void)state;
	set(s, "app", &one);
	set(s, "localhost/mine:1", &two);
	set(s, "reg.example:5000/a/b/c:x", &two);
	assert_int_equal(store_resolve(s, "app", &found, &name, NULL), 0);
	assert_string_equal(name, "docker.io/library/app:latest");
	assert_true(digest_equal(&found, &one));
	assert_int_equal(store_resolve(s, "mine:1", &found, NULL, NULL), 0);
	assert_true(digest_equal(&found, &two));
	assert_int_equal(store_resolve(s, "mine", &found, NULL, NULL), -ENOENT);

	/* The image that lost its last name is kept. */
	set(s, "app", &two);
	assert_int_equal(refs_list(s, &refs, NULL), 0);
	assert_int_equal(refs.len, 4);
	assert_null(refs.items[3].name);
	assert_true(digest_equal(&refs.items[3].manifest, &one));
	/* And named again it is not untagged any more. */
	set(s, "back", &one);
	refs_done(&refs);
	assert_int_equal(refs_list(s, &refs, NULL), 0);
	assert_int_equal(refs.len, 4);
	assert_non_null(refs.items[3].name);
	assert_int_equal(ref_delete(s, "reg.example:5000/a/b/c:x", "test", NULL), 0);
	assert_int_equal(faccessat(s->root_fd, "refs/reg.example:5000", F_OK, 0), -1);
	assert_int_equal(ref_delete(s, "reg.example:5000/a/b/c:x", "test", NULL), -ENOENT);
}

static void ids(void **state)
{
	autostore struct store *s = open_store();
	struct digest one = put_image(s, "one"), found;
	struct store_image img;
	char hex[DIGEST_HEX_MAX], full[DIGEST_STR_MAX];

	(void)state;
	set(s, "app", &one);
	assert_int_equal(store_image_open(s, "app", &img, NULL), 0);
	digest_format_hex(&img.id, hex);
	digest_format(&img.id, full);
	assert_int_equal(store_resolve(s, hex, &found, NULL, NULL), 0);
	assert_int_equal(store_resolve(s, full, &found, NULL, NULL), 0);
	hex[12] = '\0';
	assert_int_equal(store_resolve(s, hex, &found, NULL, NULL), 0);
	hex[3] = '\0';
	assert_int_equal(store_resolve(s, hex, &found, NULL, NULL), -ENOENT);
	store_image_done(&img);
}

static void index_follows_names(void **state)
{
	autostore struct store *s = open_store();
	struct digest one = put_image(s, "one");
	autobuf struct buf text = BUF_INIT(65536);
	struct image_index index;

	(void)state;
	set(s, "app:1", &one);
	set(s, "app:2", &one);
	assert_int_equal(fs_read_file(s->root_fd, "index.json", 65535, &text, NULL), 0);
	assert_int_equal(image_index_parse(text.data, text.len, &index, NULL), 0);
	assert_int_equal(index.manifests_len, 2);
	assert_string_equal(str_map_get(&index.manifests[1].annotations, ANNOTATION_REF_NAME),
			    "docker.io/library/app:2");
	assert_true(digest_equal(&index.manifests[0].digest, &one));
	image_index_done(&index);
}

static size_t count_blobs(struct store *s)
{
	autoclose int fd = openat(s->root_fd, "blobs/sha256", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autoclosedir DIR *dir = fdopendir(TAKE_FD(fd));
	size_t n = 0;

	while (readdir(dir))
		n++;
	return n - 2;
}

static void collection(void **state)
{
	struct store *s = open_store(), *other = open_store();
	struct digest one = put_image(s, "one"), two = put_image(s, "two"), three = put_image(s, "three");
	char id[CONTAINER_ID_MAX];
	struct store_image img;
	struct gc_result result;

	(void)state;
	set(s, "one", &one);
	assert_int_equal(store_image_open_manifest(s, &two, &img, NULL), 0);
	container_new_id(id);
	close(container_make(s, id, "box", &img, NULL));
	store_image_done(&img);
	(void)three;
	/* While another uses the store nothing goes; the next who ends does it. */
	assert_int_equal(gc_collect(s, &result, NULL), 0);
	assert_true(result.skipped);
	assert_int_equal(count_blobs(s), 6);
	store_close(s);
	assert_int_equal(gc_if_wanted(other, NULL, NULL), 0);
	assert_int_equal(count_blobs(other), 4);
	/* The container kept the second image. */
	assert_int_equal(container_trash(other, id, "box", NULL), 0);
	assert_int_equal(gc_collect(other, &result, NULL), 0);
	assert_int_equal(result.blobs, 2);
	assert_int_equal(count_blobs(other), 2);
	store_sweep(other, NULL, NULL);
	store_close(other);
}

/* Each thing counts once, with the first root that keeps it. */
static void usage(void **state)
{
	autostore struct store *s = open_store();
	struct digest one = put_image(s, "one"), two = put_image(s, "two"), three = put_image(s, "three");
	struct digest garbage;
	autofree char *line = NULL;
	char text[DIGEST_STR_MAX], id[CONTAINER_ID_MAX];
	struct store_image img;
	struct store_usage u;
	struct gc_result freed;

	(void)state;
	set(s, "one", &one);
	set(s, "used", &two);
	assert_int_equal(store_image_open_manifest(s, &two, &img, NULL), 0);
	container_new_id(id);
	close(container_make(s, id, NULL, &img, NULL));
	store_image_done(&img);
	digest_format(&three, text);
	line = str_format("%s\n", text);
	assert_int_equal(fs_write_file(s->root_fd, "cache/roots/step", line, strlen(line), 0600, 0, NULL), 0);
	assert_int_equal(blob_put(s, "nobody's", 8, &garbage, NULL), 0);

	assert_int_equal(store_usage(s, &u, NULL), 0);
	assert_int_equal(u.roots[MARK_CONTAINERS].blobs, 2);
	assert_int_equal(u.roots[MARK_NAMES].blobs, 2);
	assert_int_equal(u.roots[MARK_UNTAGGED].blobs, 0);
	assert_int_equal(u.roots[MARK_CACHE].blobs, 2);
	assert_int_equal(u.garbage.blobs, 1);
	assert_int_equal(u.garbage.bytes, 8);
	assert_true(u.roots[MARK_CACHE].bytes > 0);

	/* What it says that the cache holds is what goes with it. */
	assert_int_equal(unlinkat(s->root_fd, "cache/roots/step", 0), 0);
	assert_int_equal(gc_collect(s, &freed, NULL), 0);
	assert_int_equal(freed.blobs, 3);
	assert_int_equal(freed.bytes, u.roots[MARK_CACHE].bytes + 8);
	store_sweep(s, NULL, NULL);
}

/* A document that is damaged on the disk is written again. */
static void rotten_document(void **state)
{
	autostore struct store *s = open_store();
	autobuf struct buf text = BUF_INIT(64);
	char path[BLOB_PATH_MAX];
	struct digest d;

	(void)state;
	assert_int_equal(blob_put(s, "whole", 5, &d, NULL), 0);
	blob_path(&d, path);
	assert_int_equal(fs_write_file(s->root_fd, path, "whol\1", 5, 0644, 0, NULL), 0);
	assert_int_equal(blob_put(s, "whole", 5, &d, NULL), 0);
	assert_int_equal(blob_read(s, &d, &text, NULL), 0);
	assert_memory_equal(text.data, "whole", 5);
}

static void work_in_progress(void **state)
{
	autostore struct store *s = open_store();
	struct store_tmp mine;
	struct stat st;
	char gone[sizeof(mine.name)];
	struct digest d;

	(void)state;
	assert_int_equal(store_tmp_open(s, &mine, NULL), 0);
	assert_int_equal(fs_write_file(mine.dir_fd, "x", "hello", 5, 0600, 0, NULL), 0);
	/* What someone alive works at stays, what nobody holds goes. */
	assert_int_equal(mkdirat(s->root_fd, "tmp/dead", 0700), 0);
	store_sweep(s, NULL, NULL);
	assert_int_equal(fstatat(s->root_fd, mine.name, &st, 0), 0);
	assert_int_equal(fstatat(s->root_fd, "tmp/dead", &st, 0), -1);
	digest_of("hello", 5, &d);
	assert_int_equal(blob_commit(&mine, "x", &d, 4, NULL), -EBADMSG);
	assert_int_equal(blob_commit(&mine, "x", &d, 5, NULL), 0);
	assert_int_equal(blob_has(s, &d, 5, NULL), 1);
	/* A blob that power loss cut short is not taken for the whole. */
	assert_int_equal(blob_has(s, &d, 6, NULL), 0);
	assert_int_equal(blob_has(s, &d, UINT64_MAX, NULL), 0);
	strcpy(gone, mine.name);
	store_tmp_done(&mine);
	assert_int_equal(fstatat(s->root_fd, gone, &st, 0), -1);
}

static void containers(void **state)
{
	autostore struct store *s = open_store();
	char a[CONTAINER_ID_MAX], b[CONTAINER_ID_MAX], found[CONTAINER_ID_MAX];
	struct err err = { 0 };

	(void)state;
	container_new_id(a);
	container_new_id(b);
	close(container_make(s, a, "web", NULL, NULL));
	assert_int_equal(container_make(s, b, "web", NULL, &err), -EEXIST);
	assert_non_null(strstr(err.msg, "is taken by container"));
	assert_int_equal(container_find(s, "web", found, NULL), 0);
	assert_string_equal(found, a);
	a[12] = '\0';
	assert_int_equal(container_find(s, a, found, NULL), 0);
	assert_int_equal(container_find(s, "../refs", found, NULL), -ENOENT);
	assert_int_equal(container_trash(s, found, "web", NULL), 0);
	assert_int_equal(container_find(s, "web", found, NULL), -ENOENT);
}

static void foreign_folders_are_left_alone(void **state)
{
	struct store_options options = { .root = root };
	struct store *s = NULL;
	struct err err = { 0 };
	autofree char *file = path_join(root, "letter.txt");

	(void)state;
	close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_int_equal(store_open(&options, &s, &err), -EEXIST);
	assert_non_null(strstr(err.msg, "letter.txt"));
}

/* A list keeps the images that it leads to, and no longer than it is there. */
static void lists_keep_their_images(void **state)
{
	CLEANUP(image_index_done) struct image_index index = { .media_type = strdup(MEDIA_OCI_INDEX) }, back = { 0 };
	struct store *s = open_store();
	struct digest manifest = put_image(s, "listed");
	struct descriptor d = { 0 };
	struct gc_result result = { 0 };

	(void)state;
	assert_int_equal(descriptor_init(&d, MEDIA_OCI_MANIFEST, &manifest, 1, NULL), 0);
	assert_int_equal(str_map_set(&d.annotations, LIST_FROM, "docker://x/y"), 0);
	assert_int_equal(image_index_add(&index, &d, NULL), 0);
	descriptor_done(&d);
	assert_int_equal(list_read(s, "x/y:z", &back, NULL), -ENOENT);
	assert_int_equal(list_write(s, "x/y:z", &index, NULL), 0);
	assert_true(list_exists(s, "x/y:z"));
	assert_int_equal(list_read(s, "x/y:z", &back, NULL), 0);
	assert_int_equal(back.manifests_len, 1);
	assert_string_equal(str_map_get(&back.manifests[0].annotations, LIST_FROM), "docker://x/y");
	assert_int_equal(gc_collect(s, &result, NULL), 0);
	assert_int_equal(blob_has(s, &manifest, UINT64_MAX, NULL), 1);
	assert_int_equal(list_delete(s, "x/y:z", NULL), 0);
	assert_int_equal(list_delete(s, "x/y:z", NULL), -ENOENT);
	assert_int_equal(gc_collect(s, &result, NULL), 0);
	assert_int_equal(blob_has(s, &manifest, UINT64_MAX, NULL), 0);
	store_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(names, make_root, remove_root),
		cmocka_unit_test_setup_teardown(ids, make_root, remove_root),
		cmocka_unit_test_setup_teardown(index_follows_names, make_root, remove_root),
		cmocka_unit_test_setup_teardown(collection, make_root, remove_root),
		cmocka_unit_test_setup_teardown(usage, make_root, remove_root),
		cmocka_unit_test_setup_teardown(lists_keep_their_images, make_root, remove_root),
		cmocka_unit_test_setup_teardown(rotten_document, make_root, remove_root),
		cmocka_unit_test_setup_teardown(work_in_progress, make_root, remove_root),
		cmocka_unit_test_setup_teardown(containers, make_root, remove_root),
		cmocka_unit_test_setup_teardown(foreign_folders_are_left_alone, make_root, remove_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
