/*
 * Images as the OCI image specification 1.1 and Docker's "image manifest version 2, schema 2" describe
 * them: descriptors, manifests, indexes, and an image's configuration. Bytes in, structs out, and back.
 *
 * Reading takes what comes from outside: sizes and counts have limits, digests are checked for form
 * (whether a blob has the digest is the store's to check). Writing is deterministic: the same struct
 * gives the same bytes. An image's ID is the digest of its configuration's bytes, so a configuration
 * that came from elsewhere is stored as it came, never written again.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"
#include "codec/digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	IMAGE_LAYERS_MAX = 500, /* overlay's own limit of lower folders */
	IMAGE_HISTORY_MAX = 4096,
	IMAGE_INDEX_MAX = 65536,
	IMAGE_DOCUMENT_MAX = 4 << 20, /* bytes of a manifest, index or configuration */
};

#define MEDIA_OCI_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_OCI_INDEX "application/vnd.oci.image.index.v1+json"
#define MEDIA_OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define MEDIA_OCI_LAYER "application/vnd.oci.image.layer.v1.tar"
#define MEDIA_OCI_LAYER_GZIP "application/vnd.oci.image.layer.v1.tar+gzip"
#define MEDIA_OCI_LAYER_ZSTD "application/vnd.oci.image.layer.v1.tar+zstd"
#define MEDIA_OCI_EMPTY "application/vnd.oci.empty.v1+json"
#define MEDIA_DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define MEDIA_DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"
#define MEDIA_DOCKER_CONFIG "application/vnd.docker.container.image.v1+json"
#define MEDIA_DOCKER_LAYER "application/vnd.docker.image.rootfs.diff.tar.gzip"

#define ANNOTATION_REF_NAME "org.opencontainers.image.ref.name"
#define ANNOTATION_CONTAINERD_NAME "io.containerd.image.name"

/* --- maps of strings: labels, annotations --- */

struct str_pair {
	char *key, *value; /* owned */
};

/* Sorted by key, each key once. Zeroed is empty. */
struct str_map {
	struct str_pair *items;
	size_t len, cap;
};

void str_map_done(struct str_map *m);
/* Adds or replaces, with copies; 0 or -ENOMEM. */
int str_map_set(struct str_map *m, const char *key, const char *value);
/* The borrowed value or NULL. */
const char *str_map_get(const struct str_map *m, const char *key);
void str_map_unset(struct str_map *m, const char *key);
int str_map_copy(struct str_map *dst, const struct str_map *src);

/* --- descriptors --- */

struct platform {
	char *os, *architecture, *variant, *os_version; /* owned; NULL: not said */
	struct strv os_features, features;
};
void platform_done(struct platform *p);

/* descriptor.md. */
struct descriptor {
	char *media_type; /* owned, never NULL after parsing */
	struct digest digest;
	uint64_t size; /* bytes of the blob */
	struct str_map annotations;
	struct platform platform;
};

void descriptor_done(struct descriptor *d);
int descriptor_copy(struct descriptor *dst, const struct descriptor *src, struct err *err);
/* Fills in D, which is zeroed; 0 or -ENOMEM. */
int descriptor_init(struct descriptor *d, const char *media_type, const struct digest *digest, uint64_t size,
		    struct err *err);

enum media_kind { MEDIA_KIND_OTHER, MEDIA_KIND_MANIFEST, MEDIA_KIND_INDEX, MEDIA_KIND_CONFIG, MEDIA_KIND_LAYER };
/* What a media type says the blob is, in either vocabulary. */
enum media_kind media_kind(const char *media_type);

/* --- manifests and indexes --- */

/* manifest.md; Docker's schema 2 reads the same. */
struct image_manifest {
	char *media_type; /* owned; MEDIA_OCI_MANIFEST or MEDIA_DOCKER_MANIFEST */
	struct descriptor config;
	struct descriptor *layers; /* base first; owned */
	size_t layers_len;
	struct str_map annotations;
};

void image_manifest_done(struct image_manifest *m);
/* Reads a manifest of an image. Manifests of artifacts (whose config is no image configuration) are refused by their type. */
int image_manifest_parse(const char *data, size_t len, struct image_manifest *ret, struct err *err);
/* The same for what is only passed on: config and layers may be of any media type. */
int image_manifest_parse_any(const char *data, size_t len, struct image_manifest *ret, struct err *err);
int image_manifest_write(const struct image_manifest *m, struct buf *out, struct err *err);
/* Appends a copy of D. */
int image_manifest_add_layer(struct image_manifest *m, const struct descriptor *d, struct err *err);

/* image-index.md, Docker's manifest list. */
struct image_index {
	char *media_type;
	struct descriptor *manifests;
	size_t manifests_len;
	struct str_map annotations;
};

void image_index_done(struct image_index *i);
int image_index_parse(const char *data, size_t len, struct image_index *ret, struct err *err);
int image_index_write(const struct image_index *i, struct buf *out, struct err *err);
int image_index_add(struct image_index *i, const struct descriptor *d, struct err *err);
/*
 * The manifest for this machine (OS linux, our architecture and variant; the nearest lower arm variant
 * is taken; one that says no platform counts as ours). Borrowed; NULL if there is none.
 */
const struct descriptor *image_index_choose(const struct image_index *i);
/* The same for another machine; VARIANT may be "". */
const struct descriptor *image_index_choose_for(const struct image_index *i, const char *architecture,
						const char *variant);

/* This machine in GOARCH's words ("amd64", "arm64"), and its variant or "". Static strings. */
const char *platform_architecture(void);
const char *platform_variant(void);

/* --- configuration --- */

/* One instruction (config.md "history"). Those without `empty_layer` match the layers one by one. */
struct image_history {
	char *created, *created_by, *author, *comment; /* owned; NULL: not there */
	bool empty_layer;
};

/* Docker's HEALTHCHECK; times in ns, 0: inherited or default. */
struct image_health {
	struct strv test; /* "NONE" | "CMD" arg… | "CMD-SHELL" line; empty: inherited */
	int64_t interval_ns, timeout_ns, start_period_ns, start_interval_ns;
	int64_t retries;
};

/* config.md and Docker's additions to it. Strings are owned; NULL: not there. */
struct image_config {
	char *created; /* RFC 3339 */
	char *author, *comment;
	char *os, *architecture, *variant, *os_version;

	/* "config": what a container is started with */
	char *user, *working_dir, *stop_signal;
	struct strv env; /* NAME=value */
	struct strv entrypoint, cmd;
	bool has_entrypoint, has_cmd; /* there though perhaps empty: [] is not null */
	struct strv exposed_ports;    /* "80/tcp", sorted */
	struct strv volumes;	      /* absolute paths, sorted */
	struct str_map labels;
	struct strv shell, on_build;
	bool has_health;
	struct image_health health;
	bool args_escaped;
	int64_t stop_timeout; /* seconds; -1: not there */

	struct digest *diff_ids; /* "rootfs", base first; owned */
	size_t diff_ids_len;
	struct image_history *history; /* owned */
	size_t history_len;
};

/* An empty configuration for this machine: os, architecture and variant are set. */
int image_config_init(struct image_config *c, struct err *err);
void image_config_done(struct image_config *c);
/* The history need not match the layers (some builders leave it out): image_config_layer_history then says nothing. */
int image_config_parse(const char *data, size_t len, struct image_config *ret, struct err *err);
/* OCI's form, with Docker's fields where they are set. */
int image_config_write(const struct image_config *c, struct buf *out, struct err *err);
/*
 * The same without what no loader and no container needs: history, author, comment, time, the only type of root file systems;
 * linux and amd64, which a missing platform means; a PATH that a missing one means.
 */
int image_config_write_smallest(const struct image_config *c, struct buf *out, struct err *err);
/* A deep copy: what a build step starts from. */
int image_config_copy(struct image_config *dst, const struct image_config *src, struct err *err);
/* Appends a diff id (a layer). */
int image_config_add_diff_id(struct image_config *c, const struct digest *diff_id, struct err *err);
/* Appends a history entry; CREATED etc. are copied, NULL is left out. */
int image_config_add_history(struct image_config *c, const char *created, const char *created_by, const char *comment,
			     bool empty_layer, struct err *err);
/* The history entry of layer N (0: base); NULL if the history does not match the layers. Borrowed. */
const struct image_history *image_config_layer_history(const struct image_config *c, size_t layer);
/*
 * Whether the same layer stands again further up. An overlay refuses one lower folder twice, and the lower of the two
 * shows nothing that the upper doesn't.
 */
bool image_config_layer_again(const struct image_config *c, size_t layer);
