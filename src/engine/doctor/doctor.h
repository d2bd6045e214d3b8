/*
 * What this machine offers to containers, found out by trying: each check does in a child what a container
 * would do, and what is missing is said with its cost and its remedy.
 */
#pragma once

#include "base/err.h"
#include "base/vec.h"
#include "store/store.h"

#include <stdbool.h>

enum doctor_state {
	DOCTOR_OK,
	DOCTOR_LESS,	/* works, with something lost */
	DOCTOR_MISSING, /* not there; containers run without it */
	DOCTOR_FATAL,	/* not there, and nothing runs without it */
};
/* "ok", "less", "missing", "fatal". Static. */
const char *doctor_state_name(enum doctor_state state);

/* Strings are owned by the report. */
struct doctor_finding {
	const char *name; /* static: "overlay" */
	enum doctor_state state;
	char *found;  /* what is the case: "kernel overlay in the user namespace" */
	char *used;   /* what we do with it; NULL: nothing */
	char *cost;   /* what its lack costs; NULL */
	char *remedy; /* NULL */
};
DEFINE_VEC(doctor_report, struct doctor_finding)

void doctor_report_done(struct doctor_report *r);

/* Runs all checks. STORE is where images go (its file system is tried too). */
int doctor_run(const struct store_options *store, struct doctor_report *ret, struct err *err);
