/* Changes to a spec in memory. */
#include "oci/spec.h"

#include "oci/spec_types.h"

#include <errno.h>
#include <string.h>

static void mount_done(struct oci_mount *m)
{
	fields_done(&oci_mount_type, m);
}

/* Appends what is between the commas. */
static int add_options(struct strv *dst, const char *options)
{
	while (options && *options) {
		const char *end = strchrnul(options, ',');

		if (end > options && strv_addn(dst, options, (size_t)(end - options)) < 0)
			return -ENOMEM;
		options = *end ? end + 1 : end;
	}
	return 0;
}

int oci_spec_add_mount(struct oci_spec *spec, const char *destination, const char *type, const char *source,
		       const char *options)
{
	struct oci_mount m = { 0 };

	m.destination = strdup(destination);
	m.type = type ? strdup(type) : NULL;
	m.source = source ? strdup(source) : NULL;
	if (!m.destination || (type && !m.type) || (source && !m.source) || add_options(&m.options, options) < 0 ||
	    oci_mounts_push(&spec->mounts, m) < 0) {
		mount_done(&m);
		return -ENOMEM;
	}
	return 0;
}

bool oci_spec_remove_mount(struct oci_spec *spec, const char *destination)
{
	struct oci_mounts *v = &spec->mounts;
	size_t kept = 0, before = v->len;

	for (size_t i = 0; i < before; i++) {
		if (strcmp(v->items[i].destination, destination) == 0)
			mount_done(&v->items[i]);
		else
			v->items[kept++] = v->items[i];
	}
	v->len = kept;
	return kept < before;
}

const struct oci_namespace *oci_spec_namespace(const struct oci_spec *spec, const char *type)
{
	for (size_t i = 0; i < spec->linux_.namespaces.len; i++)
		if (strcmp(spec->linux_.namespaces.items[i].type, type) == 0)
			return &spec->linux_.namespaces.items[i];
	return NULL;
}

void oci_spec_remove_namespace(struct oci_spec *spec, const char *type)
{
	struct oci_namespaces *v = &spec->linux_.namespaces;
	size_t kept = 0;

	for (size_t i = 0; i < v->len; i++) {
		if (strcmp(v->items[i].type, type) == 0)
			fields_done(&oci_namespace_type, &v->items[i]);
		else
			v->items[kept++] = v->items[i];
	}
	v->len = kept;
}

int oci_spec_set_namespace(struct oci_spec *spec, const char *type, const char *path)
{
	struct oci_namespace ns = { 0 };

	oci_spec_remove_namespace(spec, type);
	ns.type = strdup(type);
	ns.path = path ? strdup(path) : NULL;
	if (!ns.type || (path && !ns.path) || oci_namespaces_push(&spec->linux_.namespaces, ns) < 0) {
		fields_done(&oci_namespace_type, &ns);
		return -ENOMEM;
	}
	return 0;
}

int oci_spec_set_rlimit(struct oci_spec *spec, const char *type, uint64_t soft, uint64_t hard)
{
	struct oci_rlimits *v = &spec->process.rlimits;
	struct oci_rlimit limit = { .soft = soft, .hard = hard };

	for (size_t i = 0; i < v->len; i++) {
		if (strcmp(v->items[i].type, type) == 0) {
			v->items[i].soft = soft;
			v->items[i].hard = hard;
			return 0;
		}
	}
	limit.type = strdup(type);
	if (!limit.type || oci_rlimits_push(v, limit) < 0) {
		free(limit.type);
		return -ENOMEM;
	}
	return 0;
}
