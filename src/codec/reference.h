/*
 * Image references: [domain/]path[:tag][@digest], by the grammar of the distribution project
 * (reference.go) and with docker's normalisation: "debian" is docker.io/library/debian:latest, and a
 * first component counts as a domain only if it has a dot or a colon or is "localhost".
 */
#pragma once

#include "base/err.h"
#include "codec/digest.h"

enum { REFERENCE_MAX = 512 };

struct reference {
	char name[REFERENCE_MAX]; /* normalised "docker.io/library/debian" */
	char tag[129];		  /* "" if there is only a digest */
	bool has_digest;
	struct digest digest;
};

/* Reads and normalises; a missing tag becomes "latest" unless there is a digest. -EBADMSG with what is wrong and where. */
int reference_parse(const char *s, struct reference *ret, struct err *err);
/* "docker.io/library/debian:bookworm", "…@sha256:…". */
void reference_format(const struct reference *ref, char dst[static REFERENCE_MAX + 256]);
/* As people write it: without docker.io/ and library/. */
void reference_format_familiar(const struct reference *ref, char dst[static REFERENCE_MAX + 256]);
/* The repository only, as people write it: "debian". */
const char *reference_familiar_name(const struct reference *ref);
