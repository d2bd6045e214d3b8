/*
 * `cloche inspect --layers`: what is inside an image. Its command and surroundings, each layer with the instruction
 * that made it and the files in it, and what the program that it starts needs to run.
 */
#pragma once

#include "engine/layered.h"
#include "engine/open.h"
#include "oci/json.h"
#include "store/image.h"

enum { INSIDE_LARGEST = 5 };

/*
 * RET is an object, owned by the caller:
 *
 *     Image Id Digest Created Platform Size Entrypoint Cmd Env User WorkingDir ExposedPorts Volumes Labels
 *     Layers: [{Number DiffId Digest MediaType BlobSize Size Entries Files Folders Links Deleted CreatedBy
 *               Largest: [{Path Size}]   FileList: [{Path Type Mode Uid Gid Size Link}] with ALL_FILES}]
 *     Program: {Command Path Layer Scripts: [{Path Interpreter}] Format Static Interpreter InterpreterPath
 *               Libraries: [{Name Path NeededBy}] Missing Problem}
 *
 * What isn't known or isn't there is left out.
 */
int engine_inside(struct engine *e, const char *image, bool all_files, json_t **ret, struct err *err);

/* --- its parts --- */

/* One element of Layers. */
int inside_layer(struct engine *e, const struct store_image *img, size_t layer, bool all_files, json_t **ret,
		 struct err *err);
/* Program; LAYERS are open, topmost first. *RET stays NULL if the image names no command. */
int inside_program(const struct store_image *img, const struct layered *layers, json_t **ret, struct err *err);
