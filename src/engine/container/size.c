#include "engine/container/size.h"

#include "engine/container/container.h"
#include "engine/container/diff.h"
#include "engine/container/userns.h"
#include "store/image.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int add_entry(const struct diff_entry *entry, void *arg, struct err *err)
{
	uint64_t *sum = arg;

	(void)err;
	*sum += entry->size;
	return 0;
}

static uint64_t image_size(struct store *s, const struct container_record *r)
{
	autoimage struct store_image img = { 0 };
	struct digest manifest;

	/* An image whose manifest is gone has no size any more. */
	if (digest_parse(r->manifest ? r->manifest : "", &manifest, NULL) < 0 ||
	    store_image_open_manifest(s, &manifest, &img, NULL) < 0)
		return 0;
	return store_image_size(s, &img);
}

int container_size(struct store *s, const struct idmap *ids, const struct container_record *record,
		   struct container_size *ret, struct err *err)
{
	static const struct layered nothing;
	autoclose int dir = container_open(s, record->id, err), files = -1;
	struct idmap as = *ids;
	struct container_keep keep;
	uint64_t own = 0;
	int r = dir < 0 ? dir : container_userns_of(record, s, &as, &keep, err);

	if (r < 0)
		return r;
	files = container_open_upper(dir, err);
	if (files == -EOPNOTSUPP) {
		/* It has a copy of its image, so all of it is its own. */
		err_clear(err);
		files = openat(dir, "rootfs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (files < 0)
			return err_errno(err, errno, "open the files of container %.12s", record->id);
		r = diff_layer(files, &nothing, &as, add_entry, &own, err);
		*ret = (struct container_size){ own, own };
		return r;
	}
	r = files < 0 ? files : diff_layer(files, &nothing, &as, add_entry, &own, err);
	if (r >= 0)
		*ret = (struct container_size){ own, own + image_size(s, record) };
	return r;
}
