/* `cloche inspect TRANSPORT:…`: what skopeo inspect says of an image that stays where it is. */
#pragma once

#include "engine/move/copy.h"
#include "oci/json.h"

struct inspect_place_options {
	struct remote_options remote;
	const char *platform;
	bool no_tags; /* don't ask the registry for all its tags */
};

/* {Name, Tag, Digest, RepoTags, Created, DockerVersion, Labels, Architecture, Os, Layers, LayersData, Env}. PLACE is taken over. */
int engine_inspect_place(struct engine *e, const struct inspect_place_options *options, struct place *place,
			 json_t **ret, struct err *err);
/* The manifest or list as its bytes are (CONFIG: the configuration of the image for the platform), into RET. */
int engine_inspect_raw(struct engine *e, const struct inspect_place_options *options, struct place *place, bool config,
		       struct buf *ret, struct err *err);
