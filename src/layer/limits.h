/*
 * What an archive from outside may ask of us. Each limit is far above what real images hold and far
 * below what would hurt; those in struct layer_limits can be raised by a user who knows better.
 */
#pragma once

#include <stdint.h>

/* A request may override these; 0 means the default. */
struct layer_limits {
	uint64_t entries; /* headers in one archive */
	uint64_t bytes;	  /* uncompressed size of one archive, and of all its files with their holes */
	uint64_t ratio;	  /* uncompressed bytes for each compressed byte, counted beyond LAYER_RATIO_FREE */
};

/* The largest images known to us have under 700,000 files in a layer; each costs an inode and 6 to 40 us. */
#define LAYER_ENTRIES_MAX UINT64_C(1000000)
/* Images of machine-learning stacks reach 40 GB. */
#define LAYER_BYTES_MAX (UINT64_C(256) << 30)
/* Text reaches 30:1 and rarely more; zeros give 230 to 1,030:1 by gzip, and far more by zstd. */
#define LAYER_RATIO_MAX UINT64_C(100)
/* So much may unpack from nearly nothing: sparse disk images and empty databases do. */
#define LAYER_RATIO_FREE (UINT64_C(1) << 30)

/* Linux takes paths of 4,095 bytes in one call; nothing longer could be reached by name later. */
enum { LAYER_PATH_MAX = 4095, LAYER_NAME_MAX = 255 };
/* Folders within folders: 2 bytes each would fill LAYER_PATH_MAX otherwise, and removal recurses. */
enum { LAYER_DEPTH_MAX = 1024 };
