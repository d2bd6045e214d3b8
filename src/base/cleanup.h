/*
 * Scope-bound ownership, after the manner of systemd: a variable that owns something is declared with
 * one of the auto* attributes and is released when its scope ends; TAKE_* hands the ownership on.
 *
 * Never use goto in a function that uses these.
 */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Declares that FUNC(&variable) runs when the variable goes out of scope. */
#define CLEANUP(func) __attribute__((cleanup(func)))

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void cleanup_closedir(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* For `char *` and other pointers from malloc. */
#define autofree CLEANUP(cleanup_free)
/* For `int` file descriptors; -1 means none. */
#define autoclose CLEANUP(cleanup_close)
#define autofclose CLEANUP(cleanup_fclose)
#define autoclosedir CLEANUP(cleanup_closedir)

/* The value of the pointer P, which then owns nothing any more. */
#define TAKE_PTR(p)                                                                                                    \
	({                                                                                                             \
		__typeof__(p) take_ptr_ = (p);                                                                         \
		(p) = NULL;                                                                                            \
		take_ptr_;                                                                                             \
	})

/* The value of the descriptor FD, which then is -1. */
#define TAKE_FD(fd)                                                                                                    \
	({                                                                                                             \
		int take_fd_ = (fd);                                                                                   \
		(fd) = -1;                                                                                             \
		take_fd_;                                                                                              \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
