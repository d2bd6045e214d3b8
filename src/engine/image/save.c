#include "engine/image/save.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "engine/image/save_impl.h"
#include "layer/unpack.h"
#include "store/blob.h"
#include "store/layers.h"
#include "sys/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void saver_done(struct saver *s)
{
	for (size_t i = 0; i < s->images_len; i++) {
		store_image_done(&s->images[i].img);
		strv_done(&s->images[i].names);
	}
	free(s->images);
	for (size_t i = 0; i < s->members.len; i++) {
		free(s->members.items[i].name);
		free(s->members.items[i].text);
	}
	free(s->members.items);
	if (s->tmp.dir_fd >= 0)
		store_tmp_done(&s->tmp);
}

/* --- members --- */

bool saver_has(const struct saver *s, const char *name)
{
	for (size_t i = 0; i < s->members.len; i++)
		if (strcmp(s->members.items[i].name, name) == 0)
			return true;
	return false;
}

static int add(struct saver *s, const char *name, struct saved_member m, struct err *err)
{
	m.name = strdup(name);
	if (m.name && saved_members_push(&s->members, m) >= 0)
		return 0;
	free(m.name);
	free(m.text);
	return err_oom(err);
}

int saver_add_text(struct saver *s, const char *name, const void *text, size_t len, struct err *err)
{
	struct saved_member m = { .text_len = len, .text = malloc(len + 1) };

	if (!m.text)
		return err_oom(err);
	memcpy(m.text, text, len);
	m.text[len] = '\0';
	return add(s, name, m, err);
}

int saver_add_staged(struct saver *s, const char *name, const char *staged, struct err *err)
{
	struct saved_member m = { 0 };

	snprintf(m.staged, sizeof(m.staged), "%s", staged);
	return add(s, name, m, err);
}

int saver_add_blob(struct saver *s, const char *name, const struct digest *blob, struct err *err)
{
	struct saved_member m = { .blob = *blob };

	return saver_has(s, name) ? 0 : add(s, name, m, err);
}

/* The size of a layer's plain tar: known since it was unpacked, else it has to be read. */
static int plain_size(struct saver *s, const struct descriptor *layer, const struct digest *diff_id, uint64_t *ret,
		      struct err *err)
{
	struct layer_request q = { .verb = LAYER_LIST };
	struct layer_result result;
	struct layer_info info;
	autoclose int fd = -1;
	int r;

	if (layer_info_read(s->engine->store, diff_id, &info, NULL) >= 0) {
		*ret = info.tar_size;
		return 0;
	}
	fd = blob_open(s->engine->store, &layer->digest, NULL, err);
	if (fd < 0)
		return fd;
	q.list = (struct layer_input){
		.fd = fd, .has_digest = true, .has_diff_id = true, .digest = layer->digest, .diff_id = *diff_id
	};
	r = layer_run(&q, &result, err);
	if (r >= 0)
		*ret = result.diff_size;
	return r;
}

int saver_add_plain(struct saver *s, const char *name, const struct descriptor *layer, const struct digest *diff_id,
		    struct err *err)
{
	struct saved_member m = { .blob = layer->digest, .decompress = !digest_equal(&layer->digest, diff_id) };
	int r = 0;

	if (saver_has(s, name))
		return 0;
	if (m.decompress)
		r = plain_size(s, layer, diff_id, &m.plain_size, err);
	return r < 0 ? r : add(s, name, m, err);
}

/* --- the images --- */

static struct saved_image *find_image(struct saver *s, const struct digest *manifest)
{
	for (size_t i = 0; i < s->images_len; i++)
		if (digest_equal(&s->images[i].img.manifest_digest, manifest))
			return &s->images[i];
	return NULL;
}

/* An image that was asked for twice is saved once, with both names. */
static int add_image(struct saver *s, const char *text, struct err *err)
{
	struct saved_image *image;
	struct store_image img;
	int r = store_image_open(s->engine->store, text, &img, err);

	if (r < 0)
		return r;
	image = find_image(s, &img.manifest_digest);
	if (img.name && image && strv_contains(&image->names, img.name)) {
		store_image_done(&img);
		return 0;
	}
	if (!image) {
		image = &s->images[s->images_len++];
		*image = (struct saved_image){ 0 };
	}
	r = img.name ? strv_add(&image->names, img.name) : 0;
	if (image->img.manifest.media_type)
		store_image_done(&img);
	else
		image->img = img;
	return r < 0 ? err_oom(err) : 0;
}

/* --- writing --- */

enum { FOLDERS = 2 };

/* Content that is in memory, as a descriptor. */
static int text_fd(const struct saved_member *m, struct err *err)
{
	autoclose int fd = memfd_create("cloche", MFD_CLOEXEC);

	if (fd < 0)
		return err_errno(err, errno, "make a file in memory");
	if (fs_write_all(fd, m->text, m->text_len, err) < 0)
		return -err->code;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_errno(err, errno, "seek");
	return TAKE_FD(fd);
}

static int member_fd(struct saver *s, const struct saved_member *m, struct err *err)
{
	int fd;

	if (m->text)
		return text_fd(m, err);
	if (!m->staged[0])
		return blob_open(s->engine->store, &m->blob, NULL, err);
	fd = openat(s->tmp.dir_fd, m->staged, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? err_errno(err, errno, "open '%s/%s'", s->tmp.name, m->staged) : fd;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct saved_member *)a)->name, ((const struct saved_member *)b)->name);
}

/*
 * The folders of an OCI layout, and ourselves as owner of all: skopeo unpacks such an archive with owners, which an
 * ordinary user can't give to root.
 */
static size_t add_folders(struct layer_request *q, struct layer_item *items)
{
	items[0] = (struct layer_item){ .dest = "blobs/", .fd = -1 };
	items[1] = (struct layer_item){ .dest = "blobs/sha256/", .fd = -1 };
	q->pack.uid = geteuid();
	q->pack.gid = getegid();
	return FOLDERS;
}

/* What `smallest` will have uncompressed; 0: a member so large that its header needs more than a block. */
static uint64_t smallest_total(const struct layer_item *items, size_t len)
{
	const uint64_t header = 512, header_max = UINT64_C(1) << 33;
	uint64_t total = 0;

	for (size_t i = 0; i < len; i++) {
		struct stat st;

		if (fstat(items[i].fd, &st) < 0 || (uint64_t)st.st_size >= header_max)
			return 0;
		total = (total + header - 1) / header * header + header + (uint64_t)st.st_size;
	}
	return total;
}

/* ITEMS has room for the members and FOLDERS more. */
static int pack(struct saver *s, int out_fd, struct layer_item *items, struct err *err)
{
	struct layer_request q = { .verb = LAYER_PACK,
				   .pack = { .out_fd = out_fd,
					     .items = items,
					     .compression = s->how.compression,
					     .smallest = s->how.smallest } };
	const size_t first = s->how.format == SAVE_OCI_ARCHIVE ? add_folders(&q, items) : 0;
	size_t opened = first;
	int r = 0;

	for (; r >= 0 && opened < first + s->members.len; opened++) {
		const struct saved_member *m = &s->members.items[opened - first];
		int fd = member_fd(s, m, err);

		items[opened] = (struct layer_item){ .dest = m->name,
						     .fd = fd,
						     .plain_size = m->plain_size,
						     .flags = m->decompress ? LAYER_ITEM_DECOMPRESS : 0 };
		if (fd < 0) {
			r = fd;
			break;
		}
	}
	q.pack.items_len = first + s->members.len;
	if (r >= 0 && s->how.smallest)
		q.pack.total = smallest_total(items, q.pack.items_len);
	if (r >= 0)
		r = layer_run(&q, NULL, err);
	for (size_t i = first; i < opened; i++)
		close(items[i].fd);
	return r;
}

static int write_archive(struct saver *s, int out_fd, struct err *err)
{
	autofree struct layer_item *items = calloc(s->members.len + FOLDERS, sizeof(*items));

	if (!items)
		return err_oom(err);
	if (!s->how.smallest)
		qsort(s->members.items, s->members.len, sizeof(*s->members.items), by_name);
	return pack(s, out_fd, items, err);
}

static int write_member(struct saver *s, const struct saved_member *m, int dir_fd, struct err *err)
{
	autoclose int in = member_fd(s, m, err), out = -1;
	struct stat st;

	if (in < 0)
		return in;
	if (fstat(in, &st) < 0)
		return err_errno(err, errno, "look at a blob");
	out = openat(dir_fd, m->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (out < 0)
		return err_errno(err, errno, "create '%s'", m->name);
	return fs_copy_data(in, out, (uint64_t)st.st_size, err) < 0 ? err_wrap(err, "'%s'", m->name) : 0;
}

static int write_folder(struct saver *s, int dir_fd, struct err *err)
{
	int r = fs_make_dirs(dir_fd, "blobs/sha256", 0755, err);

	for (size_t i = 0; r >= 0 && i < s->members.len; i++)
		r = write_member(s, &s->members.items[i], dir_fd, err);
	return r;
}

static int write_images(struct saver *s, int out_fd, struct err *err)
{
	int r;

	if (s->how.smallest)
		r = save_smallest(s, err);
	else
		r = s->how.format == SAVE_DOCKER_ARCHIVE ? save_docker(s, err) : save_oci(s, err);
	if (r < 0)
		return r;
	return s->how.format == SAVE_OCI_DIR ? write_folder(s, out_fd, err) : write_archive(s, out_fd, err);
}

static int save(struct saver *s, const struct strv *images, int out_fd, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < images->len; i++)
		r = add_image(s, images->items[i], err);
	return r < 0 ? r : write_images(s, out_fd, err);
}

static int check_how(const struct save_how *how, struct err *err)
{
	if (how->format == SAVE_DOCKER_ARCHIVE)
		return 0;
	if (how->smallest)
		return err_set(err, EINVAL, "only a docker-archive can be the smallest");
	if (how->compression != LAYER_PLAIN_TAR)
		return err_set(err, EINVAL, "only a docker-archive is compressed as a whole");
	return 0;
}

int engine_save(struct engine *e, const struct strv *images, const struct save_how *how, int out_fd, struct err *err)
{
	struct saver s = { .engine = e, .how = *how, .tmp = STORE_TMP_INIT };
	int r = check_how(how, err);

	if (r < 0)
		return r;
	if (images->len > SAVE_IMAGES_MAX)
		return err_set(err, E2BIG, "at most %d images go into one archive", SAVE_IMAGES_MAX);
	s.images = calloc(images->len ? images->len : 1, sizeof(*s.images));
	if (!s.images)
		return err_oom(err);
	r = save(&s, images, out_fd, err);
	saver_done(&s);
	return r;
}

/* "domain/path:tag" as names in archives are. */
static int add_name(struct saved_image *image, const char *name, struct err *err)
{
	struct reference ref;
	char full[REFERENCE_MAX + 256];
	int r = reference_parse(name, &ref, err);

	if (r < 0 || !ref.tag[0])
		return r;
	reference_format(&ref, full);
	return strv_add(&image->names, full) < 0 ? err_oom(err) : 0;
}

int engine_save_manifest(struct engine *e, const struct digest *manifest, const char *name, enum save_format format,
			 int out_fd, struct err *err)
{
	struct saver s = {
		.engine = e, .how = { .format = format }, .tmp = STORE_TMP_INIT, .images = calloc(1, sizeof(*s.images))
	};
	int r = s.images ? store_image_open_manifest(e->store, manifest, &s.images[0].img, err) : err_oom(err);

	s.images_len = r >= 0;
	if (r >= 0 && name)
		r = add_name(&s.images[0], name, err);
	if (r >= 0)
		r = write_images(&s, out_fd, err);
	saver_done(&s);
	return r;
}
