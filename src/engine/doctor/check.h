/* Private to doctor*.c: what a check is given, and how it says what it found. */
#pragma once

#include "engine/doctor/doctor.h"
#include "sys/idmap.h"

struct doctor {
	struct doctor_report *report;
	struct store *store; /* NULL: could not be opened */
	struct idmap ids;    /* what containers get */
	bool userns;	     /* user namespaces work */
};

/*
 * Adds a finding; each text may be NULL. The texts are copied. Memory that runs out ends the program's check
 * with -ENOMEM, as every check returns.
 */
int doctor_add(struct doctor *d, const char *name, enum doctor_state state, const char *found, const char *used,
	       const char *cost, const char *remedy);
/* The content of a small file of /proc or /sys without its newline, or "" . */
void doctor_read(const char *path, char *dst, size_t size);

/* Runs FN in a child of its own (which may unshare, install filters, …): 0 or the negative errno that it returned. */
int doctor_try(int (*fn)(void *arg), void *arg);

/* The checks, by file. Each returns 0 or -ENOMEM. */
int doctor_check_kernel(struct doctor *d);
int doctor_check_userns(struct doctor *d);
int doctor_check_ids(struct doctor *d);
int doctor_check_namespaces(struct doctor *d);
int doctor_check_proc(struct doctor *d);
int doctor_check_seccomp(struct doctor *d);
int doctor_check_landlock(struct doctor *d);
int doctor_check_memfd(struct doctor *d);
int doctor_check_devices(struct doctor *d);
int doctor_check_cgroups(struct doctor *d);
int doctor_check_overlay(struct doctor *d);
int doctor_check_store(struct doctor *d);
int doctor_check_runroot(struct doctor *d);
