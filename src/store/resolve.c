/* From what a user types to a manifest. Names come first and cost one file; IDs are looked for in all images. */
#include "store/image.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "store/blob.h"

#include <errno.h>
#include <string.h>

enum { ID_PREFIX_MIN = 4 };

/* "docker.io/library/x:tag" for REF; and with a host that the user left out taken as localhost. */
static int by_name(struct store *s, const struct reference *ref, struct digest *ret, char **ret_name, struct err *err)
{
	autofree char *name = str_format("%s:%s", ref->name, ref->tag);
	const char *rest = str_skip_prefix(ref->name, "docker.io/");
	int r;

	if (!name)
		return err_oom(err);
	r = ref_get(s, name, ret, err);
	if (r == -ENOENT && rest) {
		free(name);
		name = str_format("localhost/%s:%s", str_starts_with(rest, "library/") ? rest + 8 : rest, ref->tag);
		if (!name)
			return err_oom(err);
		r = ref_get(s, name, ret, err);
	}
	if (r >= 0)
		*ret_name = TAKE_PTR(name);
	return r;
}

static bool is_hex(const char *s)
{
	return s[strspn(s, "0123456789abcdef")] == '\0';
}

bool store_manifest_id(struct store *s, const struct digest *manifest, struct digest *ret_id)
{
	autobuf struct buf text = BUF_INIT(IMAGE_DOCUMENT_MAX);
	struct image_manifest m;

	if (blob_read(s, manifest, &text, NULL) < 0 || image_manifest_parse(text.data, text.len, &m, NULL) < 0)
		return false;
	*ret_id = m.config.digest;
	image_manifest_done(&m);
	return true;
}

/*
 * Those images whose ID, or whose manifest's digest, begins with PREFIX. Two manifests of one ID are the
 * same image for a user; the first is taken.
 */
static int by_id(struct store *s, const char *prefix, struct digest *ret, struct err *err)
{
	autorefs struct refs refs = { 0 };
	struct digest found_id = { 0 };
	bool found = false;
	int r = refs_list(s, &refs, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < refs.len; i++) {
		char id_hex[DIGEST_HEX_MAX], manifest_hex[DIGEST_HEX_MAX];
		struct digest id;

		if (!store_manifest_id(s, &refs.items[i].manifest, &id))
			continue;
		digest_format_hex(&id, id_hex);
		digest_format_hex(&refs.items[i].manifest, manifest_hex);
		if (!str_starts_with(id_hex, prefix) && !str_starts_with(manifest_hex, prefix))
			continue;
		if (found && !digest_equal(&found_id, &id)) {
			err_set(err, EINVAL, "the image ID '%s' is ambiguous", prefix);
			return err_hint(err, "give more of its digits; 'cloche images --no-trunc' shows them all");
		}
		if (!found)
			*ret = refs.items[i].manifest;
		found_id = id;
		found = true;
	}
	return found ? 0 : -ENOENT;
}

static int blobs_are_there(struct store *s, const struct image_manifest *m, struct err *err)
{
	int r = blob_has(s, &m->config.digest, m->config.size, err);

	for (size_t i = 0; r > 0 && i < m->layers_len; i++)
		r = blob_has(s, &m->layers[i].digest, m->layers[i].size, err);
	return r;
}

int store_find_id(struct store *s, const struct digest *id, struct digest *ret_manifest, struct err *err)
{
	autorefs struct refs refs = { 0 };
	int r = refs_list(s, &refs, err), found = 0;

	for (size_t i = 0; r >= 0 && !found && i < refs.len; i++) {
		autobuf struct buf text = BUF_INIT(IMAGE_DOCUMENT_MAX);
		struct image_manifest m;

		if (blob_read(s, &refs.items[i].manifest, &text, NULL) < 0 ||
		    image_manifest_parse(text.data, text.len, &m, NULL) < 0)
			continue;
		if (digest_equal(&m.config.digest, id))
			r = found = blobs_are_there(s, &m, err);
		if (found > 0)
			*ret_manifest = refs.items[i].manifest;
		image_manifest_done(&m);
	}
	return r < 0 ? r : found;
}

static int not_found(const char *text, struct err *err)
{
	err_set(err, ENOENT, "there is no image '%s'", text);
	return err_hint(err, "'cloche images' lists those that there are; 'cloche pull' brings others, 'cloche load' "
			     "and 'cloche import' from files");
}

/* "name@digest": the digest decides, and must be there. */
static int by_digest(struct store *s, const struct reference *ref, struct digest *ret, struct err *err)
{
	char hex[DIGEST_HEX_MAX];

	digest_format_hex(&ref->digest, hex);
	return by_id(s, hex, ret, err);
}

int store_resolve(struct store *s, const char *text, struct digest *ret_manifest, char **ret_name, struct err *err)
{
	const char *hex = str_skip_prefix(text, "sha256:");
	autofree char *name = NULL;
	struct reference ref;
	int r = -ENOENT;

	if (!hex) {
		r = reference_parse(text, &ref, err);
		/* Upper case and the like can't be an ID either: what is wrong with the name is the better message. */
		if (r < 0)
			return r;
		if (ref.has_digest)
			r = by_digest(s, &ref, ret_manifest, err);
		else
			r = by_name(s, &ref, ret_manifest, &name, err);
		hex = text;
	}
	if (r == -ENOENT && strlen(hex) >= ID_PREFIX_MIN && is_hex(hex))
		r = by_id(s, hex, ret_manifest, err);
	if (r == -ENOENT)
		return not_found(text, err);
	if (r < 0)
		return r;
	if (ret_name)
		*ret_name = TAKE_PTR(name);
	return 0;
}
